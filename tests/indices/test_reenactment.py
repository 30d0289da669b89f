"""Stored decisions traded once more are what the engine did: levels, turnover, cost, with gaps, deaths and events."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from indices.core.backtest import Backtest, backtest
from indices.core.events import Event, Halt, Redenomination
from indices.core.reenactment import Step, reenacted
from indices.core.rulebook import Rulebook
from signals.core.panel import Panel
from tests.indices.markets import market

START, END = date(2020, 2, 1), date(2020, 7, 10)
RULES = Rulebook.from_dict(
    {
        "slug": "small-5",
        "family": "market_cap",
        "base": {"level": 1000, "date": START.isoformat()},
        "screens": {"max_stale_days": 2},
        "selection": {"count": 5, "buffer": 2},
        "weighting": {"max_weight": 0.4},
        "costs": {"fee_bps": 20, "impact": 0.1, "capital_usd": 1e6},
        "delisting": {"after_missing_days": 4, "return": -0.5},
    }
)


def made(panel: Panel, events: tuple[Event, ...]) -> tuple[Backtest, list[Step]]:
    result = backtest(panel, RULES, start=START, end=END, record=True, events=events)
    traded = [decision for decision in result.decisions if not decision.held]
    return result, [
        Step(number, decision.effective_on, decision.weights, RULES) for number, decision in enumerate(traded)
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("with_events", [False, True])
def test_levels_turnover_and_cost_are_the_engines(seed: int, with_events: bool) -> None:
    panel = market(days=200, assets=14, seed=seed, gaps=0.04)
    events: tuple[Event, ...] = ()
    if with_events:
        alive = [
            name
            for name, column in zip(panel.assets, panel.close.T, strict=True)
            if not np.isnan(column[40:]).all()
        ]
        events = (
            Redenomination(alive[0], date(2020, 4, 8), 10.0),
            Halt(alive[1], date(2020, 4, 17), date(2020, 5, 1)),
        )
    result, steps = made(panel, events)
    last = panel.row(result.level.index[-1].date())
    done = reenacted(panel, steps, events=events)
    assert [(trade.row, trade.turnover, trade.paid) for trade in done.trades] == [
        (step.row, step.turnover, step.cost) for step in result.rebalances
    ]
    # With the rulebook's own impact the curve at its capital is the cost that was paid.
    for trade in done.trades:
        assert trade.curve.at(RULES.costs.capital_usd) == pytest.approx(trade.paid, rel=1e-12, abs=1e-15)
    levels = result.level.to_numpy()
    first = panel.row(result.level.index[0].date())
    paid = {trade.row: trade.paid for trade in done.trades}
    level = levels[done.trades[0].row - first]
    assert [stretch.row for stretch in done.stretches] == [trade.row for trade in done.trades]
    for stretch in done.stretches:
        end = min(stretch.last, last)
        held = stretch.values.sum(axis=1)[: end - stretch.row + 1]
        for row in range(stretch.row + 1, end + 1):
            cost = paid.get(row, 0.0) if row == stretch.last else 0.0
            assert levels[row - first] == pytest.approx(
                level * held[row - stretch.row] * (1 - cost), rel=1e-12
            )
        level = levels[end - first]


def test_steps_that_cannot_be_traded_are_left_out() -> None:
    panel = market(days=60, assets=4, seed=1, lives=False)
    late = Step(1, date(2021, 1, 1), {"asset-000": 1.0}, RULES)
    assert reenacted(panel, [late]).trades == []
    assert reenacted(panel, []).stretches == []
    same_day = [
        Step(1, date(2020, 1, 10), {"asset-000": 1.0}, RULES),
        Step(2, date(2020, 1, 10), {"asset-001": 1.0}, RULES),
    ]
    (only,) = reenacted(panel, same_day).trades
    assert only.key == 2
