"""Typed events by hand: redenominations, airdrops, halts and delistings, each to the last digit."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from indices.core.backtest import Backtest, backtest
from indices.core.events import (
    Airdrop,
    Delisting,
    Event,
    EventError,
    Halt,
    Redenomination,
    events_from,
    events_from_yaml,
    reach_back,
)
from indices.core.rulebook import Holding, Rulebook, decide
from signals.core.panel import Panel
from tests.indices.markets import panel_of

NAN = float("nan")


def rules(**clauses: object) -> Rulebook:
    plain = {
        "slug": "plain",
        "family": "market_cap",
        "selection": {"count": 5, "buffer": 0},
        "weighting": {"scheme": "equal", "max_weight": 1.0},
        "calendar": {"frequency": "monthly", "lag_days": 0},
        "costs": {"fee_bps": 0},
    }
    return Rulebook.from_dict({**plain, **clauses})


def day(number: int) -> date:
    """The day of row `number`: 2021-01-01 is a Friday."""
    return date(2021, 1, 1) + timedelta(days=number)


def run(panel: Panel, *events: Event, book: Rulebook | None = None, last: int = 0) -> Backtest:
    end = panel.dates[-1].date() if not last else day(last)
    return backtest(panel, book or rules(), start=day(0), end=end, record=True, events=events)


def test_a_level_does_not_move_when_units_are_counted_anew() -> None:
    panel = panel_of({"a": [10.0, 10, 0.01, 0.02, 0.02], "b": [5.0] * 5})
    result = run(panel, Redenomination("a", day(2), 1000))
    assert result.level.tolist() == pytest.approx([1000, 1000, 1000, 1500, 1500], rel=1e-15)
    assert run(panel).level.tolist()[2] == pytest.approx(500.5), "without the event it is what prices say"


def test_bought_on_the_day_of_a_redenomination_is_bought_in_new_units() -> None:
    panel = panel_of({"a": [10.0, 0.01, 0.02], "b": [5.0] * 3})
    late = backtest(panel, rules(), start=day(1), end=day(2), events=[Redenomination("a", day(1), 1000)])
    assert late.level.tolist() == pytest.approx([1000, 1500])


def test_a_price_that_is_missing_on_the_day_is_carried_in_old_units() -> None:
    panel = panel_of({"a": [10.0, NAN, NAN, 0.01, 0.02], "b": [5.0] * 5})
    result = run(panel, Redenomination("a", day(2), 1000))
    assert result.level.tolist() == pytest.approx([1000, 1000, 1000, 1000, 1500])


def test_risk_schemes_see_no_crash_in_a_redenomination() -> None:
    random = np.random.default_rng(1)
    steps = np.exp(np.cumsum(random.normal(0, 0.02, (60, 2)), axis=0)) * 10
    whole = panel_of({"a": steps[:, 0].tolist(), "b": steps[:, 1].tolist()})
    steps[40:, 0] /= 1000
    counted = panel_of({"a": steps[:, 0].tolist(), "b": steps[:, 1].tolist()})
    book = rules(weighting={"scheme": "inverse_volatility", "max_weight": 1.0, "window_days": 30})
    event = [Redenomination("a", day(40), 1000)]
    on = day(50)
    told = decide(as_of=on, panel=counted, rulebook=book, events=event)
    assert told.weights == pytest.approx(decide(as_of=on, panel=whole, rulebook=book).weights, rel=1e-9)
    assert decide(as_of=on, panel=counted, rulebook=book).weights["a"] < 0.1
    before = [decide(as_of=day(39), panel=counted, rulebook=book, events=each) for each in ([], event)]
    assert before[0] == before[1], "a decision made before an event does not know it"
    assert told.input_hash != decide(as_of=on, panel=counted, rulebook=book).input_hash


@pytest.mark.parametrize(
    "event",
    [Airdrop("a", day(2), into="c", units_per_unit=0.5), Airdrop("a", day(2), value_fraction=0.25)],
)
def test_an_airdrop_adds_exactly_its_value(event: Airdrop) -> None:
    # Half a c at 4 is worth 2, a quarter of a's close of 8: sold at that close for a quarter more of a.
    panel = panel_of({"a": [10.0, 10, 8, 8, 16], "b": [10.0] * 5, "c": [NAN, NAN, 4, 1, 1]})
    result = run(panel, event, book=rules(universe={"exclude": ["c"]}))
    assert result.level.tolist() == pytest.approx([1000, 1000, 1000, 1000, 1500], rel=1e-15)
    fresh = backtest(panel, rules(universe={"exclude": ["c"]}), start=day(2), end=day(4), events=[event])
    assert fresh.level.tolist() == pytest.approx([1000, 1000, 1500]), "who buys on the day receives nothing"


def test_an_airdrop_of_what_has_no_price_is_refused() -> None:
    panel = panel_of({"a": [10.0, 10, 8]})
    with pytest.raises(
        EventError, match="airdrop of a on 2021-01-02: c has no price that day; give value_fraction"
    ):
        run(panel, Airdrop("a", day(1), into="c", units_per_unit=0.5))


DAILY = {"frequency": "daily", "lag_days": 0}


def test_the_quantity_of_a_halted_asset_does_not_change_through_rebalances() -> None:
    panel = panel_of({"a": [10.0, 10, 99, 99, 40], "b": [10.0, 20, 20, 10, 10], "c": [10.0] * 5})
    book = rules(calendar=DAILY)
    result = run(panel, Halt("a", day(1), day(4)), book=book)
    # Bought 1/3 each; a stands at its last price of 10 through the halt, whatever is printed.
    level = [1000, 1000 * (1 + 2 + 1) / 3]
    amount = 1000 / 3 / 10
    assert result.level.tolist()[:2] == pytest.approx(level)
    held = [result.weights["a"].iloc[row] * result.level.iloc[row] / 10 for row in range(1, 4)]
    assert held == pytest.approx([amount] * 3, rel=1e-12)
    others = result.weights.iloc[1]
    assert others["b"] == pytest.approx(others["c"]), "the others share the rest as they would the whole"
    last = result.level.iloc[4]
    # On the fifth day it trades again, at four times its price, and is brought back to a third.
    assert last == pytest.approx(result.level.iloc[3] + amount * 30)
    assert result.weights["a"].iloc[4] == pytest.approx(1 / 3)
    told = result.decisions[1]
    assert told.notes == ("halted, cannot be traded: a",)
    assert told.reasons["a"] == "stayed: halted, cannot be traded"


def test_a_halted_asset_does_not_enter_and_is_not_bought_when_the_halt_comes_in_between() -> None:
    panel = panel_of({"a": [10.0] * 6, "b": [10.0] * 6})
    assert run(panel, Halt("a", day(0), day(3)), book=rules(calendar=DAILY)).weights["a"].tolist() == [
        0,
        0,
        0,
        0.5,
        0.5,
        0.5,
    ]
    # Decided on the first day, halted on the second, on which it was to be bought.
    lagged = rules(calendar={"frequency": "monthly", "lag_days": 1})
    late = backtest(panel, lagged, start=day(1), end=day(4), events=[Halt("a", day(1), day(2))])
    assert late.weights.iloc[0].to_dict() == {"b": 1.0}


def test_a_halt_without_prices_is_no_death() -> None:
    panel = panel_of({"a": [10.0, *[NAN] * 20, 5.0], "b": [10.0] * 22})
    halted = run(panel, Halt("a", day(1), day(21)))
    assert halted.level.tolist() == pytest.approx([1000.0] * 21 + [750.0])
    assert run(panel).level.iloc[-1] == pytest.approx(500), "silent for so long, it would have been given up"


def test_where_all_is_halted_nothing_is_traded() -> None:
    panel = panel_of({"a": [10.0, 10, 20, 20], "b": [10.0, 10, 10, 10]})
    result = run(panel, Halt("a", day(1)), Halt("b", day(1)), book=rules(calendar=DAILY))
    assert [step.held for step in result.decisions[1:]] == ["nothing but what is halted could be held"] * 3
    assert result.level.tolist() == [1000.0] * 4


def test_a_delisting_returns_exactly_what_it_says_and_leaves() -> None:
    panel = panel_of({"a": [10.0, 20, 7, 3, 1], "b": [10.0] * 5})
    half = run(panel, Delisting("a", day(2), -0.5))
    # 15/10 of 1000 at the second close; a's last price of 20 becomes 10 and stays there.
    assert half.level.tolist() == pytest.approx([1000, 1500, 1000, 1000, 1000])
    lost = run(panel, Delisting("a", day(2), -1.0))
    assert lost.level.tolist() == pytest.approx([1000, 1500, 500, 500, 500])
    book = rules(delisting={"return": -0.75})
    assert run(panel, Delisting("a", day(2)), book=book).level.iloc[2] == pytest.approx(750)
    sold = run(panel, Delisting("a", day(2), -0.5), book=rules(calendar=DAILY))
    assert sold.weights["a"].tolist() == [0.5, 0.5, 0, 0, 0]
    assert sold.decisions[2].reasons["a"] == "left: delisted"


def test_a_delisted_asset_is_not_bought_by_a_decision_from_before() -> None:
    panel = panel_of({"a": [10.0] * 5, "b": [10.0] * 5})
    lagged = rules(calendar={"frequency": "monthly", "lag_days": 1})
    late = backtest(panel, lagged, start=day(1), end=day(4), events=[Delisting("a", day(1), -1.0)])
    assert late.weights.iloc[0].to_dict() == {"b": 1.0}
    assert late.level.tolist() == [1000.0] * 4


def test_a_redenomination_during_a_halt_changes_no_value() -> None:
    panel = panel_of({"a": [10.0, 10, NAN, NAN, 0.02], "b": [10.0] * 5})
    result = run(panel, Halt("a", day(1), day(4)), Redenomination("a", day(2), 1000))
    assert result.level.tolist() == pytest.approx([1000, 1000, 1000, 1000, 1500])
    same = run(panel, Redenomination("a", day(1), 1000), Halt("a", day(1), day(4)))
    assert same.level.tolist() == pytest.approx([1000, 1000, 1000, 1000, 1500])
    gone = run(panel, Redenomination("a", day(2), 1000), Delisting("a", day(3), -0.5))
    assert gone.level.tolist() == pytest.approx([1000, 1000, 1000, 750, 750])


def test_a_halted_incumbent_stays_in_a_decision_whatever_its_rank() -> None:
    panel = panel_of({"a": [1.0] * 3, "b": [5.0] * 3, "c": [10.0] * 3})
    book = rules(selection={"count": 1, "buffer": 0})
    decision = decide(
        as_of=day(1),
        panel=panel,
        rulebook=book,
        previous=Holding({"a": 0.25, "b": 0.75}),
        events=[Halt("a", day(0))],
    )
    assert decision.weights == {"a": 0.25, "c": 0.75}
    assert decision.reasons["b"] == "left: rank 2"


READ: list[dict[str, Any]] = [
    {"kind": "redenomination", "asset": "a", "day": "2021-02-01", "ratio": 1000},
    {"kind": "fork", "asset": "b", "day": "2021-01-05", "into": "c", "units_per_unit": 1},
    {"kind": "airdrop", "asset": "b", "day": "2021-01-06", "value_fraction": 0.1},
    {"kind": "halt", "asset": "d", "from": "2021-01-04"},
    {"kind": "delisting", "asset": "e", "day": "2021-03-01", "return": -0.9},
]


def test_events_are_read_in_order_of_day_and_written_as_they_are_read() -> None:
    found = events_from(READ)
    assert [event.asset for event in found] == ["d", "b", "b", "a", "e"]
    assert found[0] == Halt("d", date(2021, 1, 4))
    assert events_from([event.to_dict() for event in found]) == found
    text = "events:\n- {kind: halt, asset: d, from: 2021-01-04, until: 2021-01-06}\n"
    assert events_from_yaml(text) == (Halt("d", date(2021, 1, 4), date(2021, 1, 6)),)
    assert events_from_yaml("") == ()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"kind": "split"},
            "events[0].kind: must be one of redenomination, airdrop, halt, delisting, fork, got",
        ),
        ({"kind": "halt", "asset": "a"}, "events[0].from: is required"),
        ({"kind": "halt", "from": "2021-01-01"}, "events[0].asset: is required"),
        (
            {"kind": "halt", "asset": "a", "from": "2021-01-02", "until": "2021-01-02"},
            "events[0].until: must be after from (2021-01-02)",
        ),
        (
            {"kind": "redenomination", "asset": "a", "day": "2021-01-01", "ratio": 0},
            "events[0].ratio: must be a number above 0, got 0",
        ),
        (
            {"kind": "delisting", "asset": "a", "day": "2021-01-01", "return": -2},
            "events[0].return: must be a number of at least -1, got -2",
        ),
        (
            {"kind": "airdrop", "asset": "a", "day": "2021-01-01"},
            "events[0].units_per_unit: or value_fraction is required, and not both",
        ),
        (
            {"kind": "airdrop", "asset": "a", "day": "2021-01-01", "units_per_unit": 1},
            "events[0].into: is required with units_per_unit",
        ),
        (
            {"kind": "halt", "asset": "a", "day": "2021-01-01"},
            "events[0].day: is not a field; use kind, asset",
        ),
        ("halt", "events[0]: must be a mapping of {kind, asset, ...}, got 'halt'"),
    ],
)
def test_a_bad_event_is_refused_by_its_field(item: Any, message: str) -> None:
    with pytest.raises(EventError) as refused:
        events_from([item])
    assert str(refused.value).startswith(message)


def test_events_that_cannot_be_together_are_refused() -> None:
    end = {"kind": "delisting", "asset": "a", "day": "2021-01-05"}
    with pytest.raises(
        EventError, match=r"^events\[1\]: a ended on 2021-01-05; nothing can happen to it after"
    ):
        events_from([end, {"kind": "halt", "asset": "a", "from": "2021-01-06"}])
    with pytest.raises(EventError, match=r"^events\[1\]: is there already"):
        events_from([end, end])
    with pytest.raises(EventError, match=r"^events: must be a list of events, got dict"):
        events_from({"kind": "halt"})  # type: ignore[dict-item]
    with pytest.raises(EventError, match=r"^events: is not YAML"):
        events_from_yaml("- {")


def test_a_panel_must_reach_back_to_before_the_halts_that_are_on() -> None:
    events = [Halt("a", date(2021, 3, 1)), Halt("b", date(2021, 1, 1), date(2021, 2, 1))]
    assert reach_back(events, date(2021, 4, 1)) == date(2021, 1, 29)
    assert reach_back(events, date(2021, 2, 10)) == date(2021, 2, 10)
