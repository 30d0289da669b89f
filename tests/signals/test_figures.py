"""Numbers as people read them, and the geometry of charts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core import figures
from signals.core.charting import line_chart, sparkline, thinned


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (figures.usd, Decimal("1234.5"), "$1,234.50"),
        (figures.usd, Decimal("-0.004"), "$0.00"),
        (figures.usd, Decimal("-4"), "−$4.00"),
        (figures.usd, None, "–"),
        (figures.usd_exact, Decimal("0.00042"), "$0.00042"),
        (figures.usd_exact, Decimal("0.13"), "$0.13"),
        (figures.signed_usd, Decimal("12.3"), "+$12.30"),
        (figures.signed_usd, Decimal("0.001"), "$0.00"),
        (figures.price, 0.000012341, "$0.00001234"),
        (figures.price, 28818.52, "$28,818.52"),
        (figures.price, 0.4695, "$0.4695"),
        (figures.chart_usd, 28818.52, "$28,819"),
        (figures.compact_usd, 541_400_000_000.0, "$541B"),
        (figures.compact_usd, 999_600.0, "$1.00M"),
        (figures.compact_usd, 2_890_000.0, "$2.89M"),
        (figures.compact_usd, 12.0, "$12.00"),
        (figures.percent, 0.1234, "12.3%"),
        (figures.percent, -0.0004, "0.0%"),
        (figures.signed_percent, 0.169, "+16.9%"),
        (figures.signed_percent, -0.835, "−83.5%"),
        (figures.signed_percent, 0.0001, "0.0%"),
        (figures.direction, 0.0001, "flat"),
        (figures.direction, -0.01, "down"),
        (figures.direction, None, "flat"),
        (figures.usd_direction, Decimal("0.004"), "flat"),
        (figures.level, 1318.294, "1,318.29"),
        (figures.level, 36737.4, "36,737"),
        (figures.quantity, Decimal("0.123456789"), "0.123456"),
        (figures.quantity, Decimal("1234567.9"), "1,234,567"),
        (figures.quantity, Decimal("2.500"), "2.5"),
        (figures.quantity, Decimal(0), "0"),
    ],
)
def test_figures(write: object, value: object, text: str) -> None:
    assert write(value) == text  # type: ignore[operator]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN")])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        figures.usd(value)  # type: ignore[arg-type]


@given(st.decimals(min_value="1e-12", max_value="1e12", allow_nan=False))
def test_a_quantity_is_never_written_larger_than_it_is(amount: Decimal) -> None:
    written = Decimal(figures.quantity(amount).replace(",", ""))
    assert 0 < written <= amount
    assert (amount - written) / amount < Decimal("0.00001")


def test_midnight_is_the_close_of_the_day_before() -> None:
    midnight = datetime(2026, 1, 13, tzinfo=UTC)
    assert figures.market_day(midnight) == date(2026, 1, 12)
    assert figures.market_moment(midnight) == "12 Jan 2026, at the close"
    assert figures.market_moment(midnight + timedelta(hours=14, minutes=5)) == "13 Jan 2026, 14:05 UTC"


def series(values: list[float]) -> list[tuple[date, float]]:
    return [(date(2022, 1, 1) + timedelta(days=number), value) for number, value in enumerate(values)]


def test_a_chart_places_its_ends() -> None:
    chart = line_chart(series([1000.0, 1500.0, 2000.0]))
    assert chart is not None
    assert chart.path == "M0.0 1000.0L500.0 500.0L1000.0 0.0"
    assert (chart.end_top, chart.end_label, chart.is_log) == ("0.0%", "2,000.00", False)
    assert chart.ticks[0].label == "1,000"
    assert (
        chart.description
        == "From 1,000.00 on 1 January 2022 to 2,000.00 on 3 January 2022. Lowest 1,000.00, highest 2,000.00."
    )
    assert json.loads(chart.points)[1] == ["2 Jan 2022", "1,500.00", 0.5, 0.5]


def test_a_wide_range_is_drawn_on_a_logarithmic_scale() -> None:
    chart = line_chart(series([1.0, 10.0, 100.0]))
    assert chart is not None
    assert chart.is_log
    assert chart.path == "M0.0 1000.0L500.0 500.0L1000.0 0.0"


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_little_is_no_chart(values: list[float]) -> None:
    assert line_chart(series(values)) is None
    assert sparkline(values) == ""


@given(st.lists(st.floats(min_value=1e-6, max_value=1e9), min_size=2, max_size=1500))
def test_charts_stay_in_their_box_and_keep_extremes(values: list[float]) -> None:
    given_series = series(values)
    chart = line_chart(given_series)
    assert chart is not None
    points = json.loads(chart.points)
    assert all(-0.0001 <= left <= 1.0001 and -0.0001 <= top <= 1.0001 for _, _, left, top in points)
    kept = [value for _, value in thinned(given_series)]
    assert (min(kept), max(kept), kept[0], kept[-1]) == (min(values), max(values), values[0], values[-1])
    assert sparkline(values).startswith("M0.0 ")


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, "fraction", "–"),
        (-0.1234, "fraction", "−12.3%"),
        (0.00012, "fraction per 8 h", "0.01%"),
        (365.0, "days", "365"),
        (1234.5, "USD", "$1.23K"),
        (0.0, "ratio", "0"),
        (-0.012345, "z", "−0.0123"),
        (12.345, "ln USD", "12.3"),
        (1234.5, "index", "1,234"),
        (-1.5e-9, "per million USD", "−1.50e−9"),
    ],
)
def test_a_feature_is_written_in_its_unit(value: float | None, unit: str, written: str) -> None:
    assert figures.reading(value, unit) == written


def test_points_have_a_sign_and_ratios_a_true_minus() -> None:
    assert [figures.points(value) for value in (1.24, -0.36, 0.01, None)] == ["+1.2", "−0.4", "0.0", "–"]
    assert [figures.ratio(value) for value in (1.234, -0.001, -1234.5, None)] == [
        "1.23",
        "0.00",
        "−1,234.50",
        "–",
    ]
