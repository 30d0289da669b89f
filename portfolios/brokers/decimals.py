"""ccxt sets rounding and traps of the caller's decimal context; money must not notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, InvalidOperation, localcontext

WIDE = Context(prec=60, traps=[InvalidOperation])


@contextmanager
def decimals_kept() -> Iterator[None]:
    """Inside, the decimal context is a copy that is thrown away. Also a decorator."""
    with localcontext(WIDE.copy()):
        yield


def number(value: object, what: str) -> Decimal:
    """A finite decimal out of a venue's text. Raises ValueError, naming `what`, for anything else."""
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{what}: {value!r} is not a number") from error
    if not found.is_finite():
        raise ValueError(f"{what}: {value!r} is not a number")
    return found
