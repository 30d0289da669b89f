"""Published cross-sectional results, rebuilt: the market factor (R1) and ten characteristics (R5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.features.backdrop import NOT_COUNTED
from signals.core.features.ranking import ranks
from signals.core.panel import Array, Panel
from signals.core.report.gates import Cell, Column, Table
from signals.core.report.material import MOST_RISE, Ints
from signals.core.report.portfolios import shared
from signals.core.validation import mean_test

FIRST, LAST = date(2014, 1, 1), date(2020, 7, 31)
"""The window of the study and of its rebuild."""
LEAST_CAP, INVESTABLE_CAP = 1e6, 1e8
WEEKS = 52
THEIRS_MARKET = {"mean": 0.01330, "sd": 0.1123, "rebuilt mean": 0.01303, "rebuilt sd": 0.1128}
THEIRS = {
    "MAXDPRC": (-1.85, "100 → 0"),
    "MCAP": (-0.85, "100 → 0"),
    "PRC": (-1.92, "100 → 0"),
    "r1,0": (1.69, "75 → 88"),
    "r2,0": (2.25, "100 → 100"),
    "r3,0": (1.81, "100 → 75"),
    "r4,0": (1.47, "75 → 38"),
    "r4,1": (0.98, "12 → 0"),
    "PRCVOL": (-0.40, "0 → 0"),
    "STDPRCVOL": (-0.47, "0 → 0"),
}
"""Characteristic -> mean long-short return in percent a week, and the share of specifications that find it significant,
full -> investable ([S1])."""
FEWEST = 20
"""Fewer tokens than this make no quintiles."""


@dataclass(frozen=True, eq=False)
class Weeks:
    """Weekly closes: `rows` [week] the last day of each, `close`, `cap` [week x asset], `eligible` coins of no peg."""

    rows: Ints
    ends: pd.DatetimeIndex
    close: Array
    cap: Array
    eligible: npt.NDArray[np.bool_]


def week_ends(first: date, last: date) -> list[date]:
    """The last days of the study's weeks: 52 a year, of seven days each but the last, which ends with the year."""
    found: list[date] = []
    for year in range(first.year, last.year + 1):
        ends = [date(year, 1, 1) + timedelta(days=7 * week + 6) for week in range(WEEKS - 1)]
        found += [*ends, date(year, 12, 31)]
    return [day for day in found if first <= day <= last]


def weeks_of(panel: Panel, *, first: date, last: date) -> Weeks:
    """The weeks of the panel between two days; a missing close stands at the last one of at most a week."""
    ends = [day for day in week_ends(first, last) if panel.dates[0] <= pd.Timestamp(day) <= panel.dates[-1]]
    rows = np.array([panel.row(day) for day in ends], dtype=np.int64)
    close = pd.DataFrame(panel.close).ffill(limit=7).to_numpy()[rows]
    own = np.array([not panel.categories[asset] & NOT_COUNTED for asset in panel.assets], dtype=bool)
    # The study asks for a price, a cap and a volume on the day it sorts.
    traded = ~np.isnan(panel.close[rows]) & (panel.market_cap[rows] > 0) & (panel.volume[rows] > 0)
    return Weeks(rows, panel.dates[rows], close, panel.market_cap[rows], own & traded)


def next_week(weeks: Weeks) -> Array:
    """[week x asset] Return of the following week; NaN in the last, and beyond MOST_RISE."""
    out = np.full(weeks.close.shape, np.nan)
    out[:-1] = weeks.close[1:] / weeks.close[:-1] - 1.0
    out[out > MOST_RISE] = np.nan
    return out


def market_factor(weeks: Weeks, *, least_cap: float = LEAST_CAP) -> Array:
    """[week] Cap-weighted return of all eligible coins from `least_cap` on, from the week's end to the next one's."""
    following = next_week(weeks)
    cap = np.where(weeks.eligible & (weeks.cap >= least_cap) & ~np.isnan(following), weeks.cap, 0.0)
    return (shared(cap) * np.nan_to_num(following)).sum(axis=1)[:-1]


def characteristics(panel: Panel, weeks: Weeks) -> dict[str, Array]:
    """Name -> [week x asset] the ten of the study, from data up to the week's end."""
    before = {number: _earlier(weeks.close, number) for number in (1, 2, 3, 4)}
    days = [panel.close[max(row - 6, 0) : row + 1] for row in weeks.rows]
    dollars = [panel.volume[max(row - 6, 0) : row + 1] for row in weeks.rows]
    with np.errstate(all="ignore"):
        found = {
            "MAXDPRC": np.array([_over(np.nanmax, part) for part in days]),
            "MCAP": np.log(weeks.cap),
            "PRC": np.log(weeks.close),
            **{f"r{number},0": weeks.close / before[number] - 1.0 for number in (1, 2, 3, 4)},
            "r4,1": before[1] / before[4] - 1.0,
            "PRCVOL": np.log(np.array([_over(np.nanmean, part) for part in dollars])),
            "STDPRCVOL": np.log(np.array([_over(np.nanstd, part) for part in dollars])),
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _over(reduce: Callable[..., Array], part: Array) -> Array:
    out = np.full(part.shape[1], np.nan)
    some = (~np.isnan(part)).any(axis=0)
    out[some] = reduce(part[:, some], axis=0)
    return out


def _earlier(values: Array, number: int) -> Array:
    out = np.full(values.shape, np.nan)
    out[number:] = values[:-number]
    return out


def long_short(values: Array, weeks: Weeks, *, least_cap: float) -> Array:
    """[week] Cap-weighted return, the week after, of the highest quintile of a characteristic less the lowest."""
    following = next_week(weeks)
    chosen = weeks.eligible & (weeks.cap >= least_cap) & ~np.isnan(following) & ~np.isnan(values)
    ranked = ranks(np.where(chosen, values, np.nan))
    count = chosen.sum(axis=1, keepdims=True)
    place = np.ceil(ranked * 5 / np.maximum(count, 1) - 1e-9)
    cap = np.where(chosen, weeks.cap, 0.0)
    legs = [(shared(np.where(place == at, cap, 0.0)) * np.nan_to_num(following)).sum(axis=1) for at in (5, 1)]
    spread = np.where(count[:, 0] >= FEWEST, legs[0] - legs[1], np.nan)
    return spread[:-1]


def market_table(panel: Panel) -> Table | None:
    """R1: ours beside theirs; None for a panel that does not reach into the window."""
    rows: list[list[Cell]] = []
    for name, least_cap in (("ours, cap ≥ $1 M", LEAST_CAP), ("ours, cap ≥ $100 M", INVESTABLE_CAP)):
        weeks = weeks_of(panel, first=FIRST, last=LAST)
        if len(weeks.rows) < WEEKS:
            return None
        found = market_factor(weeks, least_cap=least_cap)
        rows.append([name, float(found.mean()), float(found.std(ddof=1)), mean_test(found).t, len(found)])
    rows += [
        ["theirs [S2]", THEIRS_MARKET["mean"], THEIRS_MARKET["sd"], None, None],
        ["rebuilt by [S2]", THEIRS_MARKET["rebuilt mean"], THEIRS_MARKET["rebuilt sd"], None, None],
    ]
    columns = [
        Column("market factor", "text"),
        Column("mean a week", "percent"),
        Column("sd", "percent"),
        Column("t"),
        Column("weeks", "count"),
    ]
    note = (
        "Weeks of the study (52 a year), cap-weighted, without stablecoins and wrapped tokens. No risk-free rate is "
        "taken off: the archive has none (about 0.01 % a week). Another vendor's prices, and before 2020 fewer dead "
        "coins than the study had."
    )
    return Table(f"R1: market factor, {FIRST:%Y-%m} to {LAST:%Y-%m}", columns, rows, note)


def characteristics_table(panel: Panel) -> Table | None:
    """R5: mean long-short returns, the full and the investable universe, ours beside theirs."""
    spans = {"to 2020-07": (FIRST, LAST), "all years": (FIRST, panel.dates[-1].date())}
    made: dict[str, dict[str, list[Cell]]] = {}
    for span, (first, last) in spans.items():
        weeks = weeks_of(panel, first=first, last=last)
        if len(weeks.rows) < WEEKS:
            return None
        for name, values in characteristics(panel, weeks).items():
            cells: list[Cell] = []
            for least_cap in (LEAST_CAP, INVESTABLE_CAP):
                cells += _mean_and_t(long_short(values, weeks, least_cap=least_cap))
            made.setdefault(name, {})[span] = cells
    rows = [
        [name, their / 100, share, *(cell for part in made[name].values() for cell in part)]
        for name, (their, share) in THEIRS.items()
    ]
    columns = [
        Column("high − low", "text"),
        Column("theirs a week", "percent"),
        Column("significant, full → investable, %", "text"),
    ]
    for span in spans:
        for universe in ("full", "≥ $100 M"):
            columns += [Column(f"ours, {universe}, {span}", "percent"), Column("t")]
    note = (
        "Cap-weighted quintiles, highest less lowest, before cost; a rise of over 1,000 % in a week is left out as a "
        "fault. Theirs [S1] is a mean over many specifications and more coins, of another vendor. Here dead coins are "
        "fewer before 2020, which makes small and losing coins look better than they were; 'full' is from $1 M."
    )
    return Table("R5: ten characteristics", columns, rows, note)


def _mean_and_t(series: Array) -> list[Cell]:
    known = series[~np.isnan(series)]
    if len(known) < WEEKS:
        return [None, None]
    test = mean_test(known)
    return [test.mean, test.t]
