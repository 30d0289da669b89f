"""How a bug is planted: a function replaced wherever the product has imported it, while it is in the ground."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.faults.database import Database

Plant = Callable[[Database], Any]


@dataclass(frozen=True)
class Mutant:
    """A planted bug: what somebody might have forgotten, and the context manager that forgets it."""

    name: str
    plant: Plant
    seed: int = 0
    """A schedule that is known to catch it."""
    owners: bool = False
    """Whether only schedules with owners and staff can."""


@contextmanager
def replaced(original: Callable[..., Any], fake: Callable[..., Any]) -> Iterator[None]:
    """Every module of the product that has `original` has `fake`, and the people, who stand for the API."""
    found = [
        (module, name)
        for key, module in sorted(sys.modules.items())
        if key.startswith(("portfolios", "indices")) or key in ("tests.faults.people", "tests.faults.owners")
        for name, value in list(vars(module).items())
        if value is original
    ]
    if not found:
        raise LookupError(f"{original} is nowhere to be replaced: the bug would not be in the ground")
    with ExitStack() as stack:
        for module, name in found:
            stack.enter_context(patch.object(module, name, fake))
        yield


def wrapped(original: Callable[..., Any], make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Plant:
    """Plants `make(original)` in the place of `original`."""
    return lambda database: replaced(original, make(original))


@contextmanager
def rewritten(database: Database, rewrite: Callable[[str], str]) -> Iterator[None]:
    """Every statement of the product goes through `rewrite`."""
    before, database.rewrite = database.rewrite, rewrite
    try:
        yield
    finally:
        database.rewrite = before
