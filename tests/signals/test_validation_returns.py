"""Sharpe ratios deflated, overfitting, superior ability, and the best weeks dropped."""

from __future__ import annotations

from itertools import combinations
from math import inf, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.core.validation import (
    ValidationError,
    annualised_sharpe,
    backtest_overfitting,
    deflated_sharpe,
    drop_best,
    expected_best_sharpe,
    probabilistic_sharpe,
    sharpe,
    stationary_indices,
    superior_ability,
    track_record_needed,
)
from signals.core.validation.spa import long_run_variance, superior_ability_by

NAN = np.nan
SEED = 20221113


def test_sharpe_by_hand() -> None:
    returns = np.array([0.01, 0.03, -0.01, 0.01])
    assert sharpe(returns) == pytest.approx(0.01 / sqrt(0.0008 / 3))
    assert annualised_sharpe(returns, periods_per_year=52) == pytest.approx(
        0.01 / sqrt(0.0008 / 3) * sqrt(52)
    )
    assert sharpe(np.full(3, 0.1)) is None
    assert annualised_sharpe(np.full(3, 0.1), periods_per_year=52) is None


@pytest.mark.parametrize(
    ("weeks", "trials", "annual"),
    [
        (574, 10, 0.47),
        (574, 50, 0.69),
        (574, 100, 0.76),
        (574, 500, 0.92),
        (104, 50, 1.61),
        (52, 10, 1.57),
        (52, 500, 3.05),
    ],
)
def test_the_best_of_worthless_trials(weeks: int, trials: int, annual: float) -> None:
    best = expected_best_sharpe(trials=trials, variance=1.0 / weeks)
    # The published table is written in two decimals, partly from simulation.
    assert best * sqrt(52) == pytest.approx(annual, abs=0.015)


def test_the_best_of_worthless_trials_is_what_simulation_finds() -> None:
    drawn = np.random.default_rng(SEED).normal(size=(20_000, 100)).max(axis=1).mean()
    assert expected_best_sharpe(trials=100, variance=1.0) == pytest.approx(drawn, abs=0.03)
    assert expected_best_sharpe(trials=1, variance=1.0) == 0.0


@pytest.mark.parametrize(("trials", "published"), [(100, 0.9004), (46, 0.9505)])
def test_the_published_example_of_a_deflated_ratio(trials: int, published: float) -> None:
    # Bailey & Lopez de Prado 2014: yearly 2.5 over 1,250 days of 250, variance of trials 0.5, skew -3, kurtosis 10.
    threshold = expected_best_sharpe(trials=trials, variance=0.5 / 250)
    if trials == 100:
        assert threshold == pytest.approx(0.1132, abs=5e-5)
    told = probabilistic_sharpe(2.5 / sqrt(250), threshold=threshold, count=1250, skew=-3.0, kurtosis=10.0)
    assert told == pytest.approx(published, abs=1e-4)


def test_probability_by_hand() -> None:
    # 0.25 x sqrt(4 / (1 + 2 / 4 x 0.25)) = 0.4714 standard deviations.
    told = probabilistic_sharpe(0.5, threshold=0.25, count=5)
    assert told == pytest.approx(NormalDist().cdf(0.25 * sqrt(4 / 1.125)), abs=1e-12)


def test_deflation_takes_moments_and_trials_from_the_data() -> None:
    returns = np.array([0.02, -0.01, 0.03, 0.00, 0.01, -0.02, 0.04, 0.01])
    trials = np.array([0.1, 0.2, 0.3])
    told = deflated_sharpe(returns, trial_sharpes=trials)
    centred = returns - 0.01
    spread = (centred**2).mean()
    assert told.skew == pytest.approx((centred**3).mean() / spread**1.5)
    assert told.kurtosis == pytest.approx((centred**4).mean() / spread**2)
    assert told.threshold == pytest.approx(expected_best_sharpe(trials=3, variance=0.01))
    assert (told.trials, told.count) == (3, 8)
    assert told.probability == pytest.approx(
        probabilistic_sharpe(
            told.ratio, threshold=told.threshold, count=8, skew=told.skew, kurtosis=told.kurtosis
        )
    )


@pytest.mark.parametrize(("ratio", "against", "years"), [(1.0, 0.0, 2.8), (1.5, 1.0, 11.1), (2.0, 1.0, 2.8)])
def test_the_track_record_it_takes(ratio: float, against: float, years: float) -> None:
    weeks = track_record_needed(ratio / sqrt(52), threshold=against / sqrt(52))
    assert weeks / 52 == pytest.approx(years, abs=0.06)
    reached = probabilistic_sharpe(ratio / sqrt(52), threshold=against / sqrt(52), count=round(weeks))
    assert reached == pytest.approx(0.95, abs=1e-3)
    assert track_record_needed(0.1, threshold=0.1) == inf


def test_overfitting_by_hand() -> None:
    up, down = [1.0, 3.0], [-3.0, -1.0]
    turning = backtest_overfitting(np.array([up + down, down + up]).T, blocks=2)
    assert turning.probability == 1.0
    assert turning.logits == pytest.approx([log(0.5)] * 2)
    assert turning.in_sample == pytest.approx([2 / sqrt(2)] * 2)
    assert turning.out_of_sample == pytest.approx([-2 / sqrt(2)] * 2)
    assert (turning.slope, turning.loss_share) == (None, 1.0)
    steady = backtest_overfitting(np.array([up + up, down + down]).T, blocks=2)
    assert (steady.probability, steady.loss_share) == (0.0, 0.0)
    assert steady.logits == pytest.approx([log(2.0)] * 2)


def test_the_middle_counts_as_overfitted() -> None:
    # Three configurations: the winner of each half is second of three in the other, relative rank 2 / 4.
    low, middle, high = [-3.0, -1.0], [0.0, 2.0], [1.0, 3.0]
    told = backtest_overfitting(np.array([high + middle, middle + high, low + low]).T, blocks=2)
    assert told.logits == pytest.approx([0.0, 0.0])
    assert told.probability == 1.0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(24, 50), st.integers(2, 6))
def test_overfitting_equals_the_plain_loop(seed: int, periods: int, configurations: int) -> None:
    returns = np.random.default_rng(seed).normal(0.01, 0.05, size=(periods, configurations))
    told = backtest_overfitting(returns, blocks=6)
    parts = np.array_split(np.arange(periods), 6)
    logits, slopes = [], []
    for chosen in combinations(range(6), 3):
        inside = np.concatenate([parts[block] for block in chosen])
        outside = np.setdiff1d(np.arange(periods), inside)
        best = int(np.argmax([sharpe(column) or 0.0 for column in returns[inside].T]))
        ratios = np.array([sharpe(column) for column in returns[outside].T])
        rank = (ratios < ratios[best]).sum() + 1
        logits.append(log(rank / (configurations + 1 - rank)))
        slopes.append((sharpe(returns[inside, best]), ratios[best]))
    assert told.logits == pytest.approx(logits)
    assert told.probability == np.mean(np.array(logits) <= 1e-12)
    assert np.column_stack([told.in_sample, told.out_of_sample]) == pytest.approx(np.array(slopes))
    assert told.slope == pytest.approx(np.polyfit(told.in_sample, told.out_of_sample, 1)[0])


def test_overfitting_of_skill_and_of_noise_with_every_split() -> None:
    generator = np.random.default_rng(SEED)
    noise = generator.normal(0.0, 0.05, size=(160, 20))
    told = backtest_overfitting(noise)
    assert len(told.logits) == 12_870
    assert told.probability > 0.3
    noise[:, 7] += 0.03
    assert backtest_overfitting(noise).probability < 0.01


def test_blocks_of_the_bootstrap_follow_each_other() -> None:
    drawn = stationary_indices(50, block=8.0, draws=2_000, seed=3)
    assert drawn.shape == (2_000, 50)
    assert (drawn.min(), drawn.max()) == (0, 49)
    follows = (drawn[:, 1:] == (drawn[:, :-1] + 1) % 50).mean()
    # A run goes on with 7 / 8, and a new one begins at the next row by luck with 1 / 50 of the rest.
    assert follows == pytest.approx(7 / 8 + 1 / 8 / 50, abs=0.005)
    assert np.bincount(drawn.ravel()).std() < 0.1 * 2_000
    assert np.array_equal(drawn, stationary_indices(50, block=8.0, draws=2_000, seed=3))
    assert not np.array_equal(drawn, stationary_indices(50, block=8.0, draws=2_000, seed=4))


def test_superior_ability_by_hand() -> None:
    # Block 1: rows are drawn alone, so the variance is theirs, (1 + 0 + 1 + 0) / 4.
    excess = np.array([[1.0], [2.0], [3.0], [2.0]])
    assert long_run_variance(excess, block=1.0) == pytest.approx([0.5])
    # Means of the three draws 3, 2 and 1.5; centred on 2 they are 1, 0 and -0.5, none above the observed 2.
    rows = np.array([[2, 2, 2, 2], [0, 1, 2, 3], [0, 1, 0, 1]])
    told = superior_ability_by(excess, rows, block=1.0)
    assert (told.lower, told.consistent, told.upper, told.best) == (0.0, 0.0, 0.0, 0)
    assert told.statistic == pytest.approx(2.0 / sqrt(0.5) * 2.0)
    # Shifted to a mean of 0.5 the first draw, 1 above its centre, beats it.
    low = superior_ability_by(excess - 1.5, rows, block=1.0)
    assert low.consistent == pytest.approx(1 / 3)


def test_a_bad_strategy_widens_only_the_upper_bound() -> None:
    good = np.array([0.2, -0.1, 0.3, 0.0, 0.1, 0.2, -0.1, 0.2])
    bad = np.array([-9.0, 5.0, -9.0, 5.0, -9.0, -9.0, 5.0, -9.0])
    rows = stationary_indices(8, block=1.0, draws=4_000, seed=SEED)
    both = superior_ability_by(np.column_stack([good, bad]), rows, block=1.0)
    assert both.best == 0
    assert both.lower <= both.consistent <= both.upper
    assert both.lower < both.upper


def test_superior_ability_tells_skill_from_many_tries() -> None:
    generator = np.random.default_rng(SEED)
    market = generator.normal(0.01, 0.08, size=250)
    tries = market[:, None] + generator.normal(0.0, 0.03, size=(250, 40))
    assert superior_ability(tries, market, seed=1, draws=1_000).consistent > 0.1
    tries[:, 11] += 0.01
    told = superior_ability(tries, market, seed=1, draws=1_000)
    assert told.consistent < 0.01
    assert told.best == 11
    assert told == superior_ability(tries, market, seed=1, draws=1_000)
    worse = superior_ability(market[:, None] - np.abs(tries), market, seed=1, draws=200)
    assert (worse.lower, worse.consistent, worse.upper, worse.statistic) == (1.0, 1.0, 1.0, 0.0)


def test_the_size_of_the_test_is_its_level() -> None:
    # 200 worlds without skill: about one in twenty is called skill at 5 %; sd 1.5 %.
    generator = np.random.default_rng(SEED)
    called = sum(
        superior_ability(
            generator.normal(size=(100, 5)), np.zeros(100), seed=world, block=1.0, draws=200
        ).consistent
        < 0.05
        for world in range(200)
    )
    assert 2 <= called <= 20


def test_dropping_the_best_by_hand() -> None:
    told = drop_best(np.array([0.10, -0.05, 0.10, -0.04, 0.02]), count=2)
    assert told.dropped.tolist() == [0, 2]
    assert told.mean == pytest.approx(0.026)
    assert told.mean_without == pytest.approx(-0.07 / 3)
    assert told.total == pytest.approx(1.1 * 0.95 * 1.1 * 0.96 * 1.02 - 1)
    assert told.total_without == pytest.approx(0.95 * 0.96 * 1.02 - 1)
    assert told.ratio_without == sharpe(np.array([-0.05, -0.04, 0.02]))
    assert not told.sign_kept
    assert drop_best(np.array([0.1, 0.2]), count=0).mean_without == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: sharpe(np.array([0.1])), "at least 2"),
        (lambda: sharpe(np.array([0.1, NAN])), "returns has values that are not finite"),
        (lambda: sharpe(np.ones((2, 2))), "2 dimensions"),
        (lambda: annualised_sharpe(np.arange(3.0), periods_per_year=0), "periods_per_year is 0"),
        (lambda: expected_best_sharpe(trials=0, variance=1.0), "trials is 0"),
        (lambda: expected_best_sharpe(trials=2, variance=NAN), "variance nan"),
        (lambda: probabilistic_sharpe(1.0, threshold=0.0, count=1), "count is 1"),
        (
            lambda: probabilistic_sharpe(1.0, threshold=0.0, count=9, kurtosis=0.0, skew=2.0),
            "raw, not excess",
        ),
        (lambda: track_record_needed(1.0, threshold=0.0, confidence=0.5), "confidence is 0.5"),
        (lambda: deflated_sharpe(np.arange(5.0), trial_sharpes=np.array([0.1])), "trial_sharpes has 1"),
        (lambda: deflated_sharpe(np.ones(5), trial_sharpes=np.array([0.1, 0.2])), "never vary"),
        (lambda: backtest_overfitting(np.ones((40, 1))), "best of one"),
        (lambda: backtest_overfitting(np.ones((40, 2)), blocks=5), "blocks is 5"),
        (lambda: backtest_overfitting(np.ones((31, 2))), "31 periods"),
        (lambda: stationary_indices(5, block=0.5, draws=1, seed=0), "block 0.5"),
        (lambda: superior_ability(np.ones((5, 2)), np.ones(4), seed=0), "the same periods"),
        (lambda: superior_ability(np.ones((5, 2)), np.ones(5), seed=0), "strategy 0 never varies"),
        (lambda: drop_best(np.arange(6.0), count=5), "leave at least 2"),
    ],
)
def test_what_cannot_be_told_is_refused(ask, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        ask()
