"""A published index rebuilt from its rules: the statistics by hand, and CCI30 on the real archive."""

import json
import math
from datetime import date
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from indices.core import replication
from indices.core.replication import ReplicationError
from indices.core.rulebook import Rulebook
from indices.services import replication as service
from signals.core.panel import Panel


def series(*levels: float, first: str = "2021-01-01") -> pd.Series:
    return pd.Series(levels, index=pd.date_range(first, periods=len(levels)), dtype=float)


def publication(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    index = pd.date_range("2021-01-01", periods=len(rows))
    return pd.DataFrame(rows, columns=["level", "open", "high", "low"], index=index, dtype=float)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("index_replicate", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_figures_by_hand() -> None:
    pairs = pd.DataFrame(
        {"rebuilt": [0.02, -0.01, 0.03, 0.0], "published": [0.01, 0.0, 0.02, 0.01]},
        index=pd.date_range("2021-01-01", periods=4),
    )
    found = replication.fit(pairs)
    # Errors are +1 %, -1 %, +1 %, -1 %: variance 4/3 of a ten-thousandth.
    assert found.days == 4
    assert found.tracking_error == pytest.approx(0.01 * math.sqrt(4 / 3) * math.sqrt(365))
    assert found.median_error == pytest.approx(0.01)
    assert found.undone == pytest.approx(1.0)
    # Deviations from the mean of 1 %: (1, -2, 2, -1) and (0, -1, 1, 0) hundredths.
    assert found.correlation == pytest.approx(4 / math.sqrt(10 * 2))
    assert found.beta == pytest.approx(4 / 2)
    growth = math.log(1.02 * 0.99 * 1.03) - math.log(1.01 * 1.02 * 1.01)
    assert found.ahead == pytest.approx(growth / 4 * 365)
    assert math.isnan(found.weekly_tracking_error)


def test_an_error_that_is_undone_within_the_week_is_not_in_the_weekly_figure() -> None:
    index = pd.date_range("2021-01-01", periods=28)
    published = pd.Series(np.linspace(0.0, 0.02, 28), index=index)
    rebuilt = published.copy()
    for week in range(4):
        # Two returns that change places.
        rebuilt.iloc[7 * week + 1] = published.iloc[7 * week + 2]
        rebuilt.iloc[7 * week + 2] = published.iloc[7 * week + 1]
    found = replication.fit(pd.DataFrame({"rebuilt": rebuilt, "published": published}))
    assert found.tracking_error > 0.001
    assert found.weekly_tracking_error == pytest.approx(0.0, abs=1e-12)


@given(
    returns=st.lists(st.floats(-0.2, 0.2), min_size=20, max_size=60),
    scale=st.floats(0.5, 2.0),
)
def test_a_series_follows_a_multiple_of_itself_without_error_whatever_the_base(
    returns: list[float], scale: float
) -> None:
    level = series(*np.cumprod([100.0, *(1 + np.array(returns))]))
    found = replication.fit(replication.paired_returns(level * scale, level))
    assert found.tracking_error == pytest.approx(0.0, abs=1e-9)
    assert found.ahead == pytest.approx(0.0, abs=1e-9)
    if np.ptp(returns) > 1e-6:
        assert found.correlation == pytest.approx(1.0)


def test_a_return_over_a_gap_is_no_daily_return() -> None:
    level = series(1, 2, 3, 4, 5).drop(pd.Timestamp("2021-01-03"))
    assert replication.daily_returns(level).round(9).tolist() == [1.0, 0.25]
    with pytest.raises(ReplicationError, match="need three common daily returns at least, got 2"):
        replication.paired_returns(level, series(1, 2, 3, 4, 5))


def test_a_constant_series_has_no_correlation() -> None:
    assert math.isnan(replication.correlation(np.ones(5), np.arange(5.0)))


def test_days_on_which_a_publication_contradicts_itself() -> None:
    found = replication.contradicted_days(
        publication(
            (100, 99, 101, 98),
            (102, 100, 103, 99),
            (110, 106, 111, 105),  # opens 3.9 % above the close before
            (108, 110, 111, 107),
            (108, 110, 111, 107),  # the same row again
            (109, 108.1, 110, 107),
            (109, 109, 110, 108),
        )
    )
    told = {day.day: why for day, why in found.items()}
    assert told == {
        2: "opens +3.9% from the close of 2021-01-02",
        3: "opens +3.9% from the close of 2021-01-02",
        5: "the row of 2021-01-05 repeats that of the day before",
        6: "the row of 2021-01-05 repeats that of the day before",
    }
    assert replication.contradicted_days(publication((100, 100, 100, 100), (101, 101.9, 103, 100))) == {}


def test_shares_largest_and_years() -> None:
    error = series(0.0, 0.03, -0.04, 0.01, -0.03, first="2021-12-30")
    assert replication.share_of_error(error, pd.DatetimeIndex(["2022-01-01"])) == pytest.approx(16 / 35)
    assert replication.share_of_error(error * 0, pd.DatetimeIndex(error.index)) == 0.0
    assert replication.largest(error, 3).tolist() == [-0.04, 0.03, -0.03]
    days = pd.date_range("2021-11-20", periods=80)
    moves = pd.DataFrame({"rebuilt": np.tile([0.01, -0.01], 40), "published": 0.0}, index=days)
    assert replication.by_year(moves) == {
        2021: pytest.approx(0.01 * math.sqrt(42 / 41 * 365)),
        2022: pytest.approx(0.01 * math.sqrt(38 / 37 * 365)),
    }


def test_the_rules_of_cci30_are_those_of_its_publisher() -> None:
    book = service.replica_rulebook("cci30")
    assert service.replicas() == ["CCI30"]
    assert (book.selection.count, book.selection.buffer, book.selection.review) == (30, 0, "quarterly")
    assert (book.weighting.scheme, book.weighting.smoothing) == ("sqrt_market_cap", "ewma")
    assert (book.weighting.max_weight, book.costs.fee_bps) == (1.0, 0.0)
    assert (book.calendar.frequency, book.calendar.lag_days) == ("monthly", 0)
    assert "stablecoin" in book.universe.exclude_categories
    with pytest.raises(ReplicationError, match="no rules of 'SP500'; known are CCI30"):
        service.replica_rulebook("SP500")


def test_a_second_source_replaces_closes_only_where_there_are_some() -> None:
    days = pd.date_range("2021-01-01", periods=2)
    close = pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, 4.0]}, index=days)
    panel = Panel.from_frames(
        close=close, market_cap=close * 10, categories={"a": ("defi",)}, first_days={"a": date(2020, 1, 1)}
    )
    other = pd.DataFrame({"a": [1.5, np.nan], "b": [3.0, 5.0], "z": [9.0, 9.0]}, index=days)
    found = service.with_closes(panel, other)
    assert found.frame("close")["a"].tolist() == [1.5, 2.0]
    assert np.isnan(found.frame("close")["b"].iloc[0])
    assert found.frame("close")["b"].iloc[1] == 5.0
    assert found.frame("market_cap").equals(panel.frame("market_cap"))
    assert found.categories == panel.categories
    assert found.first_days.tolist() == panel.first_days.tolist()
    assert "z" not in found.assets


def test_an_exchange_answers_for_an_asset_only_where_the_price_is_the_same(tmp_path: Path) -> None:
    days = pd.date_range("2021-01-01", periods=80)
    close = pd.DataFrame({"a": 10.0, "twin": 3.0, "short": 5.0}, index=days)
    close.loc[days[:30], "short"] = np.nan
    panel = Panel.from_frames(close=close, market_cap=close)
    (tmp_path / "assets.csv").write_text("asset_id,symbol\na,aa\ntwin,AA\nshort,SS\n")
    pd.concat(
        pd.DataFrame({"venue": venue, "base_symbol": symbol, "date": days, "close": price})
        for venue, symbol, price in (
            ("binance_spot", "AA", 10.02),
            ("binance_spot", "SS", 5.0),
            ("elsewhere", "AA", 3.0),
        )
    ).to_parquet(tmp_path / "exchange_ohlcv_daily.parquet")
    found = service.exchange_closes(tmp_path, panel, after=days[9])
    assert found is not None
    assert list(found.columns) == ["a"]
    assert (found.index[0], found.index[-1]) == (days[10], days[-1])
    assert set(found["a"]) == {10.02}
    assert service.exchange_closes(tmp_path, panel, after=days[-1]) is None
    assert service.aggregator_closes(tmp_path) is None


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for arguments, message in (
        (("CCI30", "--archive", str(tmp_path)), "archive: has no index_levels.parquet"),
        (("NONE", "--archive", str(tmp_path)), "name: there are no rules of 'NONE'"),
        (("CCI30", "--archive", str(tmp_path), "--start", "soon"), "start: must be a day such as"),
        (
            ("CCI30", "--archive", str(tmp_path), "--start", "2021-01-02", "--end", "2021-01-01"),
            "start: must not be after end",
        ),
    ):
        with pytest.raises(CommandError, match=message) as error:
            said(*arguments)
        assert error.value.returncode == 2
    pd.DataFrame({"index_name": ["CRIX"], "date": ["2021-01-01"], "level": [1.0]}).to_parquet(
        tmp_path / "index_levels.parquet"
    )
    with pytest.raises(CommandError, match="has no levels of 'CCI30'; it has CRIX"):
        said("CCI30", "--archive", str(tmp_path))


def test_the_plain_reading_is_without_smoothing_and_with_members_of_every_month() -> None:
    book = service.replica_rulebook("CCI30")
    plain = service._plain(book)
    assert (plain.selection.rank_by, plain.selection.review) == ("market_cap", "always")
    assert plain.weighting.smoothing_days == 0
    assert Rulebook.from_dict(plain.to_dict()) == plain
    for _, _, variant in service._variants(book):
        assert Rulebook.from_dict(variant.to_dict()) == variant


def test_cci30_is_followed_closer_than_by_a_plain_rebuild(archive_path: Path) -> None:
    if not (archive_path / service.LEVELS_FILE).is_file():
        pytest.skip("the archive has no published index levels")
    found = json.loads(said("CCI30", "--archive", str(archive_path), "--format", "json"))
    steps = {step["key"]: step for step in found["steps"]}
    assert list(steps) == ["plain", "rules", "source", "exchange", "consistent"]
    assert steps["exchange"]["days"] == 1461
    assert steps["plain"]["correlation"] == pytest.approx(0.987, abs=0.002)
    assert steps["plain"]["tracking_error"] == pytest.approx(0.140, abs=0.005)
    assert steps["exchange"]["correlation"] > 0.992
    assert steps["exchange"]["tracking_error"] < 0.106
    assert steps["consistent"]["correlation"] > 0.996
    assert steps["consistent"]["tracking_error"] < 0.07
    assert "2020-12-28" in found["contradicted"]
    assert found["contradicted_share_of_error"] > 0.5
    text = said("CCI30", "--archive", str(archive_path))
    assert "the row of 2020-12-28 repeats that of the day before" in text
