"""Quantile spreads, turnover and the cost that eats them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.core.validation import ValidationError, quantile_report

NAN = np.nan


def test_quantiles_by_hand() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 2.0, 3.0, 1.0], [4.0, 2.0, 3.0, 1.0]])
    labels = np.array([[0.00, 0.02, 0.04, 0.06], [0.05, 0.01, 0.03, -0.01], [0.01, 0.02, 0.03, 0.04]])
    report = quantile_report(scores, labels, quantiles=2, min_count=4, lags=0)
    assert report.means == pytest.approx(np.array([[0.01, 0.05], [0.00, 0.04], [0.03, 0.02]]))
    assert report.average == pytest.approx([0.04 / 3, 0.11 / 3])
    assert report.spread.returns == pytest.approx([0.04, 0.04, -0.01])
    assert report.top.returns == pytest.approx([0.02, 0.02, -0.005])
    # On the second date one of two tokens changes sides: the top sells one half and buys another, so does the bottom.
    assert report.top.traded == pytest.approx([NAN, 1.0, 0.0], nan_ok=True)
    assert report.spread.traded == pytest.approx([NAN, 2.0, 0.0], nan_ok=True)
    assert (report.top.turnover, report.spread.turnover) == (pytest.approx(0.25), pytest.approx(0.25))
    # Mean returns after the first date 0.0075 and 0.015, mean traded 0.5 and 1: 150 basis points each.
    assert report.top.break_even_bp == pytest.approx(150.0)
    assert report.spread.break_even_bp == pytest.approx(150.0)
    assert report.spread.test.mean == pytest.approx(0.07 / 3)


def test_break_even_is_the_cost_that_leaves_nothing() -> None:
    generator = np.random.default_rng(5)
    scores, noise = generator.normal(size=(2, 80, 50))
    leg = quantile_report(scores, 0.01 * scores + noise * 0.02).spread
    assert leg.break_even_bp is not None
    net = leg.returns[1:] - leg.break_even_bp / 10_000 * leg.traded[1:]
    assert abs(net.mean()) < 1e-12


def test_the_label_has_no_say_in_who_belongs() -> None:
    scores = np.array([[1.0, 2.0, 3.0, 4.0]] * 2)
    labels = np.array([[0.1, 0.2, 0.3, NAN], [0.1, 0.2, 0.3, 0.5]])
    report = quantile_report(scores, labels, quantiles=2, min_count=4)
    assert report.means == pytest.approx(np.array([[0.15, 0.3], [0.15, 0.4]]))
    assert report.top.traded[1] == 0.0
    assert (report.top.turnover, report.top.break_even_bp) == (0.0, None)


def test_dates_without_enough_are_left_out_and_bridged() -> None:
    scores = np.array(
        [[1.0, 2.0, 3.0, 4.0], [1.0, NAN, NAN, 4.0], [7.0, 7.0, 7.0, 7.0], [4.0, 3.0, 2.0, 1.0]]
    )
    labels = np.array([[0.0, 0.0, 0.1, 0.1]] * 4)
    report = quantile_report(scores, labels, quantiles=2, min_count=3)
    assert report.spread.returns == pytest.approx([0.1, NAN, NAN, -0.1], nan_ok=True)
    assert report.top.traded == pytest.approx([NAN, NAN, NAN, 2.0], nan_ok=True)
    assert report.average == pytest.approx([0.05, 0.05])


@settings(max_examples=40)
@given(st.integers(2, 10), st.integers(10, 60))
def test_quantiles_of_distinct_scores_are_of_equal_size(quantiles: int, tokens: int) -> None:
    scores = np.tile(np.arange(tokens, dtype=float), (2, 1))
    report = quantile_report(scores, scores, quantiles=quantiles)
    edges = [tokens * place // quantiles for place in range(quantiles + 1)]
    want = [np.arange(a, b).mean() for a, b in pairwise(edges)]
    assert report.average == pytest.approx(want)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: quantile_report(np.ones((2, 3)), np.ones((2, 4))), "one shape"),
        (lambda: quantile_report(np.ones((2, 12)), np.ones((2, 12)), quantiles=1), "quantiles is 1"),
        (lambda: quantile_report(np.ones((2, 12)), np.ones((2, 12)), min_count=4), "min_count 4"),
        (lambda: quantile_report(np.ones((2, 12)), np.ones((2, 12))), "0 dates have enough scores"),
    ],
)
def test_what_cannot_be_sorted_is_refused(ask, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        ask()
