"""Moves against the last mark on made-up rounds: what is accepted, what waits, what freezes and thaws."""

from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.guard import NAV, TRADING, Cause, Drop, Dropped, GuardState, Quote, Status

NOON = datetime(2022, 6, 1, 12, tzinfo=UTC)
VENUES = ("alpha", "bravo", "charlie", "delta", "echo")


def quotes(*prices, at=NOON):
    return [
        Quote(source, price, at) for source, price in zip(VENUES, prices, strict=False) if price is not None
    ]


class Walk:
    """Rounds of one asset, two minutes apart unless told."""

    def __init__(self, rules=TRADING, large=False):
        self.state, self.at, self.large = GuardState(rules), NOON, large

    def __call__(self, *prices, after=timedelta(minutes=2), confirmed_by=""):
        self.at += after
        self.state, verdict = self.state.step(
            quotes(*prices, at=self.at), at=self.at, large=self.large, confirmed_by=confirmed_by
        )
        return verdict


def test_a_source_that_strayed_returns_only_within_half_the_limit():
    walk = Walk()
    assert walk(100.0, 100.0, 100.0, 111.0).sources == ("alpha", "bravo", "charlie")
    still = walk(100.0, 100.0, 100.0, 106.0)
    assert still.dropped == (Dropped("delta", Drop.SUSPENDED, 0.06),)
    assert walk(100.0, 100.0, 100.0, None).sources == ("alpha", "bravo", "charlie")
    assert walk.state.suspended == {"delta"}  # silence is no improvement
    assert walk(100.0, 100.0, 100.0, 105.0).sources == VENUES[:4]
    assert walk(100.0, 100.0, 100.0, 106.0).sources == VENUES[:4]


def test_a_mark_within_limits_is_accepted_and_says_so():
    walk = Walk()
    first = walk(100.0, 100.0, 100.0)
    assert (first.status, first.cause, first.price, first.move) == (
        Status.ACCEPTED,
        Cause.FIRST_MARK,
        100.0,
        None,
    )
    up = walk(130.0, 130.0, 130.0)
    assert (up.cause, up.price, up.tradable) == (Cause.WITHIN_LIMITS, 130.0, True)
    assert up.move == pytest.approx(0.3, abs=1e-12)
    assert up.reasons == ("3 sources agree, +30.0% against the last accepted mark.",)
    assert walk.state.accepted_at == walk.at
    with pytest.raises(FrozenInstanceError):
        up.price = 1.0


@pytest.mark.parametrize("price", [131.0, 69.0, 50.0])
def test_a_large_move_waits_for_two_further_rounds_two_minutes_apart(price):
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    waits = walk(price, price, price)
    assert (waits.status, waits.cause, waits.price, waits.candidate) == (
        Status.PENDING,
        Cause.MOVE_UNCONFIRMED,
        None,
        price,
    )
    assert walk.state.price == 100.0
    # Rounds in between do not count.
    assert walk(price, price, price, after=timedelta(seconds=119)).status is Status.PENDING
    assert walk(price, price, price, after=timedelta(seconds=1)).status is Status.PENDING
    assert walk(price, price, price, after=timedelta(seconds=60)).status is Status.PENDING
    assert walk(price, price, price, after=timedelta(seconds=59)).status is Status.PENDING
    done = walk(price, price, price, after=timedelta(seconds=1))
    assert (done.status, done.cause, done.price) == (Status.ACCEPTED, Cause.CONFIRMED, price)
    assert (walk.state.price, walk.state.pending) == (price, None)


def test_a_pending_move_that_vanishes_leaves_no_trace():
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    walk(140.0, 140.0, 140.0)
    back = walk(101.0, 101.0, 101.0)
    assert (back.cause, back.price) == (Cause.WITHIN_LIMITS, 101.0)
    assert walk.state.pending is None
    walk(140.0, 140.0, 140.0)
    assert walk(140.0, 140.0, 140.0).status is Status.PENDING


def test_a_candidate_that_moves_on_must_be_confirmed_anew():
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    walk(140.0, 140.0, 140.0)
    walk(140.0, 140.0, 140.0)
    assert walk(400.0, 400.0, 400.0).status is Status.PENDING
    assert walk(400.0, 400.0, 400.0).status is Status.PENDING
    assert walk(420.0, 420.0, 420.0).price == 420.0


def test_more_than_half_down_freezes_at_once_and_thaws_when_three_sources_stay():
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    frozen = walk(49.0, 49.0, 49.0)
    assert (frozen.status, frozen.cause, frozen.tradable) == (Status.FROZEN, Cause.FALL_UNCONFIRMED, False)
    assert walk.state.frozen
    assert "frozen until 3 sources or a person confirm" in frozen.reasons[0]
    silent = walk(49.0)
    assert (silent.status, silent.cause) == (Status.FROZEN, Cause.TOO_FEW_SOURCES)
    assert walk(48.0, 48.0, 48.0).status is Status.FROZEN
    assert walk(48.0, 48.0, 48.0).price == 48.0
    assert not walk.state.frozen


def test_a_frozen_asset_whose_price_returns_thaws_no_faster():
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    walk(10.0, 10.0, 10.0)
    assert [walk(100.0, 100.0, 100.0).status for _ in range(3)] == [
        Status.FROZEN,
        Status.FROZEN,
        Status.ACCEPTED,
    ]


def test_a_pending_fall_that_deepens_into_a_crash_starts_anew():
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    assert walk(60.0, 60.0, 60.0).status is Status.PENDING
    assert walk(60.0, 60.0, 60.0).status is Status.PENDING
    assert [walk(49.0, 49.0, 49.0).status for _ in range(3)] == [
        Status.FROZEN,
        Status.FROZEN,
        Status.ACCEPTED,
    ]


def test_two_sources_never_thaw_a_freeze_but_a_person_does():
    walk = Walk(replace(TRADING, min_sources=2))
    walk(100.0, 100.0)
    for _ in range(10):
        assert walk(40.0, 40.0).status is Status.FROZEN
    # Nobody can stand for a price that sources do not agree on.
    assert walk(40.0, confirmed_by="ada").status is Status.FROZEN
    done = walk(40.0, 40.0, confirmed_by="ada")
    assert (done.cause, done.price) == (Cause.CONFIRMED_BY_HAND, 40.0)
    assert done.reasons == ("2 sources agree, -60.0% against the last accepted mark, and ada confirmed it.",)
    assert walk(40.0, 40.0).cause is Cause.WITHIN_LIMITS


def test_three_sources_taking_turns_in_pairs_do_not_thaw_a_freeze():
    walk = Walk(replace(TRADING, min_sources=2))
    walk(100.0, 100.0, 100.0)
    pairs = [(40.0, 40.0, None), (None, 40.0, 40.0), (40.0, None, 40.0)] * 2
    assert {walk(*pair).status for pair in pairs} == {Status.FROZEN}
    together = [walk(40.0, 40.0, 40.0).status for _ in range(3)]
    assert together == [Status.FROZEN, Status.FROZEN, Status.ACCEPTED]


def test_time_does_not_run_back():
    walk = Walk()
    walk(100.0, 100.0, 100.0)
    with pytest.raises(ValueError, match="lies before the last round"):
        walk(100.0, 100.0, 100.0, after=timedelta(seconds=-1))


@given(
    st.lists(st.floats(0.97, 1.03), min_size=3, max_size=3),
    st.floats(1e-9, 1e9),
    st.sampled_from([TRADING, NAV]),
)
def test_one_round_in_which_every_source_is_wrong_is_never_accepted(jitter, factor, rules):
    walk = Walk(rules)
    walk(100.0, 100.0, 100.0)
    verdict = walk(*(100.0 * factor * part for part in jitter))
    if verdict.price is not None:
        assert 69.999 < verdict.price < 130.001
