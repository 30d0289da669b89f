"""What sources agree on at one moment: every reason to leave one out, and its edge."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.guard import DAILY, NAV, TRADING, Drop, Dropped, GuardRules, Quote, consensus

NOON = datetime(2022, 6, 1, 12, tzinfo=UTC)
VENUES = ("alpha", "bravo", "charlie", "delta", "echo")


def quotes(*prices, at=NOON):
    return [
        Quote(source, price, at) for source, price in zip(VENUES, prices, strict=False) if price is not None
    ]


def agreed(*prices, rules=TRADING, large=False, suspended=()):
    return consensus(quotes(*prices), at=NOON, rules=rules, large=large, suspended=frozenset(suspended))


def test_the_mark_is_the_median_of_the_sources_that_are_close_to_it():
    told = agreed(100.0, 101.0, 103.0, 150.0)
    # The reference is 102; the mark is the median of the three that stay.
    assert (told.price, told.kept, told.fresh) == (101.0, ("alpha", "bravo", "charlie"), 4)
    assert told.dropped == (Dropped("delta", Drop.DEVIANT, 48 / 102),)
    assert told.suspended == {"delta"}
    assert agreed(100.0, 101.0, 103.0, 104.0).price == 102.0


@pytest.mark.parametrize(
    ("large", "third", "kept"),
    [
        (False, 110.0, 3),
        (False, 110.001, 2),
        (True, 103.0, 3),
        (True, 103.001, 2),
        (True, 97.0, 3),
        (True, 96.99, 2),
    ],
)
def test_the_limit_is_three_percent_for_the_largest_and_ten_for_the_rest(large, third, kept):
    assert len(agreed(100.0, 100.0, third, large=large).kept) == kept


def test_fewer_than_the_rules_ask_for_are_no_price():
    assert agreed(100.0, 100.0).price is None
    assert agreed(100.0, 100.0, 111.0).price is None
    two = replace(TRADING, min_sources=2)
    assert agreed(100.0, 102.0, rules=two).price == 101.0
    assert agreed(100.0, rules=two).price is None
    assert agreed(rules=two) == consensus([], at=NOON, rules=two, large=False)
    assert agreed(rules=two).price is None


def test_two_sources_judge_each_other_by_their_whole_distance():
    two = replace(TRADING, min_sources=2)
    apart = agreed(95.0, 105.1, rules=two)  # each is 5 % from the middle, but 10.1 % from the other
    assert (apart.price, apart.kept, apart.suspended) == (None, (), {"alpha", "bravo"})
    assert agreed(95.0, 105.0, rules=two).price == 100.0


def test_two_camps_of_the_same_size_make_no_price():
    assert agreed(100.0, 100.0, 150.0, 150.0, rules=replace(TRADING, min_sources=2)).price is None


@pytest.mark.parametrize("price", [0.0, -5.0, float("nan"), float("inf")])
def test_what_is_no_price_is_dropped(price):
    told = agreed(100.0, 100.0, 100.0, price)
    assert (told.price, told.fresh) == (100.0, 3)
    assert [(dropped.source, dropped.why) for dropped in told.dropped] == [("delta", Drop.INVALID)]


@pytest.mark.parametrize(
    ("rules", "age", "why"),
    [
        (TRADING, 60, None),
        (TRADING, 61, Drop.STALE),
        (TRADING, -5, None),
        (TRADING, -6, Drop.FUTURE),
        (NAV, 900, None),
        (NAV, 901, Drop.STALE),
        (NAV, -6, Drop.FUTURE),
        (DAILY, 12 * 3600, None),
        (DAILY, 12 * 3600 + 1, Drop.STALE),
        (DAILY, -12 * 3600, Drop.FUTURE),
    ],
)
def test_a_quote_that_is_too_old_or_ahead_of_the_clock_is_dropped(rules, age, why):
    late = Quote("late", 100.0, NOON - timedelta(seconds=age))
    told = consensus([*quotes(100.0, 100.0, 100.0), late], at=NOON, rules=rules, large=False)
    assert told.dropped == ((Dropped("late", why, float(age)),) if why else ())
    assert told.fresh == (3 if why else 4)


def test_suspended_sources_still_have_a_voice_in_the_reference():
    told = agreed(100.0, 200.0, 200.0, 200.0, suspended={"bravo", "charlie", "delta"})
    assert (told.price, told.kept, told.suspended) == (200.0, ("bravo", "charlie", "delta"), {"alpha"})


def test_nobody_is_convicted_where_there_are_too_few_to_compare_with():
    assert agreed(100.0, 150.0, suspended={"bravo"}).suspended == {"bravo"}
    assert agreed(100.0, None, 100.0, suspended={"alpha"}).suspended == {"alpha"}


def test_a_source_may_speak_once_and_moments_have_a_zone():
    twice = [*quotes(100.0), *quotes(101.0)]
    with pytest.raises(ValueError, match="alpha appears twice"):
        consensus(twice, at=NOON, rules=TRADING, large=False)
    with pytest.raises(ValueError, match="at: has no time zone"):
        consensus([], at=NOON.replace(tzinfo=None), rules=TRADING, large=False)
    with pytest.raises(ValueError, match="alpha has a moment without a time zone"):
        consensus(quotes(1.0, at=NOON.replace(tzinfo=None)), at=NOON, rules=TRADING, large=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_sources": 1}, "min_sources"),
        ({"deviation_rest": 1.0}, "deviation_rest"),
        ({"readmission": 0.0}, "readmission"),
        ({"crash": 0.2}, "crash: 0.2 is less than move"),
        ({"further": -1}, "further"),
        ({"crash_sources": 1}, "crash_sources"),
        ({"max_age": timedelta(0)}, "max_age"),
        ({"confirmation_gap": timedelta(seconds=-1)}, "confirmation_gap"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        GuardRules(**{"max_age": timedelta(seconds=60), "confirmation_gap": timedelta(minutes=2), **change})


@given(
    st.lists(st.floats(0.96, 1.04), min_size=3, max_size=5),
    st.lists(st.floats(1e-6, 1e6).filter(lambda factor: not 0.8 < factor < 1.25), min_size=1, max_size=2),
)
def test_a_minority_of_wrong_sources_never_moves_the_mark(honest, wrong):
    wrong = wrong[: (len(honest) - 1) // 2]
    names = iter("abcdefghij")
    told = consensus(
        [Quote(next(names), 100.0 * factor, NOON) for factor in [*honest, *wrong]],
        at=NOON,
        rules=TRADING,
        large=False,
    )
    assert told.price is None or min(honest) * 100 <= told.price <= max(honest) * 100
    assert all(dropped.why is Drop.DEVIANT for dropped in told.dropped)
    assert set(told.kept) <= set("abcdefghij"[: len(honest)])
