"""On the real archive, where there is one: what comes later changes no grade, and the score knows something."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from signals.core.categories import declared
from signals.core.grading import grades, walk_forward
from signals.core.labels import forward_return
from signals.core.model import INVESTOR, TRADER, sample, trainer, training_dates, training_day
from signals.core.validation import ic_summary, rank_ic
from signals.services import archive_panel
from tests.signals.model.markets import changed_after

ARCHIVE = Path(os.environ.get("MARKET_ARCHIVE", Path(__file__).resolve().parents[4] / "shared" / "data"))

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not (ARCHIVE / "daily.parquet").exists(), reason="there is no market archive"),
]
SPECS = (replace(TRADER, rounds=60), replace(INVESTOR, rounds=60))


@pytest.fixture(scope="module")
def panel():
    whole = archive_panel(ARCHIVE)
    largest = np.argsort(-np.nan_to_num(whole.market_cap).max(axis=0), kind="stable")[:150]
    return whole.select([whole.assets[at] for at in sorted(largest)])


@pytest.fixture(scope="module")
def dates(panel):
    return training_dates(panel, through=pd.Timestamp("2020-12-27").date())[-104::4]


@pytest.fixture(scope="module")
def graded(panel, dates):
    return walk_forward(panel, dates, specs=SPECS, explain=False)


def test_cutting_or_replacing_what_comes_later_changes_no_grade(panel, dates, graded):
    day = dates[13]
    expected = graded[graded.date == day].reset_index(drop=True)
    # What a cut archive does not know: the kinds that are measured over a whole price path.
    kinds = {asset: declared(panel.categories[asset]) for asset in panel.assets}
    cut = walk_forward(
        replace(panel.as_of(day), categories=kinds), pd.DatetimeIndex([day]), specs=SPECS, explain=False
    )
    pd.testing.assert_frame_equal(cut, expected, check_exact=True)
    noisy = changed_after(panel, str(day.date()), seed=1)
    same = walk_forward(noisy, pd.DatetimeIndex([day]), specs=SPECS, explain=False)
    pd.testing.assert_frame_equal(same, expected, check_exact=True)


def test_the_live_grades_of_a_day_equal_the_walk_forward(panel, dates, graded):
    day = dates[-1]
    models = [trainer(panel.as_of(day), spec).model(training_day(day.date())) for spec in SPECS]
    alone = grades(sample(panel, pd.DatetimeIndex([day])), *models, explain=False)
    expected = graded[graded.date == day].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected, rtol=1e-9)


def test_higher_grades_met_higher_returns(panel, dates, graded):
    for name, horizon in (("trader_grade", 7), ("investor_grade", 28)):
        scores = graded.pivot(index="date", columns="asset", values=name).reindex(columns=panel.assets)
        labels = forward_return(panel.close, horizon=horizon)[[panel.row(day) for day in dates]]
        found = ic_summary(rank_ic(scores.to_numpy(), labels), dates)
        assert found.mean > 0.03
        assert found.t is not None
        assert found.t > 2
