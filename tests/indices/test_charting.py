"""The geometry of the factsheet's charts, exact where it can be told by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core.charting.areas import Part, stacked_chart, step_area
from indices.core.charting.lines import EDGE, Named, apart, drawdowns, lines_chart, rebased
from indices.core.charting.shades import bars, shade
from indices.core.charting.treemap import Tile, treemap
from signals.core import figures

START = date(2022, 1, 1)


def days(*values: float, start: date = START) -> list[tuple[date, float]]:
    return [(start + timedelta(days=number), value) for number, value in enumerate(values)]


def test_two_lines_share_one_scale() -> None:
    chart = lines_chart(
        [
            Named("main", "Index", days(1000.0, 1500.0, 2000.0)),
            Named("second", "Twin", days(1000.0, 500.0, 0.0)),
        ]
    )
    assert chart is not None
    main, second = chart.lines
    # The scale is 0 to 2,000: marks every 500.
    assert main.path == "M0.0 500.0L500.0 250.0L1000.0 0.0"
    assert second.path == "M0.0 500.0L500.0 750.0L1000.0 1000.0"
    assert (main.end_top, main.label_top, main.value) == ("0.0%", "2.0%", "2,000.00")
    assert (second.end_top, second.label_top, second.value) == ("100.0%", "98.0%", "0.00")
    assert [(tick.top, tick.label) for tick in chart.ticks] == [
        ("75.0%", "500"),
        ("50.0%", "1,000"),
        ("25.0%", "1,500"),
    ]
    assert chart.area == "M0.0 500.0L500.0 250.0L1000.0 0.0V0H0Z"
    assert not chart.is_log
    assert json.loads(chart.points)[1] == ["2 Jan 2022", "Index 1,500.00, Twin 500.00", 0.5, [0.25, 0.75]]
    assert chart.rows == [
        (date(2022, 1, 1), ["1,000.00", "1,000.00"]),
        (date(2022, 1, 2), ["1,500.00", "500.00"]),
        (date(2022, 1, 3), ["2,000.00", "0.00"]),
    ]
    assert "Twin: from 1,000.00 on 1 January 2022 to 0.00 on 3 January 2022" in chart.description


def test_one_line_is_read_out_without_its_name() -> None:
    chart = lines_chart([Named("main", "Index", days(10.0, 20.0))])
    assert chart is not None
    assert [point[1] for point in json.loads(chart.points)] == ["10.00", "20.00"]


def test_a_logarithmic_scale_ends_near_the_data() -> None:
    values = days(100.0, 1000.0, 10000.0)
    chart = lines_chart([Named("main", "Index", values)])
    assert chart is not None
    assert chart.is_log
    # A margin of 4 % of the log range at both ends: 100 lies at 1.04 / 1.08 of the height.
    assert chart.lines[0].path == "M0.0 963.0L500.0 500.0L1000.0 37.0"
    assert [tick.label for tick in chart.ticks] == ["100", "200", "500", "1,000", "2,000", "5,000"]
    plain = lines_chart([Named("main", "Index", values)], scale="linear")
    assert plain is not None
    assert not plain.is_log


def test_scale_is_chosen_by_the_ratio_unless_asked_for() -> None:
    low, high = days(100.0, 799.0), days(100.0, 800.0)
    drawn = [lines_chart([Named("main", "Index", values)]) for values in (low, high)]
    assert [chart.is_log for chart in drawn if chart] == [False, True]
    asked = lines_chart([Named("main", "Index", low)], scale="log")
    assert asked is not None
    assert asked.is_log
    with_zero = lines_chart([Named("main", "Index", days(0.0, 5.0))], scale="log")
    assert with_zero is not None
    assert not with_zero.is_log
    with pytest.raises(ValueError, match=r"scale: must be one of auto, linear, log, got 'cubic'\."):
        lines_chart([Named("main", "Index", low)], scale="cubic")


def test_too_little_is_not_drawn() -> None:
    assert lines_chart([]) is None
    assert lines_chart([Named("main", "Index", days(1.0))]) is None
    chart = lines_chart([Named("main", "Index", days(1.0, 2.0)), Named("second", "Twin", days(5.0))])
    assert chart is not None
    assert [line.key for line in chart.lines] == ["main"]


def test_a_line_that_never_moves_is_drawn() -> None:
    for value in (0.0, 7.0):
        chart = lines_chart([Named("main", "Index", days(value, value))], write=figures.percent)
        assert chart is not None


def test_others_are_cut_to_the_days_of_the_first_and_may_have_gaps() -> None:
    early = START - timedelta(days=5)
    other = [(early, 1.0), (START + timedelta(days=1), 4.0), (START + timedelta(days=2), 5.0)]
    chart = lines_chart([Named("main", "Index", days(1.0, 2.0, 3.0)), Named("third", "Bitcoin", other)])
    assert chart is not None
    points = json.loads(chart.points)
    assert [len(point[3]) for point in points] == [1, 2, 2]
    assert chart.rows[0] == (START, ["1.00", figures.DASH])
    assert chart.rows[1][1] == ["2.00", "4.00"]


def test_the_table_keeps_month_ends_and_the_edges() -> None:
    chart = lines_chart([Named("main", "Index", days(*range(1, 121)))])
    assert chart is not None
    assert [day for day, _ in chart.rows] == [
        date(2022, 1, 1),
        date(2022, 1, 31),
        date(2022, 2, 28),
        date(2022, 3, 31),
        date(2022, 4, 30),
    ]


def test_rebasing_meets_the_other_on_the_first_common_day() -> None:
    index = days(1000.0, 1100.0, 1200.0)
    coin = days(9.0, 10.0, 20.0, 30.0, start=START - timedelta(days=1))
    assert rebased(coin, onto=index) == [
        (START, 1000.0),
        (START + timedelta(days=1), 2000.0),
        (START + timedelta(days=2), 3000.0),
    ]
    assert rebased(days(0.0, 1.0), onto=index) == []
    assert rebased(days(1.0, start=date(2030, 1, 1)), onto=index) == []


def test_drawdowns_count_from_the_highest_so_far() -> None:
    assert [fall for _, fall in drawdowns(days(100.0, 200.0, 50.0, 100.0, 300.0))] == [
        0.0,
        0.0,
        -0.75,
        -0.5,
        0.0,
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.01, 0.15))
def test_labels_keep_apart_in_order_and_inside(tops: list[float], gap: float) -> None:
    placed = apart(tops, gap=gap)
    ordered = [place for _, place in sorted(zip(tops, placed, strict=True))]
    assert all(EDGE - 1e-9 <= place <= 1 - EDGE + 1e-9 for place in placed)
    wide = min(gap, (1 - 2 * EDGE) / max(len(tops) - 1, 1))
    assert all(
        later - place >= wide - 1e-9 for place, later in zip(sorted(placed), sorted(placed)[1:], strict=False)
    )
    assert ordered == sorted(ordered)


def test_labels_that_have_room_stay_where_the_lines_end() -> None:
    assert apart([0.2, 0.8, 0.5], gap=0.1) == [0.2, 0.8, 0.5]
    assert apart([0.5, 0.5], gap=0.1) == [0.5, 0.6]
    assert apart([0.98, 0.97], gap=0.1) == pytest.approx([0.98, 0.88])


def test_stacked_layers_rest_on_one_another() -> None:
    chart = stacked_chart(
        [START, START + timedelta(days=10)],
        [Part("l1", "BTC", [0.5, 0.25]), Part("l2", "ETH", [0.0, 0.0]), Part("rest", "Others", [0.5, 0.75])],
    )
    assert chart is not None
    assert [layer.key for layer in chart.layers] == ["l1", "rest"]
    bottom, top = chart.layers
    assert bottom.path == "M0.0 500.0H1000.0V750.0V1000.0V1000.0H0.0Z"
    assert top.path == "M0.0 0.0H1000.0V0.0V750.0V500.0H0.0Z"
    assert (bottom.start, bottom.mean, bottom.end) == (0.5, 0.375, 0.25)
    assert json.loads(chart.points) == [
        ["1 Jan 2022", "BTC 50%, Others 50%", 0.0, []],
        ["11 Jan 2022", "Others 75%, BTC 25%", 1.0, []],
    ]
    assert chart.description.endswith("Last: BTC 25.0%, Others 75.0%.")


def test_names_stand_where_layers_are_thick_and_never_on_one_another() -> None:
    every = [START + timedelta(days=number) for number in range(101)]
    chart = stacked_chart(
        every,
        [
            Part("l1", "Early", [0.6 if number < 50 else 0.01 for number in range(101)]),
            Part("l2", "Thin", [0.05] * 101),
            Part("rest", "Others", [0.35 if number < 50 else 0.94 for number in range(101)]),
        ],
    )
    assert chart is not None
    early, thin, rest = chart.layers
    assert (early.label_left, early.label_top) == ("47.0%", "70.0%")
    assert thin.label_left == ""
    assert (rest.label_left, rest.label_top) == ("92.0%", "47.0%")


def test_stacking_refuses_a_weight_missing() -> None:
    with pytest.raises(ValueError, match=r"l1: has 1 weights for 2 days\."):
        stacked_chart([START, START + timedelta(days=1)], [Part("l1", "BTC", [1.0])])
    assert stacked_chart([START], [Part("l1", "BTC", [1.0])]) is None
    assert stacked_chart([START, START + timedelta(days=1)], [Part("l1", "BTC", [0.0, 0.0])]) is None


def test_a_share_holds_until_the_next_one() -> None:
    last = START + timedelta(days=10)
    moves = [
        (START - timedelta(days=9), 0.5),
        (START - timedelta(days=3), 1.0),
        (START + timedelta(days=5), 0.25),
        (START + timedelta(days=7), 0.25),
    ]
    assert step_area(moves, first=START, last=last) == "M0.0 1000V0.0H500.0V750.0H1000V1000Z"
    # Nothing is drawn before the first day that is known, and nothing after the last day of the chart.
    late = [(START + timedelta(days=5), 0.5), (START + timedelta(days=30), 1.0)]
    assert step_area(late, first=START, last=last) == "M500.0 1000V500.0H1000V1000Z"
    assert step_area([], first=START, last=last) == ""
    assert step_area(moves, first=START, last=START) == ""


def test_tiles_of_a_treemap() -> None:
    assert [(tile.left, tile.top, tile.width, tile.height) for tile in treemap([2.0, 1.0, 1.0])] == [
        (0.0, 0.0, 50.0, 100.0),
        (50.0, 0.0, 50.0, 50.0),
        (50.0, 50.0, 50.0, 50.0),
    ]
    sizes = [
        Tile(0, 0, *extent).size
        for extent in ((18, 26), (9, 26), (8, 26), (6.5, 16), (5, 8), (5, 7), (4, 90))
    ]
    assert sizes == ["huge", "large", "middle", "middle", "small", "tiny", "tiny"]
    assert treemap([]) == []
    with pytest.raises(ValueError, match=r"weights: each must be above zero\."):
        treemap([0.5, 0.0])


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=40))
def test_tiles_fill_the_picture_in_proportion_without_overlap(weights: list[float]) -> None:
    weights = sorted(weights, reverse=True)
    tiles = treemap(weights)
    for weight, tile in zip(weights, tiles, strict=True):
        assert tile.width * tile.height / 1e4 == pytest.approx(weight / sum(weights), rel=1e-9)
        assert tile.left >= -1e-9
        assert tile.top >= -1e-9
        assert tile.left + tile.width <= 100 + 1e-7
        assert tile.top + tile.height <= 100 + 1e-7
    for at, one in enumerate(tiles):
        for other in tiles[at + 1 :]:
            wide = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
            tall = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
            assert wide < 1e-7 or tall < 1e-7


def test_shades_by_size_and_sign() -> None:
    changes = [None, 0.0, 0.019, 0.02, -0.1, 0.3, -0.3]
    assert [shade(change) for change in changes] == [
        "none",
        "flat",
        "flat",
        "up-1",
        "down-2",
        "up-3",
        "down-3",
    ]


def test_bars_share_one_scale_around_zero() -> None:
    axis, drawn = bars([3.0, -1.0])
    assert axis == "25.0%"
    assert [(bar.left, bar.width, bar.is_gain) for bar in drawn] == [
        ("25.0%", "75.0%", True),
        ("0.0%", "25.0%", False),
    ]
    assert bars([2.0, 1.0])[0] == "0.0%"
    assert [bar.width for bar in bars([0.0])[1]] == ["0.0%"]
