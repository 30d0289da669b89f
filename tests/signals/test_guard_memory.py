"""The guard's memory goes through JSON between rounds: nothing may be lost on the way."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signals.core.guard import (
    DAILY,
    TRADING,
    GuardState,
    PegRules,
    PegState,
    Quote,
    guard_dict,
    guard_state,
    peg_dict,
    peg_state,
)

NOON = datetime(2022, 6, 1, 12, 0, 0, 123, tzinfo=UTC)
PRICES = st.one_of(st.none(), st.floats(1e-12, 1e12))
# Mostly sources that agree, or nothing would ever be pending.
AGREED = st.sampled_from([100.0, 150.0, 40.0, 10.0]).map(lambda price: [price] * 4)
TOLD = st.one_of(AGREED, AGREED, st.lists(PRICES, min_size=4, max_size=4))
BY_HAND = st.integers(0, 9).map(lambda number: number == 0)
ROUNDS = st.lists(st.tuples(TOLD, st.integers(0, 300), BY_HAND), max_size=12)


def stored(data):
    return json.loads(json.dumps(data))


@given(ROUNDS, st.sampled_from([TRADING, DAILY]))
def test_a_guard_that_is_stored_between_rounds_is_the_guard_that_is_not(rounds, rules):
    kept, at = GuardState(rules), NOON
    reread = kept
    for prices, seconds, by_hand in rounds:
        at += timedelta(seconds=seconds)
        quotes = [Quote(name, price, at) for name, price in zip("abcd", prices, strict=True) if price]
        by = "someone" if by_hand else ""
        kept, verdict = kept.step(quotes, at=at, large=False, confirmed_by=by)
        reread = guard_state(stored(guard_dict(reread)), rules)
        reread, again = reread.step(quotes, at=at, large=False, confirmed_by=by)
        assert (reread, again) == (kept, verdict)


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(0.5, 1.2)), st.integers(0, 3000)), max_size=20))
def test_a_peg_too(rounds):
    kept, at = PegState(PegRules()), NOON
    reread = kept
    for price, seconds in rounds:
        at += timedelta(seconds=seconds)
        kept, verdict = kept.step(price, at=at)
        reread, again = peg_state(stored(peg_dict(reread)), PegRules()).step(price, at=at)
        assert (reread, again) == (kept, verdict)


def test_no_memory_is_a_guard_that_has_seen_nothing():
    assert guard_state({}, TRADING) == GuardState(TRADING)
    assert peg_state(None, PegRules()) == PegState(PegRules())
