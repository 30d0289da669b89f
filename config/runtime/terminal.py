"""What a person at the terminal sees: one line per step, with its seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """One line, at once (also through a pipe)."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Names the step, and says how long it took once it is done; a failed step says so and raises on."""
    began = time.monotonic()
    say(f"· {title}")
    try:
        yield
    except BaseException:
        say(f"✗ {title}: failed after {time.monotonic() - began:.1f} s")
        raise
    say(f"✓ {title}: {time.monotonic() - began:.1f} s")
