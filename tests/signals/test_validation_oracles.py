"""Our statistics beside those of public packages that many eyes have read."""

from __future__ import annotations

import empyrical
import numpy as np
import pytest
import scipy.stats
import statsmodels.api
from arch.bootstrap import SPA, StationaryBootstrap

from signals.core.validation import (
    annualised_sharpe,
    deflated_sharpe,
    drop_best,
    mean_test,
    rank_ic,
    residual_scores,
    superior_ability,
)
from signals.core.validation.spa import long_run_variance, superior_ability_by

SEED = 20221113


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(SEED)


@pytest.mark.parametrize("ties", [False, True])
def test_rank_ic_is_spearman_of_scipy(generator: np.random.Generator, ties: bool) -> None:
    scores, labels = generator.normal(size=(2, 30, 25))
    if ties:
        scores, labels = np.round(scores), np.round(labels)
    scores[generator.random(scores.shape) < 0.2] = np.nan
    labels[generator.random(labels.shape) < 0.2] = np.nan
    want = [
        scipy.stats.spearmanr(a, b, nan_policy="omit").statistic for a, b in zip(scores, labels, strict=True)
    ]
    assert rank_ic(scores, labels, min_count=5) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("lags", [0, 1, 4, 27])
def test_newey_west_is_that_of_statsmodels(generator: np.random.Generator, lags: int) -> None:
    noise = generator.normal(size=300)
    series = 0.03 + 0.2 * (noise[1:] + 0.6 * noise[:-1])
    fit = statsmodels.api.OLS(series, np.ones(len(series))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    told = mean_test(series, lags=lags)
    assert told.mean == pytest.approx(fit.params[0], rel=1e-12)
    assert told.standard_error == pytest.approx(fit.bse[0], rel=1e-10)
    assert told.t == pytest.approx(fit.tvalues[0], rel=1e-10)


def test_residual_scores_are_those_of_statsmodels(generator: np.random.Generator) -> None:
    score, size, beta = generator.normal(size=(3, 1, 40))

    def ranked(values: np.ndarray) -> np.ndarray:
        return (scipy.stats.rankdata(values[0]) - 1) / 39 - 0.5

    design = statsmodels.api.add_constant(np.column_stack([ranked(size), ranked(beta)]))
    want = statsmodels.api.OLS(ranked(score), design).fit().resid
    assert residual_scores(score, {"size": size, "beta": beta})[0] == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize(("period", "per_year"), [("weekly", 52), ("monthly", 12), ("daily", 252)])
def test_sharpe_is_that_of_empyrical(generator: np.random.Generator, period: str, per_year: int) -> None:
    returns = generator.normal(0.01, 0.08, size=200)
    want = empyrical.sharpe_ratio(returns, period=period)
    assert annualised_sharpe(returns, periods_per_year=per_year) == pytest.approx(want, rel=1e-12)


def test_totals_without_the_best_are_those_of_empyrical(generator: np.random.Generator) -> None:
    returns = generator.normal(0.01, 0.08, size=60)
    told = drop_best(returns, count=5)
    assert told.total == pytest.approx(empyrical.cum_returns_final(returns), rel=1e-12)
    assert told.total_without == pytest.approx(empyrical.cum_returns_final(np.sort(returns)[:-5]), rel=1e-12)


def test_moments_are_those_of_scipy(generator: np.random.Generator) -> None:
    returns = generator.standard_t(5, size=300) * 0.03
    told = deflated_sharpe(returns, trial_sharpes=np.array([0.1, -0.1]))
    assert told.skew == pytest.approx(scipy.stats.skew(returns), rel=1e-12)
    assert told.kurtosis == pytest.approx(scipy.stats.kurtosis(returns, fisher=False), rel=1e-12)


def losses(generator: np.random.Generator) -> np.ndarray:
    common = generator.normal(size=(150, 1))
    scale = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 4.0])
    drift = np.array([0.10, 0.15, -0.30, 0.05, 0.0, -1.0])
    excess: np.ndarray = (generator.normal(size=(150, 6)) + 0.3 * common) * scale + drift
    return excess


@pytest.mark.parametrize("studentised", [False, True])
def test_superior_ability_is_that_of_arch_on_its_own_draws(
    generator: np.random.Generator, studentised: bool
) -> None:
    excess, block, draws = losses(generator), 8, 500
    # arch weighs every strategy alike, so the studentised test is its test of excesses of unit long-run variance.
    given = excess / np.sqrt(long_run_variance(excess, block=block)) if studentised else excess
    oracle = SPA(np.zeros(len(given)), -given, block_size=block, reps=draws, bootstrap="stationary", seed=7)
    oracle.compute()
    rows = np.arange(len(given))
    histories = StationaryBootstrap(block, rows, seed=7).bootstrap(draws)
    indices = np.array([data[0][0] for data in histories])
    told = superior_ability_by(excess, indices, block=block, studentised=studentised)
    assert [told.lower, told.consistent, told.upper] == pytest.approx(oracle.pvalues.to_list(), abs=1e-12)
    assert 0.0 < told.lower < told.upper


def test_superior_ability_agrees_with_arch_on_draws_of_our_own(generator: np.random.Generator) -> None:
    excess = losses(generator)
    benchmark = generator.normal(size=150)
    told = superior_ability(
        excess + benchmark[:, None], benchmark, seed=3, block=8, draws=4_000, studentised=False
    )
    oracle = SPA(-benchmark, -excess - benchmark[:, None], block_size=8, reps=2_000, seed=11)
    oracle.compute()
    # Two simulations of a share near 0.4 with 4,000 and 2,000 draws differ by 0.013 (one sd).
    assert [told.lower, told.consistent, told.upper] == pytest.approx(oracle.pvalues.to_list(), abs=0.05)
