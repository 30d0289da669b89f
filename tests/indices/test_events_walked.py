"""Events on random markets: nothing is known before its day, and a resumed history has the bits of a whole one."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core.backtest import backtest, continued
from indices.core.events import Airdrop, Delisting, Event, Halt, Redenomination, reach_back
from indices.core.exact import weight_float, weights_exact
from indices.core.levels import memory_days
from indices.core.rulebook import Holding, Rulebook, decide, lookback_days
from indices.core.walk import Standing, Waiting
from tests.indices.markets import market

FIRST, DAYS, ASSETS = date(2020, 1, 1), 120, 8

BOOKS = [
    Rulebook.from_dict({"slug": "x", "family": "market_cap", **clauses})
    for clauses in (
        {"selection": {"count": 4, "buffer": 1}, "weighting": {"max_weight": 0.4}},
        {
            "selection": {"count": 5, "buffer": 0},
            "weighting": {"scheme": "inverse_volatility", "max_weight": 1, "window_days": 20},
            "trading": {"max_turnover": 0.3},
        },
        {
            "selection": {"count": 4, "buffer": 0},
            "calendar": {"frequency": "daily", "lag_days": 2},
            "costs": {"half_spread_bps": 5, "tiers": [{"min_median_volume": 1e7, "half_spread_bps": 1}]},
        },
    )
]


@st.composite
def happenings(draw: st.DrawFn) -> tuple[Event, ...]:
    """A few events of different assets, none before the fifth day."""
    assets = draw(st.lists(st.integers(0, ASSETS - 1), unique=True, min_size=1, max_size=4))
    found: list[Event] = []
    for number in assets:
        asset, day = f"asset-{number:03d}", FIRST + timedelta(days=draw(st.integers(5, DAYS + 5)))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            found.append(Redenomination(asset, day, draw(st.sampled_from([0.1, 1000.0]))))
        elif kind == 1:
            found.append(Airdrop(asset, day, value_fraction=draw(st.sampled_from([0.05, 0.5]))))
        elif kind == 2:
            until = draw(st.none() | st.integers(1, 30))
            found.append(Halt(asset, day, None if until is None else day + timedelta(days=until)))
        else:
            found.append(Delisting(asset, day, draw(st.sampled_from([-1.0, -0.5, None]))))
    return tuple(found)


@settings(max_examples=25)
@given(
    events=happenings(), seed=st.integers(0, 50), book=st.sampled_from(BOOKS), cut=st.integers(30, DAYS - 1)
)
def test_an_event_acts_on_no_day_before_its_own(
    events: tuple[Event, ...], seed: int, book: Rulebook, cut: int
) -> None:
    panel = market(days=DAYS, assets=ASSETS, seed=seed, gaps=0.03)
    end = FIRST + timedelta(days=cut)
    known = [event for event in events if event.day <= end]
    whole = backtest(panel, book, start="2020-01-12", end="2020-04-29", events=events)
    part = backtest(panel.as_of(end), book, start="2020-01-12", end=end, events=known)
    assert part.level.tolist() == whole.level[: part.level.index[-1]].tolist()


@settings(max_examples=15)
@given(events=happenings(), seed=st.integers(0, 50), book=st.sampled_from(BOOKS))
def test_the_live_decision_is_that_of_the_backtest(
    events: tuple[Event, ...], seed: int, book: Rulebook
) -> None:
    panel = market(days=DAYS, assets=ASSETS, seed=seed)
    result = backtest(panel, book, start="2020-01-12", end="2020-04-29", events=events, record=True)
    for step in result.decisions[1::5]:
        back = max(lookback_days(book), (step.as_of - reach_back(events, step.as_of)).days) + 1
        short = panel.as_of(step.as_of).last(back)
        again = decide(
            as_of=step.as_of,
            panel=short,
            rulebook=book,
            previous=Holding(step.drifted) if step.drifted else None,
            events=events,
        )
        assert again.weights == step.weights
        assert again.input_hash == step.input_hash


@settings(max_examples=25)
@given(
    events=happenings(), seed=st.integers(0, 50), book=st.sampled_from(BOOKS), stop=st.integers(30, DAYS - 10)
)
def test_a_resumed_history_has_the_bits_of_a_whole_one(
    events: tuple[Event, ...], seed: int, book: Rulebook, stop: int
) -> None:
    panel = market(days=DAYS, assets=ASSETS, seed=seed)
    whole = backtest(panel, book, start="2020-01-12", end="2020-04-29", events=events, record=True)
    made = [step for step in whole.decisions if step.as_of <= FIRST + timedelta(days=stop) and not step.held]
    halts = [event for event in events if isinstance(event, Halt)]
    free = [
        step
        for step in made
        if not any(
            halt.from_ <= step.effective_on and (halt.until is None or step.effective_on < halt.until)
            for halt in halts
        )
        and step.effective_on in whole.turnover.index
        and step.effective_on <= FIRST + timedelta(days=stop)
    ]
    if not free:
        return
    at = free[-1]
    newest = [step for step in whole.decisions if step.as_of <= FIRST + timedelta(days=stop)][-1]
    bought = at.effective_on
    standing = Standing(
        weights={asset: weight_float(part) for asset, part in weights_exact(at.weights).items()},
        bought=bought,
        level=float(whole.level[str(bought)]),
        waiting=tuple(
            Waiting(step.effective_on, step.weights, book.costs)
            for step in made
            if step.effective_on > bought
        ),
        decided=newest.as_of,
        epoch=newest.epoch,
    )
    first = min(bought, newest.as_of) - timedelta(days=max(memory_days(book), lookback_days(book)))
    back = (date(2020, 4, 29) - min(first, reach_back(events, bought))).days + 1
    again = continued(panel.last(back), book, standing, through=date(2020, 4, 29), events=events)
    assert again.level.tolist() == whole.level[str(bought) :].tolist()
    later = [step for step in whole.decisions if step.as_of > newest.as_of]
    assert [step.input_hash for step in again.decisions] == [step.input_hash for step in later]
    assert [step.weights for step in again.decisions] == [step.weights for step in later]


@given(seed=st.integers(0, 1000), row=st.integers(10, 100), ratio=st.sampled_from([1e-3, 1e3, 1e6]))
def test_a_redenominated_market_is_the_same_market(seed: int, row: int, ratio: float) -> None:
    panel = market(days=DAYS, assets=ASSETS, seed=seed)
    frame = panel.frame("close").copy()
    frame.iloc[row:, 0] /= ratio
    changed = type(panel).from_frames(
        close=frame, market_cap=panel.frame("market_cap"), volume=panel.frame("volume")
    )
    event = Redenomination("asset-000", FIRST + timedelta(days=row), ratio)
    plain = backtest(panel, BOOKS[0], start="2020-01-12", end="2020-04-29")
    found = backtest(changed, BOOKS[0], start="2020-01-12", end="2020-04-29", events=[event])
    assert found.level.to_numpy() == pytest.approx(plain.level.to_numpy(), rel=1e-12)
    assert np.array_equal(found.weights.to_numpy(), plain.weights.to_numpy())
