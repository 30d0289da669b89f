"""Whether the schedules notice a planted bug, and which of them is the first to."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import Error

from portfolios.errors import MoneyError
from tests.faults.mutants import MUTANTS
from tests.faults.owners import with_owners
from tests.faults.planting import Mutant
from tests.faults.problems import Broken
from tests.faults.running import unhindered
from tests.faults.schedule import Schedule
from tests.faults.world import World, world


@dataclass(frozen=True)
class Catch:
    """The seed that noticed the bug, after how many schedules, and in which words."""

    seed: int
    schedules: int
    words: str


def caught(made: World, mutant: Mutant, seeds: Iterable[int]) -> Catch | None:
    """The first of the seeds that notices the bug, or None. A bug that only trips over itself was not noticed."""
    with mutant.plant(made.database):
        for number, seed in enumerate(seeds, start=1):
            try:
                Schedule(made, seed).run()
            except Broken as broken:
                if _noticed(broken.__cause__):
                    return Catch(seed, number, str(broken).splitlines()[0])
    return None


def _seeds(mutant: Mutant, first: int, at_most: int) -> Iterator[int]:
    """As many seeds from `first` on, of those that can notice the bug."""
    able = (seed for seed in itertools.count(first) if with_owners(seed) or not mutant.owners)
    return itertools.islice(able, at_most)


def _noticed(error: BaseException | None) -> bool:
    """Whether the second set of books says what does not hold, or the ledger or the database refuses to keep it."""
    unbalanced = isinstance(error, ValueError) and str(error).startswith("entry ")
    return unbalanced or isinstance(error, Broken | MoneyError | Error)


def hunt(first: int, at_most: int, *, part: int = 0, parts: int = 1) -> list[str]:
    """Each planted bug (of this part) under seeds from `first` on, one line each; the names of those not caught."""
    missed = []
    for mutant in MUTANTS[part::parts]:
        # Each in a world of its own: what schedules leave behind in the tables slows the next ones down.
        with world() as made, unhindered():
            found = caught(made, mutant, _seeds(mutant, first, at_most))
        told = f"not caught by {at_most}" if found is None else f"{found.schedules:4}  {found.words[:150]}"
        sys.stdout.write(f"{mutant.name:46}{told}\n")
        sys.stdout.flush()
        missed += [mutant.name] if found is None else []
    return missed
