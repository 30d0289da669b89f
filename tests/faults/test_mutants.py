"""Bugs planted on purpose: each is caught by the schedule that is known to. `make proof` looks for fresh ones."""

from __future__ import annotations

import pytest

from tests.faults.hunting import caught
from tests.faults.mutants import MUTANTS
from tests.faults.running import unhindered
from tests.faults.world import world

pytestmark = pytest.mark.django_db(transaction=True)


def test_planted_bugs_are_caught() -> None:
    with world() as made, unhindered():
        missed = {
            mutant.name: mutant.seed for mutant in MUTANTS if caught(made, mutant, [mutant.seed]) is None
        }
    assert missed == {}, (
        "these seeds do not catch these bugs any more; `python -m tests.faults --bugs` finds seeds that do"
    )
