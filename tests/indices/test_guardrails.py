"""What a decision must not do: the checks themselves, and a decision refused live, told of, and got over."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.replay import steps_inline
from indices import selectors, services, tasks
from indices.core import guardrails
from indices.core.backtest import backtest
from indices.core.guardrails import AT_ONCE, Guard, Proposal, refusal
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, IndexLevel
from signals import services as signal_services
from signals.core.clock import end_of_day
from signals.core.panel import Panel
from signals.models import Alert
from tests.indices.test_history import index_of
from tests.markets import market_store

RULES = Rulebook.from_dict({"slug": "x", "family": "market_cap", "weighting": {"max_weight": 0.5}})
NOBODY = np.zeros(4, dtype=bool)
EVERYBODY = np.ones(4, dtype=bool)


def proposal(
    target: list[float],
    drifted: list[float],
    *,
    priced: np.ndarray = EVERYBODY,
    alive: np.ndarray = EVERYBODY,
    shelter: np.ndarray = NOBODY,
) -> Proposal:
    return Proposal(np.array(target), np.array(drifted), priced, alive, shelter)


@pytest.mark.parametrize(
    "target",
    [
        [np.nan, 0.5, 0.5, 0],
        [np.inf, 0, 0, 0],
        [-0.1, 0.6, 0.5, 0],
        [0.5, 0.4, 0, 0],
        [0.5, 0.5, 2e-9, 0],
        [0, 0, 0, 0],
    ],
)
def test_weights_that_are_no_weights_are_refused_even_at_the_first_purchase(target: list[float]) -> None:
    why = "guard: the weights are not positive numbers that sum to 1"
    assert refusal(Guard(), RULES, proposal(target, [0, 0, 0, 0])) == why
    assert refusal(Guard(), RULES, proposal(target, [0.5, 0.5, 0, 0])) == why


def test_a_sane_decision_passes() -> None:
    assert refusal(Guard(), RULES, proposal([0.5, 0.5, 0, 0], [0, 0, 0, 0])) == ""
    assert refusal(Guard(), RULES, proposal([0.5, 0.5, 0, 0], [0.3, 0.3, 0.4, 0])) == ""


def test_half_of_what_is_held_must_have_a_price_of_the_day() -> None:
    held = [0.4, 0.2, 0.2, 0.2]
    priced = np.array([True, False, False, False])
    why = refusal(Guard(), RULES, proposal(held, held, priced=priced))
    assert why == "guard: only 40% of what is held has a price of the day, 50% is needed"
    # The dead do not count: they would keep the index from ever selling them.
    alive = np.array([True, False, True, False])
    assert refusal(Guard(), RULES, proposal(held, held, priced=priced, alive=alive)) == ""
    assert refusal(Guard(), RULES, proposal(held, held, priced=NOBODY, alive=NOBODY)) == ""


def test_one_asset_must_not_become_the_whole_index_unless_the_rules_want_it() -> None:
    one, two = [1.0, 0, 0, 0], [0.6, 0.4, 0, 0]
    why = "guard: one asset would be the whole index, which the rules do not want"
    assert refusal(Guard(), RULES, proposal(one, two)) == why
    assert refusal(Guard(), RULES, proposal(one, one)) == "", "there is nothing else that could be kept"
    free = Rulebook.from_dict({"slug": "x", "family": "market_cap", "weighting": {"max_weight": 1}})
    assert refusal(Guard(), free, proposal(one, two)) == ""
    shelter = np.array([True, False, False, False])
    assert refusal(Guard(), RULES, proposal(one, two, shelter=shelter)) == "", "all in a stablecoin is meant"


def test_turnover_beyond_the_budget_and_beyond_sanity_is_refused() -> None:
    budget = Rulebook.from_dict({"slug": "x", "family": "market_cap", "trading": {"max_turnover": 0.2}})
    moved = proposal([0.5, 0.5, 0, 0], [0.6, 0.4, 0, 0])
    assert refusal(Guard(), budget, moved) == ""
    moved = proposal([0.5, 0.5, 0, 0], [0.61, 0.39, 0, 0])
    assert refusal(Guard(), budget, moved) == "guard: a turnover of 0.22 is above the budget of 0.20"
    everything = proposal([0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5])
    assert refusal(Guard(), RULES, everything) == (
        f"{AT_ONCE}a turnover of 2.00 is above 1.50, it is traded if the next decision wants it too"
    )
    assert refusal(Guard(), RULES, everything, spared=True) == ""
    # An overlay that moves everything to a stablecoin and back changes nothing among the risky.
    shelter = np.array([False, False, False, True])
    assert refusal(Guard(), RULES, proposal([0, 0, 0.0, 1], [0.5, 0.5, 0, 0], shelter=shelter)) == ""
    assert refusal(Guard(), RULES, proposal([0.5, 0.5, 0, 0], [0, 0, 0, 1.0], shelter=shelter)) == ""
    scaled = proposal([0.1, 0.1, 0, 0.8], [0.5, 0.5, 0, 0], shelter=shelter)
    assert guardrails.turnover_of_the_risky(scaled) == pytest.approx(0.0, abs=1e-15)


@given(
    st.lists(st.floats(0.01, 1), min_size=4, max_size=4), st.lists(st.floats(0.01, 1), min_size=4, max_size=4)
)
def test_turnover_of_the_risky_is_all_of_it_without_a_shelter(wanted: list[float], held: list[float]) -> None:
    target, drifted = np.array(wanted) / sum(wanted), np.array(held) / sum(held)
    moved = guardrails.turnover_of_the_risky(Proposal(target, drifted, EVERYBODY, EVERYBODY, NOBODY))
    assert moved == pytest.approx(np.abs(target - drifted).sum(), abs=1e-12)
    assert moved <= 2.0


def test_what_is_alarming_and_what_is_a_sane_level() -> None:
    assert guardrails.alarming("no asset passes the screens")
    assert guardrails.alarming("guard: anything")
    assert not guardrails.alarming("")
    assert not guardrails.alarming("drift of 1.0000% is within the band of 2.0000%")
    assert not guardrails.alarming("every trade is smaller than 10 USD")
    assert guardrails.sane_levels([1000.0, 0.1])
    assert not any(guardrails.sane_levels([1.0, bad]) for bad in (np.nan, np.inf, 0.0, -1.0))


FIRST = date(2022, 1, 1)
SUNDAYS = [date(2022, 1, 30), date(2022, 2, 6), date(2022, 2, 13), date(2022, 2, 20)]
BODY: dict[str, object] = {
    "slug": "two",
    "family": "market_cap",
    "base": {"date": "2022-01-24"},
    "screens": {"max_stale_days": 2},
    "selection": {"count": 2, "buffer": 0},
    "weighting": {"max_weight": 0.6},
}


def panel(caps: dict[str, np.ndarray], close: np.ndarray | None = None) -> Panel:
    days = pd.date_range(FIRST, periods=60)
    prices = pd.DataFrame(dict.fromkeys(caps, np.full(60, 10.0)) if close is None else close, index=days)
    market_cap = pd.DataFrame(caps, index=days)
    return Panel.from_frames(close=prices, market_cap=market_cap, volume=market_cap / 10)


def switched() -> Panel:
    """Four assets; from the Sunday 6 February on the two small ones are, by their caps, the two large ones."""
    large, small = np.full(60, 2e9), np.full(60, 1e7)
    late = np.arange(60) >= (SUNDAYS[1] - FIRST).days
    rising, falling = np.where(late, 3e9, small), np.where(late, small / 2, large)
    return panel({"old-a": falling, "old-b": falling, "new-a": rising, "new-b": rising})


def live(known: Panel, through: date, body: dict[str, object] = BODY) -> Index:
    """The index of `body`, taken by ticks day by day from its first Sunday to `through`."""
    market_store(known, clock_at=end_of_day(SUNDAYS[0]))
    index = index_of(body)
    day = SUNDAYS[0]
    while True:
        with steps_inline():
            tasks.decisions_tick()
        if day == through:
            return index
        day += timedelta(days=1)
        signal_services.clock_set(end_of_day(day))


def test_a_live_decision_that_replaces_everything_is_held_once_told_of_and_then_traded(db: None) -> None:
    index = live(switched(), SUNDAYS[1] + timedelta(days=1))
    held = Decision.objects.get(as_of=SUNDAYS[1])
    assert held.is_held
    assert held.note.startswith(AT_ONCE)
    assert held.turnover == 0
    assert not held.weights.exists()
    in_force = selectors.decision_in_force(index, as_of=SUNDAYS[1] + timedelta(days=1))
    assert in_force is not None
    assert set(selectors.target_weights(in_force)) == {"old-a", "old-b"}, "the last weights stay"
    alert = Alert.objects.get()
    assert (alert.kind, alert.as_of, alert.cleared_on) == ("held two", SUNDAYS[1], None)
    assert "a turnover of 2.00 is above 1.50" in alert.text
    note = selectors.standing_note(index, as_of=SUNDAYS[1])
    assert note is not None
    assert (note.kind, note.as_of) == ("held", SUNDAYS[1])
    assert note.text.startswith(
        "The decision of 2022-02-06 is held and the last weights stay: too much at once"
    )

    day = SUNDAYS[1] + timedelta(days=1)
    while (day := day + timedelta(days=1)) <= SUNDAYS[2]:
        signal_services.clock_set(end_of_day(day))
        with steps_inline():
            tasks.decisions_tick()
    again = Decision.objects.get(as_of=SUNDAYS[2])
    assert set(selectors.target_weights(again)) == {"new-a", "new-b"}, "wanted twice, it is meant"
    assert Alert.objects.get().cleared_on == SUNDAYS[2]
    assert selectors.standing_note(index, as_of=SUNDAYS[2]) is None
    assert services.index_verify(index) == []


def test_live_and_backtest_refuse_alike(db: None) -> None:
    known = switched()
    live(known, SUNDAYS[3])
    rulebook = Rulebook.from_dict(BODY)
    made = backtest(
        known, rulebook, start=date(2022, 1, 24), end=SUNDAYS[3], record=True, guard=services.GUARD
    ).decisions
    stored = Decision.objects.order_by("as_of").values_list("as_of", "is_held", "note", "input_hash")
    assert list(stored) == [(step.as_of, bool(step.held), step.held, step.input_hash) for step in made]
    assert sum(bool(step.held) for step in made) == 1
    unguarded = backtest(known, rulebook, start=date(2022, 1, 24), end=SUNDAYS[3], record=True).decisions
    assert not any(step.held for step in unguarded), "a rulebook alone goes by its own rules"


def test_new_rules_may_replace_everything_at_once(db: None) -> None:
    still = panel({name: np.full(60, cap) for name, cap in (("a", 4e9), ("b", 3e9), ("c", 2e9), ("d", 1e9))})
    index = live(still, SUNDAYS[0])
    index_of(BODY | {"universe": {"exclude": ["a", "b"]}})
    signal_services.clock_set(end_of_day(SUNDAYS[1]))
    with steps_inline():
        tasks.decisions_tick()
    newest = Decision.objects.latest("as_of")
    assert (newest.as_of, newest.is_held) == (SUNDAYS[1], False)
    assert set(selectors.target_weights(newest)) == {"c", "d"}
    assert services.index_verify(index) == []


def test_prices_that_are_missing_on_the_day_hold_the_decision(db: None) -> None:
    known = switched()
    close = known.close.copy()
    close[(SUNDAYS[1] - FIRST).days, :2] = np.nan
    gone = panel(
        {name: known.market_cap[:, place] for place, name in enumerate(known.assets)},
        {name: close[:, place] for place, name in enumerate(known.assets)},  # type: ignore[arg-type]
    )
    live(gone, SUNDAYS[1])
    newest = Decision.objects.latest("as_of")
    assert newest.note == "guard: only 0% of what is held has a price of the day, 50% is needed"


@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_an_infinite_cap_is_held_and_not_an_error() -> None:
    caps = {"a": np.full(60, 4e9), "b": np.full(60, 3e9)}
    known = panel(caps)
    broken = known.market_cap.copy()
    broken[(SUNDAYS[1] - FIRST).days, 0] = np.inf
    object.__setattr__(known, "market_cap", broken)
    made = backtest(
        known,
        Rulebook.from_dict(BODY),
        start=date(2022, 1, 24),
        end=SUNDAYS[2],
        record=True,
        guard=Guard(),
    )
    (held,) = [step for step in made.decisions if step.held]
    assert held.as_of == SUNDAYS[1]
    assert held.held.startswith("guard: ")
    assert np.isfinite(made.level.to_numpy()).all()


def test_an_index_that_cannot_be_computed_raises_an_alert_and_leaves_the_others_alone(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = panel({name: np.full(60, cap) for name, cap in (("a", 4e9), ("b", 3e9), ("c", 2e9), ("d", 1e9))})
    market_store(still, clock_at=end_of_day(SUNDAYS[0]))
    index_of(BODY)
    bad = index_of(BODY | {"slug": "bad"})
    # Indices are taken in the order of their slugs: the bad one comes first.
    verdicts = iter([False, True])
    monkeypatch.setattr("indices.services.history.sane_levels", lambda levels: next(verdicts))
    written = services.histories_backfill(through=SUNDAYS[0])
    assert written["two"].levels > 0
    assert written["bad"] == services.Advance()
    assert not Decision.objects.filter(index=bad).exists()
    assert not IndexLevel.objects.filter(index=bad).exists()
    alert = Alert.objects.get()
    assert alert.kind == "broken bad"
    assert "would have a level that is no number above zero" in alert.text
    monkeypatch.undo()
    services.histories_backfill(through=SUNDAYS[0])
    assert Alert.objects.get().cleared_on == SUNDAYS[0]
    assert IndexLevel.objects.filter(index=bad).exists()


def test_old_prices_are_told_of_and_nothing_is_decided_on_them(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = panel({name: np.full(60, cap) for name, cap in (("a", 4e9), ("b", 3e9))})
    index = live(still, SUNDAYS[0])
    end = still.dates[-1].date()
    signal_services.clock_set(end_of_day(end))
    services.index_advance(index, through=end)
    for days, told in ((2, False), (3, True)):
        closed = end + timedelta(days=days)
        monkeypatch.setattr("signals.selectors.last_closed_day", lambda closed=closed: closed)
        monkeypatch.setattr("signals.selectors.last_complete_day", lambda: end)
        with steps_inline():
            assert tasks.decisions_tick() == 0
        assert Alert.objects.filter(kind="stale_prices", cleared_on=None).exists() == told
        note = selectors.standing_note(index, as_of=closed)
        assert (note is not None and note.kind == "held") == told
    monkeypatch.undo()
    with steps_inline():
        tasks.decisions_tick()
    assert Alert.objects.get(kind="stale_prices").cleared_on is not None
