"""ccxt sets rounding and traps of the caller's decimal context; money and pages must not notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import localcontext


@contextmanager
def decimals_kept() -> Iterator[None]:
    """Inside, the decimal context is a copy that is thrown away. Also a decorator."""
    with localcontext():
        yield
