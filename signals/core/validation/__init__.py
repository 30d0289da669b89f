"""Is a signal worth anything? Statistics that say so, and say what they cannot.

Scores and labels are [date x asset] arrays of equal shape, NaN where unknown, higher meant to be better. Returns are
fractions per period. Whatever draws at random takes a `seed` and gives the same answer for the same seed.
"""

from signals.core.validation.arrays import ValidationError
from signals.core.validation.exposures import residual_ic, residual_scores
from signals.core.validation.ic import (
    ICSummary,
    YearIC,
    ic_decay,
    ic_summary,
    rank_autocorrelation,
    rank_ic,
)
from signals.core.validation.newey_west import MeanTest, automatic_lags, mean_test
from signals.core.validation.overfitting import Overfitting, backtest_overfitting
from signals.core.validation.quantiles import Leg, QuantileReport, quantile_report
from signals.core.validation.resampling import Placebo, placebo, stationary_indices
from signals.core.validation.robustness import WithoutBest, drop_best
from signals.core.validation.sharpe import (
    DeflatedSharpe,
    annualised_sharpe,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
    sharpe,
    track_record_needed,
)
from signals.core.validation.spa import SuperiorAbility, superior_ability
from signals.core.validation.splits import Fold, walk_forward

__all__ = [
    "DeflatedSharpe",
    "Fold",
    "ICSummary",
    "Leg",
    "MeanTest",
    "Overfitting",
    "Placebo",
    "QuantileReport",
    "SuperiorAbility",
    "ValidationError",
    "WithoutBest",
    "YearIC",
    "annualised_sharpe",
    "automatic_lags",
    "backtest_overfitting",
    "deflated_sharpe",
    "drop_best",
    "expected_best_sharpe",
    "ic_decay",
    "ic_summary",
    "mean_test",
    "placebo",
    "probabilistic_sharpe",
    "quantile_report",
    "rank_autocorrelation",
    "rank_ic",
    "residual_ic",
    "residual_scores",
    "sharpe",
    "stationary_indices",
    "superior_ability",
    "track_record_needed",
    "walk_forward",
]
