"""Caps of the largest and of groups: against a slow reference, their properties, and where they cannot hold."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core.capping import CappingError, bounded, bounded_in_groups

Array = npt.NDArray[np.float64]
Groups = dict[str, tuple[npt.NDArray[np.bool_], float]]

INF = float("inf")


@st.composite
def markets(draw: st.DrawFn, *, overlapping: bool = False) -> tuple[Array, Groups]:
    """Positive weights, and groups of them with caps; without `overlapping` an asset is in one group at most."""
    count = draw(st.integers(5, 30))
    weights = np.array(draw(st.lists(st.floats(1.0, 1e6), min_size=count, max_size=count)))
    names = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
    if overlapping:
        masks = [np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count))) for _ in names]
    else:
        home = np.array(draw(st.lists(st.sampled_from("abcd"), min_size=count, max_size=count)))
        masks = [home == name for name in names]
    return weights, {
        name: (mask, draw(st.floats(0.05, 0.9))) for name, mask in zip(names, masks, strict=True)
    }


def slow(weights: Array, most: Array, groups: Groups) -> Array:
    """All rise by one scale until a cap or a group is full; the scale is found by halving, group after group."""
    scaled = weights / weights.sum()
    result, rising = np.zeros(len(weights)), np.ones(len(weights), dtype=bool)
    stopped_at = np.full(len(weights), INF)
    for _ in range(len(groups) + 1):
        low, high = 0.0, 1e9
        for _ in range(200):
            scale = (low + high) / 2
            tried = np.minimum(np.minimum(scale, stopped_at) * scaled, most)
            full = [
                mask for mask, cap in groups.values() if (mask & rising).any() and tried[mask].sum() > cap
            ]
            if full or tried.sum() > 1.0:
                high = scale
            else:
                low = scale
        result = np.minimum(np.minimum(low, stopped_at) * scaled, most)
        if result.sum() > 1.0 - 1e-9:
            return result
        over = np.minimum(np.minimum(low * (1 + 1e-9), stopped_at) * scaled, most)
        for mask, cap in groups.values():
            if (mask & rising).any() and over[mask].sum() > cap:
                stopped_at[mask & rising] = low
                rising &= ~mask
    return result


def check(weights: Array, groups: Groups, result: Array, most: Array) -> None:
    assert result.sum() == pytest.approx(1.0, abs=1e-12)
    assert (result > 0).all()
    assert (result <= most + 1e-9).all()
    for mask, cap in groups.values():
        assert result[mask].sum() <= cap + 1e-9
    member = np.array([[mask[place] for mask, _ in groups.values()] for place in range(len(weights))])
    for kind in np.unique(member, axis=0) if groups else [()]:
        same = np.flatnonzero((member == kind).all(axis=1)) if groups else np.arange(len(weights))
        order = same[np.argsort(weights[same], kind="stable")]
        assert (np.diff(result[order]) >= -1e-9).all()


@given(market=markets(), cap=st.floats(0.1, 1.0), extra=st.floats(0.0, 0.5))
def test_all_bounds_hold_order_stays_and_the_slow_reference_agrees(
    market: tuple[Array, Groups], cap: float, extra: float
) -> None:
    weights, groups = market
    largest = min(cap + extra, 1.0)
    most = np.full(len(weights), cap)
    most[int(np.argmax(weights))] = largest
    result = bounded_in_groups(weights, max_weight=cap, largest=largest, groups=groups)
    if result.note:
        return
    check(weights, groups, result.weights, most)
    assert result.weights == pytest.approx(slow(weights, most, groups), abs=1e-7)


@given(market=markets(overlapping=True), cap=st.floats(0.2, 1.0), share=st.floats(0.0, 0.9))
def test_groups_that_overlap_and_floors_hold_together(
    market: tuple[Array, Groups], cap: float, share: float
) -> None:
    weights, groups = market
    floor = min(share / len(weights), cap)
    result = bounded_in_groups(weights, max_weight=cap, min_weight=floor, groups=groups)
    assert result.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert result.weights.min() >= floor - 1e-9
    if not result.note:
        check(weights, groups, result.weights, np.full(len(weights), cap))


@given(market=markets(), cap=st.floats(0.05, 1.0), share=st.floats(0.0, 0.9))
def test_without_groups_it_is_the_same_as_ever(
    market: tuple[Array, Groups], cap: float, share: float
) -> None:
    weights, _ = market
    floor = min(share / len(weights), cap)
    plain = bounded(weights, max_weight=cap, min_weight=floor)
    found = bounded_in_groups(weights, max_weight=cap, min_weight=floor)
    assert found.weights == pytest.approx(plain.weights, abs=1e-9)
    assert found.note == plain.note


def test_the_largest_may_have_more_than_the_rest() -> None:
    found = bounded_in_groups(np.array([50.0, 30, 10, 5, 3, 2]), max_weight=0.2, largest=0.35)
    assert found.weights == pytest.approx([0.35, 0.2, 0.2, 0.125, 0.075, 0.05], abs=1e-15)
    two = bounded_in_groups(np.array([40.0, 40, 10, 5, 3, 2]), max_weight=0.2, largest=0.35)
    assert two.weights[:2] == pytest.approx([0.35, 0.2]), "the first of two equals is the largest"
    exact = bounded_in_groups(np.array([5.0, 4, 3, 2]), max_weight=0.2, largest=0.4)
    assert exact.weights == pytest.approx([0.4, 0.2, 0.2, 0.2])


def test_a_full_group_gives_to_the_others_in_proportion() -> None:
    inside = np.array([True, True, False, False])
    found = bounded_in_groups(np.array([40.0, 20, 30, 10]), groups={"defi": (inside, 0.3)})
    assert found.weights == pytest.approx([0.2, 0.1, 0.525, 0.175], abs=1e-15)
    assert found.note == ""


def test_who_is_in_two_groups_stops_with_the_first_that_is_full() -> None:
    one, two = np.array([True, True, False, False]), np.array([False, True, True, False])
    found = bounded_in_groups(np.array([40.0, 30, 20, 10]), groups={"one": (one, 0.3), "two": (two, 0.25)})
    # At the scale 0.3 / 0.7 the first group is full; the second then has 0.25 less what its member took.
    first, second = 0.3 * 4 / 7, 0.3 * 3 / 7
    assert found.weights == pytest.approx([first, second, 0.25 - second, 0.45 + second], abs=1e-14)
    assert found.note == ""


def test_what_cannot_be_kept_is_said_and_the_nearest_thing_is_done() -> None:
    inside = np.array([True, True, False, False])
    weights = np.array([40.0, 20, 30, 10])
    both = bounded_in_groups(weights, groups={"a": (inside, 0.3), "b": (~inside, 0.5)})
    assert both.weights == pytest.approx([0.25, 0.125, 0.46875, 0.15625], abs=1e-9), "both by the factor 1.25"
    assert both.note == (
        "the cap of 0.3 on a cannot be kept: 0.375; the cap of 0.5 on b cannot be kept: 0.625"
    )
    few = bounded_in_groups(np.array([3.0, 2, 1]), max_weight=0.2, largest=0.35)
    assert few.weights == pytest.approx([1 / 3] * 3)
    assert few.note == "3 assets cannot fill the index at 0.2 each: equal weights"
    floors = bounded_in_groups(weights, min_weight=0.2, groups={"a": (inside, 0.3)})
    assert floors.weights == pytest.approx([0.2, 0.2, 0.4, 0.2])
    assert floors.note == "the cap of 0.3 on a cannot be kept: 0.4"
    everyone = bounded_in_groups(weights, groups={"a": (np.ones(4, dtype=bool), 0.5)})
    assert everyone.weights == pytest.approx(weights / 100)
    assert everyone.note == "the cap of 0.5 on a cannot be kept: 1"


def test_weights_that_are_not_positive_are_refused() -> None:
    with pytest.raises(CappingError, match="positive"):
        bounded_in_groups(np.array([1.0, 0.0]), largest=0.5)
