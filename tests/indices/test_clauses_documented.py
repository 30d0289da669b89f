"""The public description of the clauses names each of them, and its examples are what the engine reads."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from indices.core.difference import MAPPINGS, MEMBERS, NAMES
from indices.core.events import events_from_yaml
from indices.core.rulebook import Rulebook, RulebookError

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "methodology.md").read_text()
RULES, EVENTS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
ERRORS = re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)


def leaves(clauses: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in clauses.items():
        whole = f"{path}{key}"
        if isinstance(value, Mapping) and whole not in MAPPINGS:
            yield from leaves(value, f"{whole}.")
        else:
            yield whole


CLAUSES = sorted(leaves(Rulebook.from_dict({"slug": "x", "family": "ai"}).to_dict(whole=True)))


@pytest.mark.parametrize("clause", CLAUSES)
def test_every_clause_is_in_the_table_in_the_example_and_has_a_name(clause: str) -> None:
    assert clause in NAMES or clause in MEMBERS
    given: Any = yaml.safe_load(RULES)
    if clause not in ("summary", "costs.capital_usd", "weighting.smoothing", "weighting.window_days"):
        for key in clause.split("."):
            assert key in given
            given = given[key]
    if "." in clause:
        room, key = clause.split(".")
        lines = [line for line in TEXT.splitlines() if line.startswith(f"| `{room}.")]
        assert any(re.search(rf"[`.]{key}`", line.split("|")[1]) for line in lines)


def test_the_examples_are_read() -> None:
    book = Rulebook.from_yaml(RULES)
    assert Rulebook.from_dict(book.to_dict()) == book
    assert book.overlay.basket == {"tether": 0.4, "usd-coin": 0.6}
    assert [event.to_dict()["kind"] for event in events_from_yaml(EVENTS)] == [
        "redenomination",
        "airdrop",
        "airdrop",
        "halt",
        "delisting",
    ]


def test_the_errors_that_are_shown_are_the_errors_that_are_raised() -> None:
    assert ERRORS is not None
    wrong: list[dict[str, Any]] = [
        {"weighting": {"max_weight": 1.4}},
        {"weighting": {"max_weight_largest": 0.2}},
        {"weighting": {"tilt": 2}},
        {"universe": {"exclude": [{"asset": "a", "from": "2020-02-01", "until": "2020-02-01"}]}},
        {"calendar": {"announce_days": 2}},
        {"overlay": {"risk_off": {"a": 0.5, "b": 0.4}}},
        {"costs": {"tiers": [{"min_median_volume": 5, "half_spread_bps": 9}]}},
        {"selection": {"cout": 5}},
    ]
    found = []
    for clauses in wrong:
        with pytest.raises(RulebookError) as refused:
            Rulebook.from_dict({"slug": "x", "family": "market_cap", **clauses})
        found.append(str(refused.value))
    assert found == ERRORS[1].splitlines()
