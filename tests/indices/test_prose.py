"""The rules in words say what the rulebook says."""

from __future__ import annotations

from indices.core.prose import rules
from indices.core.rulebook import Rulebook


def words(**clauses: object) -> dict[str, str]:
    book = Rulebook.from_dict({"slug": "x", "family": "market_cap", **clauses})
    return {rule.title: rule.text for rule in rules(book)}


def test_the_rules_of_a_broad_index() -> None:
    found = words(
        screens={
            "min_market_cap": {"enter": 1.0e7, "stay": 8.0e6},
            "min_median_volume_30d": {"enter": 100000, "stay": 100000},
            "min_age_days": 30,
        },
        trading={"drift_band": 0.005, "max_turnover": 0.5},
    )
    assert found == {
        "What may enter": "Every token with a price, except stablecoin, staked and wrapped tokens.",
        "What it must show": "At least: market capitalisation of $10.0M to enter, $8.00M to stay; "
        "median daily volume over 30 days of $100K; a price history of 30 days.",
        "How many": "The top 100 by market capitalisation. "
        "A token already in stays until it falls below rank 110, which saves trades.",
        "How much of each": "Weighted in proportion to market capitalisation. "
        "No token above 25%; what lies above is spread over the others.",
        "When": "Decided every Sunday at the close (24:00 UTC), traded at the close of the next day. "
        "A token within 0.5% of its target is left alone. At most 50% of the index is turned over at once.",
        "What trading costs": "The published level pays 0.1% of every amount bought or sold. "
        "The first purchase counts too.",
        "When a token dies": "Its last price is held for 7 days without a new one; "
        "then the position counts as lost entirely.",
    }


def test_other_clauses() -> None:
    found = words(
        universe={"categories": ["defi", "ai"], "exclude_categories": [], "exclude": ["terra"]},
        selection={"count": 10, "buffer": 0},
        weighting={"scheme": "equal", "max_weight": 1, "min_weight": 0.02},
        calendar={"frequency": "monthly", "lag_days": 0},
        overlay={"regime": True},
        costs={"fee_bps": 10, "half_spread_bps": 5, "impact": 0.1},
        delisting={"after_missing_days": 3, "return": 0},
    )
    assert found["What may enter"] == "Tokens of the kind ai or defi. Left out by name: terra."
    assert found["What it must show"] == "No further conditions."
    assert found["How many"] == "The top 10 by market capitalisation."
    assert found["How much of each"] == "Weighted equally. None below 2%."
    assert (
        found["When"]
        == "Decided on the last day of each month at the close (24:00 UTC), traded at the same close."
    )
    assert found["When the market turns"].endswith("the rest waits in usd-coin.")
    assert "0.15% of every amount bought or sold plus a charge" in found["What trading costs"]
    assert found["When a token dies"].endswith("then the position is sold at its last price.")
