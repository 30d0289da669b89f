"""Rank IC, its summary, what is left net of exposures, and the placebo."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from signals.core.validation import (
    ValidationError,
    automatic_lags,
    ic_decay,
    ic_summary,
    mean_test,
    placebo,
    rank_autocorrelation,
    rank_ic,
    residual_ic,
    residual_scores,
)

NAN = np.nan
SEED = 20221113


def days(count: int, start: str = "2020-01-01", freq: str = "D") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq=freq)


def test_ic_by_hand() -> None:
    # Ranks 1 2 3 4 against 2 1 4 3: 1 - 6 x (1 + 1 + 1 + 1) / (4 x 15) = 0.6.
    scores = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]])
    labels = np.array([[0.2, 0.1, 0.9, 0.3], [4.0, 3.0, 2.0, 1.0]])
    assert rank_ic(scores, labels, min_count=4) == pytest.approx([0.6, -1.0])


def test_equal_scores_share_their_rank() -> None:
    # Ranks 1.5 1.5 3 against 1 2 3: covariance 1.5, variances 1.5 and 2.
    ic = rank_ic(np.array([[5.0, 5.0, 6.0]]), np.array([[1.0, 2.0, 3.0]]), min_count=3)
    assert ic == pytest.approx([1.5 / sqrt(1.5 * 2.0)])


def test_ic_is_not_told_where_it_means_nothing() -> None:
    scores = np.array([[1.0, 2.0, 3.0, NAN], [1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0], [NAN] * 4])
    labels = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, NAN, NAN], [1.0] * 4])
    assert np.isnan(rank_ic(scores, labels, min_count=4)).all()
    assert rank_ic(scores, labels, min_count=3) == pytest.approx([1.0, NAN, NAN, NAN], nan_ok=True)


def test_ranks_are_taken_among_the_tokens_known_in_both() -> None:
    scores = np.array([[1.0, 9.0, 2.0, 3.0]])
    labels = np.array([[1.0, NAN, 2.0, 3.0]])
    assert rank_ic(scores, labels, min_count=3) == pytest.approx([1.0])


@settings(max_examples=60)
@given(arrays.arrays(np.float64, (2, 3, 12), elements=st.integers(-20, 20).map(float)))
def test_monotone_transforms_leave_ic_unchanged(drawn: np.ndarray) -> None:
    scores, labels = drawn
    plain = rank_ic(scores, labels, min_count=3)
    assert np.array_equal(rank_ic(np.exp(scores / 5.0), labels**3, min_count=3), plain, equal_nan=True)
    assert rank_ic(-scores, labels, min_count=3) == pytest.approx(-plain, nan_ok=True)
    assert rank_ic(labels, scores, min_count=3) == pytest.approx(plain, nan_ok=True)


def test_mean_test_by_hand() -> None:
    # About the mean: squares 1 + 1 + 4 + 4 = 10 over T = 4.
    series = np.array([1.0, -1.0, 2.0, -2.0])
    plain = mean_test(series + 1.0, lags=0)
    assert plain.standard_error == pytest.approx(sqrt(2.5 / 4))
    assert plain.t == pytest.approx(1.0 / sqrt(2.5 / 4))
    # g1 = (-1 - 2 - 4) / 4 = -1.75; 2.5 + 2 x 0.5 x -1.75 = 0.75.
    assert mean_test(series + 1.0, lags=1).standard_error == pytest.approx(sqrt(0.75 / 4))
    flat = mean_test(np.full(5, 0.3))
    assert (flat.mean, flat.standard_error, flat.t) == (pytest.approx(0.3), None, None)


@pytest.mark.parametrize(
    ("count", "overlap", "lags"),
    [(100, 1, 4), (52, 1, 3), (574, 1, 5), (574, 7, 6), (574, 28, 27), (3, 7, 2), (1, 1, 0)],
)
def test_automatic_lags(count: int, overlap: int, lags: int) -> None:
    assert automatic_lags(count, overlap=overlap) == lags


def test_summary_by_hand() -> None:
    dates = pd.DatetimeIndex(["2020-12-25", "2020-12-31", "2021-01-01", "2021-01-08", "2021-01-15"])
    summary = ic_summary(np.array([0.3, 0.1, NAN, -0.1, -0.1]), dates, lags=0)
    assert summary.count == 4
    assert summary.mean == pytest.approx(0.05)
    assert summary.sd == pytest.approx(sqrt(0.11 / 3))
    assert summary.ir == pytest.approx(0.05 / sqrt(0.11 / 3))
    assert summary.t == pytest.approx(0.05 / sqrt(0.11 / 4 / 4))
    assert (summary.hit_share, summary.positive_year_share, summary.lags) == (0.5, 0.5, 0)
    assert {year: figures.count for year, figures in summary.by_year.items()} == {2020: 2, 2021: 2}
    assert [figures.mean for figures in summary.by_year.values()] == pytest.approx([0.2, -0.1])


def test_decay_knows_the_overlap_of_its_labels() -> None:
    generator = np.random.default_rng(SEED)
    scores, noise = generator.normal(size=(2, 120, 30))
    decay = ic_decay(scores, {28: noise, 1: scores, 7: scores + noise}, days(120), min_count=10)
    assert list(decay) == [1, 7, 28]
    assert decay[1].mean == pytest.approx(1.0)
    assert decay[7].mean > 0.5 > 0.1 > abs(decay[28].mean)
    assert [decay[horizon].lags for horizon in decay] == [4, 6, 27]
    weekly = ic_decay(scores, {28: noise}, days(120, freq="7D"), row_days=7)
    assert weekly[28].lags == 4


def test_rank_autocorrelation() -> None:
    scores = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    assert rank_autocorrelation(scores, min_count=3) == pytest.approx([NAN, -1.0, -1.0], nan_ok=True)
    assert rank_autocorrelation(scores, step=2, min_count=3) == pytest.approx([NAN, NAN, 1.0], nan_ok=True)


def test_residual_by_hand() -> None:
    # Score ranks 1 3 2 4 and exposure ranks 1 2 3 4, spread over [-0.5, 0.5]: slope 0.8.
    residual = residual_scores(
        np.array([[1.0, 3.0, 2.0, 4.0]]), {"size": np.array([[1.0, 2.0, 3.0, 4.0]])}, min_count=4
    )
    assert residual[0] == pytest.approx([-0.1, 0.3, -0.3, 0.1])


def test_a_score_made_of_exposures_has_no_residual_ic() -> None:
    generator = np.random.default_rng(SEED)
    size, labels = generator.normal(size=(2, 8, 40))
    assert np.abs(residual_scores(size**3, {"size": size})).max() == 0.0
    assert np.isnan(residual_ic(np.exp(size), labels, {"size": size})).all()


def test_residual_ic_keeps_what_is_new_and_drops_what_is_known() -> None:
    generator = np.random.default_rng(SEED)
    volatility, beta, news, noise, blur = generator.normal(size=(5, 60, 80))
    labels = -volatility + news + noise
    known = {"volatility": volatility, "beta": beta}
    calm = rank_ic(-volatility + 0.1 * blur, labels)
    calm_residual = residual_ic(-volatility + 0.1 * blur, labels, known)
    assert calm.mean() > 0.45
    # Three standard errors of 1 / sqrt(79 x 60) = 0.0145.
    assert abs(calm_residual.mean()) < 0.0436
    assert residual_ic(news - volatility, labels, known).mean() > 0.5
    assert residual_ic(news, labels, {}) == pytest.approx(rank_ic(news, labels))


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_residuals_are_uncorrelated_with_every_ranked_exposure(seed: int) -> None:
    drawn = np.random.default_rng(seed).normal(size=(3, 4, 15))
    drawn[0, 1, 3] = drawn[1, 2, 5] = drawn[2, 2, 6] = NAN
    residual = residual_scores(drawn[0], {"a": drawn[1], "b": drawn[2]}, min_count=5)
    for row in range(4):
        known = ~np.isnan(residual[row])
        assert known.sum() == [15, 14, 13, 15][row]
        for exposure in drawn[1:, row, known]:
            ranked = exposure.argsort().argsort()
            assert abs(residual[row, known] @ (ranked - ranked.mean())) < 1e-9


def test_too_few_tokens_for_the_exposures_tell_nothing() -> None:
    drawn = np.random.default_rng(SEED).normal(size=(3, 1, 4))
    assert not np.isnan(residual_scores(drawn[0], {"a": drawn[1], "b": drawn[2]}, min_count=2)).any()
    assert np.isnan(
        residual_scores(drawn[0, :, :3], {"a": drawn[1, :, :3], "b": drawn[2, :, :3]}, min_count=2)
    ).all()


def test_placebo_tells_knowledge_from_luck() -> None:
    generator = np.random.default_rng(SEED)
    scores, noise = generator.normal(size=(2, 50, 30))
    scores[3, 4] = NAN
    good = placebo(scores, scores + 3.0 * noise, seed=1)
    assert good.observed == pytest.approx(np.nanmean(rank_ic(scores, scores + 3.0 * noise)))
    assert good.p_value == pytest.approx(1 / 201)
    assert good.observed > good.percentile_99
    # A shuffled score knows nothing: mean IC is 0 with sd 1 / sqrt(29 x 50) = 0.026, over 200 trials 0.002.
    assert abs(good.shuffled.mean()) < 0.006
    assert good.shuffled.std() == pytest.approx(1 / sqrt(29 * 50), rel=0.15)
    luck = placebo(scores, noise, seed=1)
    assert luck.p_value > 0.01


def test_placebo_is_decided_by_its_seed() -> None:
    scores, labels = np.random.default_rng(SEED).normal(size=(2, 5, 12))
    assert np.array_equal(placebo(scores, labels, seed=3).shuffled, placebo(scores, labels, seed=3).shuffled)
    assert not np.array_equal(
        placebo(scores, labels, seed=3).shuffled, placebo(scores, labels, seed=4).shuffled
    )


def test_placebo_counts_a_shuffle_that_restores_the_order() -> None:
    # Two tokens: half of all shuffles are the order itself, none is better.
    told = placebo(np.array([[1.0, 2.0]]), np.array([[1.0, 2.0]]), seed=0, trials=400, min_count=2)
    assert set(np.round(told.shuffled, 9)) == {-1.0, 1.0}
    assert told.p_value == pytest.approx((1 + (told.shuffled > 0).sum()) / 401)
    assert 0.4 < told.p_value < 0.6


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_ic_of_a_permuted_score_is_about_zero(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(200, 40))
    permuted = generator.permuted(scores, axis=1)
    # The standard error of the mean is 1 / sqrt(39 x 200) = 0.0113; five of them.
    assert abs(rank_ic(permuted, scores).mean()) < 0.057


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: rank_ic(np.ones((2, 3)), np.ones((3, 2))), "one shape"),
        (lambda: ic_summary(np.ones(3), days(2)), "one coefficient per date"),
        (lambda: ic_summary(np.array([0.1, NAN]), days(2)), "at least 2"),
        (lambda: mean_test(np.array([0.1, NAN])), "not finite"),
        (lambda: mean_test(np.array([0.1, 0.2]), lags=2), "lags is 2"),
        (lambda: automatic_lags(10, overlap=0), "overlap 0"),
        (lambda: ic_decay(np.ones((2, 3)), {0: np.ones((2, 3))}, days(2)), "at least 1 day"),
        (lambda: rank_autocorrelation(np.ones((2, 3)), step=0), "step is 0"),
        (lambda: residual_scores(np.ones((2, 3)), {"size": np.ones((2, 2))}), "exposure size"),
        (lambda: placebo(np.ones((2, 3)), np.ones((2, 3)), seed=0), "no date has 10"),
        (lambda: placebo(np.ones((2, 3)), np.ones((2, 3)), seed=0, trials=0), "trials is 0"),
    ],
)
def test_what_cannot_be_told_is_refused(ask, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        ask()
