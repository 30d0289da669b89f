"""Which assets a rulebook may take at a date: universe and screens, read point in time.

`readings` looks only at rows at or before each row it reads, and what it finds for an asset depends on no other asset
and not on how far back the panel goes beyond the window. A live decision on a short panel and a backtest on a long one
therefore read the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signals.core.panel import Panel

if TYPE_CHECKING:
    from indices.core.events.courses import Course
    from indices.core.rulebook.clauses import Rulebook

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Columns = npt.NDArray[np.intp]

VOLUME_DAYS = 30
DEFAULT_SMOOTHING_DAYS = 30
EWMA_SPANS = 4
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False)
class Readings:
    """What the screens see at some rows of a panel. Arrays are [row x asset] and parallel to `rows`.

    `slugs` are the columns in the order of their asset ids, `slug_places` the place of each column in it, and
    `sorted_already` says that the panel has them in that order. `admitted` is the universe at the row. `cap` (the whole
    one) and `priced` are as of the row or at most screens.max_stale_days before; `float_factor` is the part of a cap
    that counts for rank and weight, None where all of it does; `volume` is the median of the last 30 days (USD, a day
    without data counts as zero); `age` is in days, -1 where unknown; None where no rule asks. `entering` says who
    passes every screen as a newcomer, `staying` who does as an incumbent. `course` holds the events, if there are any.
    """

    panel: Panel
    days: npt.NDArray[np.int64]
    rows: Columns
    slugs: Columns
    slug_places: Columns
    sorted_already: bool
    admitted: Mask
    cap: Array
    priced: Mask
    float_factor: Array | None
    volume: Array | None
    age: npt.NDArray[np.int64] | None
    entering: Mask
    staying: Mask
    course: Course | None = None


def readings(panel: Panel, rows: Columns, rulebook: Rulebook, course: Course | None = None) -> Readings:
    """Everything the universe and screens of `rulebook` need at `rows` of `panel`, the one of `course` where there is
    one: what is halted does not enter, what has ended is out."""
    screens = rulebook.screens
    days = day_numbers(panel)
    cap, close = panel.market_cap[rows], panel.close[rows]
    for back in range(1, screens.max_stale_days + 1):
        _fill_from_before(cap, panel.market_cap, days, rows, back, screens.max_stale_days)
        _fill_from_before(close, panel.close, days, rows, back, screens.max_stale_days)
    admitted = admitted_assets(panel, rulebook, days[rows])
    priced = ~np.isnan(close)
    volume = None
    if screens.min_median_volume_30d is not None:
        wanted = admitted & priced & ~np.isnan(cap)
        if screens.min_market_cap is not None:
            with np.errstate(invalid="ignore"):
                wanted &= cap >= screens.min_market_cap.stay
        volume = _median_volumes(panel.volume, days, rows, wanted)
    age = None
    if screens.min_age_days:
        first = panel.first_days.astype(np.int64)
        known = ~np.isnat(panel.first_days)
        # A listing day after the row is the future: at the row nobody knew of the asset.
        age = np.where(known & (first <= days[rows][:, None]), days[rows][:, None] - first, -1)
    slugs = slug_order(panel)
    places = np.empty_like(slugs)
    places[slugs] = np.arange(len(slugs))
    common = admitted & priced & ~np.isnan(cap)
    if age is not None:
        common &= age >= screens.min_age_days
    entering, staying = common, common.copy()
    with np.errstate(invalid="ignore"):
        for threshold, values in ((screens.min_market_cap, cap), (screens.min_median_volume_30d, volume)):
            if threshold is not None and values is not None:
                entering &= values >= threshold.enter
                staying &= values >= threshold.stay
    if course is not None:
        for at, row in enumerate(rows.tolist()):
            ended = course.ended(row)
            entering[at] &= ~(course.halted(row) | ended)
            staying[at] &= ~ended
    return Readings(
        panel=panel,
        days=days,
        rows=rows,
        slugs=slugs,
        slug_places=places,
        sorted_already=bool((slugs == np.arange(len(slugs))).all()),
        admitted=admitted,
        cap=cap,
        priced=priced,
        float_factor=float_factors(panel, rulebook, days[rows]),
        volume=volume,
        age=age,
        entering=entering,
        staying=staying,
        course=course,
    )


def in_slug_order(read: Readings, columns: Columns) -> Columns:
    """`columns` sorted by asset id."""
    return np.sort(columns) if read.sorted_already else columns[np.argsort(read.slug_places[columns])]


def where(read: Readings, mask: Mask) -> Columns:
    """The columns of `mask` in the order of their asset ids."""
    return np.flatnonzero(mask) if read.sorted_already else read.slugs[mask[read.slugs]]


def eligible(read: Readings, at: int, incumbent: Mask | None) -> Mask:
    """Which assets pass at `read.rows[at]`; an incumbent passes a threshold at its lower `stay`."""
    if incumbent is None:
        return read.entering[at]
    return read.entering[at] | (incumbent & read.staying[at])


def failure(read: Readings, at: int, rulebook: Rulebook, column: int) -> str:
    """Why the asset in `column`, an incumbent, does not pass; the first rule that it fails."""
    screens = rulebook.screens
    cap = read.cap[at, column]
    if read.course is not None and read.course.ended(int(read.rows[at]))[column]:
        return "delisted"
    if not read.admitted[at, column]:
        return _why_outside(read, at, rulebook, column)
    if not read.priced[at, column]:
        return "no price"
    if np.isnan(cap):
        return "no market cap"
    if screens.min_market_cap is not None and not cap >= screens.min_market_cap.stay:
        return f"market cap {cap:.3g} USD below {screens.min_market_cap.stay:.3g}"
    if screens.min_median_volume_30d is not None and read.volume is not None:
        volume = read.volume[at, column]
        if not volume >= screens.min_median_volume_30d.stay:
            return f"median volume {volume:.3g} USD below {screens.min_median_volume_30d.stay:.3g}"
    return f"younger than {screens.min_age_days} days"


def admitted_assets(panel: Panel, rulebook: Rulebook, days: npt.NDArray[np.int64]) -> Mask:
    """[day x asset] mask of the universe on `days` (days since 1970-01-01, ascending): a wanted category (if any are
    named), no excluded one, not excluded by name on that day."""
    universe = rulebook.universe
    wanted, banned = set(universe.categories), set(universe.exclude_categories)
    named = {item for item in universe.exclude if isinstance(item, str)}
    dated = [item for item in universe.exclude if not isinstance(item, str)]
    empty: frozenset[str] = frozenset()
    always = np.empty(len(panel.assets), dtype=bool)
    for column, asset in enumerate(panel.assets):
        kinds = panel.categories.get(asset, empty)
        always[column] = (
            (not wanted or not wanted.isdisjoint(kinds)) and banned.isdisjoint(kinds) and asset not in named
        )
    if not dated:
        return np.broadcast_to(always, (len(days), len(always)))
    admitted = np.repeat(always[None, :], len(days), axis=0)
    position = {asset: column for column, asset in enumerate(panel.assets)}
    for item in dated:
        if item.asset in position:
            low = 0 if item.from_ is None else int(np.searchsorted(days, day_number(item.from_)))
            high = len(days) if item.until is None else int(np.searchsorted(days, day_number(item.until)))
            admitted[low:high, position[item.asset]] = False
    return admitted


def float_factors(panel: Panel, rulebook: Rulebook, days: npt.NDArray[np.int64]) -> Array | None:
    """The part of each market cap that counts on `days`, [day x asset]; None where the rulebook names no free float."""
    named = rulebook.weighting.free_float
    if not named:
        return None
    factors = np.ones((len(days), len(panel.assets)))
    position = {asset: column for column, asset in enumerate(panel.assets)}
    for asset, steps in named.items:
        for first, fraction in steps if asset in position else ():
            low = 0 if first is None else int(np.searchsorted(days, day_number(first)))
            factors[low:, position[asset]] = fraction
    return factors


def group_members(panel: Panel, columns: Columns, category: str) -> Mask:
    """Which of `columns` are of `category`."""
    return np.array(
        [category in panel.categories.get(panel.assets[column], ()) for column in columns.tolist()]
    )


def cap_days(rulebook: Rulebook) -> int:
    """How many calendar days of market cap the smoothing of `rulebook` sees; 0 where nothing is smoothed."""
    clause = rulebook.weighting
    window = clause.smoothing_days
    if rulebook.selection.rank_by == "smoothed_market_cap":
        window = window or DEFAULT_SMOOTHING_DAYS
    return window * EWMA_SPANS if clause.smoothing == "ewma" else window


def smoothed_caps(
    panel: Panel,
    days: npt.NDArray[np.int64],
    row: int,
    columns: Columns,
    window: int,
    *,
    smoothing: str = "mean",
) -> Array:
    """Smoothed market caps as of `row`, [len(columns)], USD; NaN where none is known.

    `mean`: of the known caps of the last `window` days. `ewma`: their average with weights (1 - 2 / (window + 1)) ^ age
    in days, over four times `window` days (beyond lies less than e^-8 of all weight); a day without a cap has none.
    """
    if smoothing == "ewma":
        return _ewma_caps(panel, days, row, columns, window)
    low = window_start(days, row, window)
    block = panel.market_cap[low : row + 1].take(columns, axis=1)
    total, count = np.zeros(len(columns)), np.zeros(len(columns))
    # Row by row: a reduction would pick its order of summation by the shape of the block.
    for line in block:
        known = ~np.isnan(line)
        total[known] += line[known]
        count[known] += 1.0
    return np.divide(total, count, out=np.full(len(columns), np.nan), where=count > 0)


def _ewma_caps(panel: Panel, days: npt.NDArray[np.int64], row: int, columns: Columns, span: int) -> Array:
    low = window_start(days, row, span * EWMA_SPANS)
    block = panel.market_cap[low : row + 1].take(columns, axis=1)
    # A ratio of integers and products of it: the same bits on every machine, which a power function does not promise.
    decay = (span - 1) / (span + 1)
    total, weight = np.zeros(len(columns)), np.zeros(len(columns))
    for place, line in enumerate(block):
        # What is known ages by a day for every calendar day, also for those that the panel has no row of.
        for _ in range(int(days[low + place] - days[low + place - 1]) if place else 0):
            total *= decay
            weight *= decay
        known = ~np.isnan(line)
        total[known] += line[known]
        weight[known] += 1.0
    return np.divide(total, weight, out=np.full(len(columns), np.nan), where=weight > 0)


def day_number(day: date) -> int:
    """`day` as days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def day_numbers(panel: Panel) -> npt.NDArray[np.int64]:
    """The panel's dates as days since 1970-01-01."""
    return panel.dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def slug_order(panel: Panel) -> Columns:
    """The columns in the order of their asset ids, which breaks every tie."""
    return np.array(sorted(range(len(panel.assets)), key=panel.assets.__getitem__), dtype=np.intp)


def window_start(days: npt.NDArray[np.int64], row: int, window: int) -> int:
    """The first row of the last `window` calendar days that end with `row`."""
    return int(np.searchsorted(days, days[row] - window + 1))


def _why_outside(read: Readings, at: int, rulebook: Rulebook, column: int) -> str:
    asset, day = read.panel.assets[column], read.panel.dates[int(read.rows[at])].date()
    for item in rulebook.universe.exclude:
        if not isinstance(item, str) and item.asset == asset and item.acts_on(day) and item.reason:
            return f"excluded: {item.reason}"
    return "outside the universe"


def _fill_from_before(
    filled: Array, source: Array, days: npt.NDArray[np.int64], rows: Columns, back: int, limit: int
) -> None:
    before = rows - back
    recent = (before >= 0) & (days[rows] - days[np.maximum(before, 0)] <= limit)
    if recent.any():
        lines = np.where(recent[:, None], source[np.maximum(before, 0)], np.nan)
        np.copyto(filled, lines, where=np.isnan(filled))


def _median_volumes(volume: Array, days: npt.NDArray[np.int64], rows: Columns, wanted: Mask) -> Array:
    medians = np.full(wanted.shape, np.nan)
    upper = VOLUME_DAYS // 2
    for at, row in enumerate(rows):
        columns = np.flatnonzero(wanted[at])
        low = window_start(days, int(row), VOLUME_DAYS)
        window = np.zeros((len(columns), VOLUME_DAYS))
        known = volume[low : row + 1].take(columns, axis=1).T
        window[:, : known.shape[1]] = np.nan_to_num(known, nan=0.0)
        window.partition((upper - 1, upper), axis=1)
        medians[at, columns] = (window[:, upper - 1] + window[:, upper]) / 2
    return medians
