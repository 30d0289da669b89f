"""Attribution: hand values, and parts that always sum to the difference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core.attribution import (
    PARTS,
    AttributionError,
    Block,
    Stretch,
    blocks,
    contributions,
    day_effects,
    linked,
)


def block(weights: list[list[float]], moves: list[list[float]]) -> Block:
    return Block(np.arange(len(weights[0])), np.array(weights), np.array(moves))


def test_a_day_by_hand() -> None:
    """Names: a (both hold it), b (index only), c (reference only), d (shelter of the index)."""
    moves = [[0.10, 0.20, -0.10, 0.0]]
    mine = block([[0.3, 0.3, 0.0, 0.4]], moves)
    theirs = block([[0.5, 0.0, 0.5, 0.0]], moves)
    effects = day_effects(mine, theirs, np.array([False, False, False, True]))
    # Risky part of the index: half a, half b = 15 %; of the reference: half a, half c = 0 %.
    assert effects.gross == pytest.approx([0.6 * 0.15])
    assert effects.reference_gross == pytest.approx([0.0])
    assert effects.overlay == pytest.approx([(0.6 - 1.0) * 0.0])
    assert effects.weighting == pytest.approx([0.0])
    assert effects.selection == pytest.approx([0.6 * (0.5 * 0.2 + 0.5 * 0.1)])
    assert effects.cash == pytest.approx([0.4])


def test_the_overlay_is_paid_and_earns_by_what_the_reference_did() -> None:
    moves = [[-0.2, 0.01]]
    effects = day_effects(block([[0.25, 0.75]], moves), block([[1.0, 0.0]], moves), np.array([False, True]))
    assert effects.overlay == pytest.approx([0.75 * 0.2 + 0.75 * 0.01])
    assert effects.selection == pytest.approx([0.0])
    assert effects.weighting == pytest.approx([0.0])


@pytest.mark.parametrize("out", [0, 1])
def test_where_one_side_holds_no_risk_all_is_overlay(out: int) -> None:
    moves = [[0.1, 0.3, 0.02]]
    sides = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    mine, theirs = sides[out], sides[1 - out]
    effects = day_effects(block([mine], moves), block([theirs], moves), np.array([False, False, True]))
    difference = np.dot(mine, moves[0]) - np.dot(theirs, moves[0])
    assert effects.overlay == pytest.approx([difference])
    assert effects.selection == pytest.approx([0.0])
    assert effects.weighting == pytest.approx([0.0])


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 2**32 - 1), st.floats(0.001, 0.3), st.booleans())
def test_parts_sum_to_the_whole_difference(
    days: int, names: int, seed: int, size: float, with_cash: bool
) -> None:
    random = np.random.default_rng(seed)
    cash = np.zeros(names + 1, dtype=bool)
    cash[-1] = with_cash
    moves = np.maximum(random.normal(0, size, (days, names + 1)), -0.9)

    def weights() -> np.ndarray:
        drawn = random.exponential(size=(days, names + 1)) * (random.random((days, names + 1)) < 0.6)
        drawn[drawn.sum(axis=1) == 0] = 1.0
        return drawn / drawn.sum(axis=1, keepdims=True)

    mine, theirs = (
        Block(np.arange(names + 1), weights(), moves),
        Block(np.arange(names + 1), weights(), moves),
    )
    effects = day_effects(mine, theirs, cash)
    assert effects.gross == pytest.approx((mine.weights * moves).sum(axis=1), abs=1e-14)
    parts = effects.selection + effects.weighting + effects.overlay
    assert parts == pytest.approx(effects.gross - effects.reference_gross, abs=1e-13)

    taken, taken_r = random.random(days) * 0.01, random.random(days) * 0.01
    returns = (1 + effects.gross) * (1 - taken) - 1
    reference = (1 + effects.reference_gross) * (1 - taken_r) - 1
    cost = (returns - effects.gross) - (reference - effects.reference_gross)
    named = dict(zip(PARTS, (effects.selection, effects.weighting, effects.overlay, cost), strict=True))
    made = linked(returns, reference, named)
    assert made.total == pytest.approx(np.prod(1 + returns) - 1, rel=1e-10, abs=1e-12)
    scale = 1 + math.fsum(abs(part) for part in made.parts.values())
    assert abs(math.fsum(made.parts.values()) - made.active) <= 5e-16 * scale
    assert made.active == pytest.approx(np.prod(1 + returns) - np.prod(1 + reference), rel=1e-9, abs=1e-10)
    if abs(made.active) > 1e-6:
        assert abs(math.fsum(made.shares.values()) - 1.0) <= 1e-9


def test_linking_is_carinos() -> None:
    """Two days by hand: k = (ln(1 + a) - ln(1 + b)) / (a - b)."""
    returns, reference = np.array([0.10, -0.05]), np.array([0.04, 0.02])
    parts = {"selection": np.array([0.06, -0.03]), "cost": np.array([0.0, -0.04])}
    total, other = 1.1 * 0.95 - 1, 1.04 * 1.02 - 1
    whole = (math.log(1 + total) - math.log(1 + other)) / (total - other)
    days = [(math.log(1 + a) - math.log(1 + b)) / (a - b) for a, b in zip(returns, reference, strict=True)]
    made = linked(returns, reference, parts)
    assert made.parts["cost"] == pytest.approx(-0.04 * days[1] / whole, abs=1e-15)
    assert made.parts["selection"] == pytest.approx((0.06 * days[0] - 0.03 * days[1]) / whole, abs=1e-15)


def test_what_cannot_be_linked_is_refused() -> None:
    nothing = {"cost": np.array([0.0, 0.0])}
    with pytest.raises(AttributionError, match="everything was lost"):
        linked(np.array([-1.0, 0.0]), np.array([0.0, 0.0]), nothing)
    with pytest.raises(AttributionError, match="day 1 is off its difference"):
        linked(np.array([0.0, 0.1]), np.array([0.0, 0.0]), nothing)
    same = linked(np.array([0.1]), np.array([0.1]), {"cost": np.array([0.0])})
    assert (same.active, same.shares) == (0.0, {})


def test_blocks_follow_stretches_through_a_trade() -> None:
    """Name 2 is sold for name 5 at row 2; what is worth nothing moves no more."""
    first = Stretch(0, np.array([2, 3]), np.array([[0.5, 0.5], [0.6, 0.4], [0.6, 0.0]]))
    second = Stretch(2, np.array([5]), np.array([[1.0], [1.5]]))
    mine, other = blocks([first, second], [], 0, 3)
    assert mine.columns.tolist() == [2, 3, 5]
    assert mine.weights == pytest.approx(np.array([[0.5, 0.5, 0], [0.6, 0.4, 0], [0, 0, 1.0]]))
    assert mine.moves == pytest.approx(np.array([[0.2, -0.2, 0], [0, -1.0, 0], [0, 0, 0.5]]))
    assert not other.weights.any()
    later, _ = blocks([first, second], [], 1, 2)
    assert later.columns.tolist() == [2, 3]
    assert later.weights == pytest.approx(np.array([[0.6, 0.4]]))


def test_contributions_sum_to_the_change_of_the_level() -> None:
    held = block([[0.5, 0.5], [0.6, 0.4]], [[0.2, -0.1], [0.0, 0.5]])
    levels = np.array([1000.0, 1050.0, 1050.0 * 1.2 * 0.99])
    points, cost = contributions(held, levels)
    assert points == pytest.approx([1000 * 0.5 * 0.2, -1000 * 0.5 * 0.1 + 1050 * 0.4 * 0.5])
    assert cost == pytest.approx(-1050 * 1.2 * 0.01)
    assert points.sum() + cost == pytest.approx(levels[-1] - levels[0], abs=1e-12)
