"""What is observed of tokens beside their candles: on-chain, derivatives, news, mood. Point in time.

An observation speaks of a day and is known from a moment on. In a panel it stands in the row of the day that lies
`LAG_DAYS` after the day it speaks of, and only where it was known when that row closed (give or take `GRACE`): what
came later is missing there for good, so that a panel cut at a date and a longer one agree. Nothing is carried forward.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Rows = slice | npt.NDArray[np.int64]

ONCHAIN, DERIVATIVES, SENTIMENT = "onchain", "derivatives", "sentiment"
LAG_DAYS = {ONCHAIN: 1, DERIVATIVES: 0, SENTIMENT: 0}
"""Days from the day an observation speaks of to the row it stands in. A day's blocks are counted in the day after;
funding, open interest, news and mood of a day are public before it ends."""

GRACE = timedelta(hours=1)
"""A day's numbers, like its candles, are fetched soon after its close: within this time they count as known at it."""


@dataclass(frozen=True)
class Metric:
    """One number that is observed of a token (or of the whole market, where shared) once a day."""

    name: str
    family: str
    unit: str
    about: str
    shared: bool = False
    negative: bool = False
    """Whether the number may be negative; a negative one of the others is a fault of its source and not known."""


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        # On-chain metrics go by the names of Coin Metrics, so that their definitions can be looked up.
        Metric("AdrActCnt", ONCHAIN, "addresses", "addresses that sent or received on the day"),
        Metric("TxCnt", ONCHAIN, "transactions", "transactions of the day"),
        Metric("TxTfrCnt", ONCHAIN, "transfers", "transfers of the day"),
        Metric("NVTAdj", ONCHAIN, "days", "market cap over the adjusted value transferred on the day"),
        Metric("CapMVRVCur", ONCHAIN, "ratio", "market cap over realised cap"),
        Metric("CapRealUSD", ONCHAIN, "USD", "realised cap: each unit at the price of its last move"),
        Metric("SplyCur", ONCHAIN, "tokens", "supply visible on the ledger"),
        Metric("SplyAct1yr", ONCHAIN, "tokens", "supply that moved within the last 365 days"),
        Metric("FeeTotUSD", ONCHAIN, "USD", "fees paid on the day"),
        Metric("HashRate", ONCHAIN, "hashes", "mean rate at which the day's blocks were mined"),
        Metric("IssTotUSD", ONCHAIN, "USD", "newly issued on the day"),
        Metric(
            "funding_rate", DERIVATIVES, "fraction per 8 h", "mean funding of the perpetual", negative=True
        ),
        Metric("open_interest", DERIVATIVES, "USD", "open interest of the perpetual at the close"),
        Metric("news_count", SENTIMENT, "items", "news of the day that name the token"),
        Metric("news_sent", SENTIMENT, "−1 to 1", "mean tone of the day's news that name it", negative=True),
        Metric("market_news_count", SENTIMENT, "items", "news of the day", shared=True),
        Metric(
            "market_news_sent",
            SENTIMENT,
            "−1 to 1",
            "mean tone of the day's news",
            shared=True,
            negative=True,
        ),
        Metric("fear_greed", SENTIMENT, "0 to 100", "fear & greed index published on the day", shared=True),
    )
}


class ObservationError(ValueError):
    """Observations are not what they should be; the message names the metric and what was wrong."""


@dataclass(frozen=True)
class Readings:
    """Observations of one family from one source, one row per token and day (and version).

    `rows` has the columns `asset` (slug, None for the whole market), `day` (datetime64, midnight), `known_at`
    (datetime64, naive UTC) and one float64 column per metric, NaN where not known.
    """

    family: str
    source: str
    rows: pd.DataFrame

    @property
    def metrics(self) -> list[str]:
        """The metrics that are columns of `rows`."""
        return [name for name in self.rows.columns if name not in ("asset", "day", "known_at")]


@dataclass(frozen=True, eq=False)
class Observed:
    """One metric in a panel: [date x column] float64, NaN where not known.

    `columns` are the tokens that it is observed of; None is the whole market, with one column.
    """

    columns: tuple[str, ...] | None
    values: Array

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Token -> its column."""
        return {asset: number for number, asset in enumerate(self.columns or ())}

    def of(self, assets: Iterable[str]) -> Observed:
        """The metric of those of `assets` that it is observed of; of the whole market unchanged."""
        if self.columns is None:
            return self
        kept = [asset for asset in assets if asset in self.place]
        return Observed(tuple(kept), self.values[:, [self.place[asset] for asset in kept]])


class Observations(Mapping[str, Observed]):
    """Metric -> what is observed of it, all over the same dates. Never changed once made."""

    def __init__(self, found: Mapping[str, Observed] | None = None) -> None:
        self._found = dict(found or {})
        for each in self._found.values():
            each.values.setflags(write=False)

    def __getitem__(self, metric: str) -> Observed:
        return self._found[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def over(self, rows: Rows) -> Observations:
        """The observations of these rows."""
        return Observations({name: Observed(each.columns, each.values[rows]) for name, each in self.items()})

    def of(self, assets: Sequence[str]) -> Observations:
        """The observations of these tokens and of the whole market; a metric observed of none of them is gone."""
        chosen = {name: each.of(assets) for name, each in self.items()}
        return Observations({name: each for name, each in chosen.items() if each.values.shape[1]})

    def spread(self, days: int, rows: npt.NDArray[np.int64]) -> Observations:
        """Over `days` rows, those known now at `rows`, NaN in the others."""

        def wide(values: Array) -> Array:
            out = np.full((days, values.shape[1]), np.nan)
            out[rows] = values
            return out

        return Observations({name: Observed(each.columns, wide(each.values)) for name, each in self.items()})


NOTHING = Observations()


def screened(readings: Readings) -> tuple[Readings, int]:
    """The readings without numbers that cannot be (infinite; negative where a count is), and how many those were.

    Raises ObservationError for a metric that is not one of METRICS or is of another family.
    """
    for name in readings.metrics:
        metric = METRICS.get(name)
        if metric is None or metric.family != readings.family:
            raise ObservationError(f"{name}: is no metric of the family {readings.family}.")
    rows = readings.rows.copy()
    cleared = 0
    for name in readings.metrics:
        values = rows[name].to_numpy(dtype=np.float64, copy=True)
        wrong = np.isinf(values) if METRICS[name].negative else np.isinf(values) | (values < 0)
        cleared += int(wrong.sum())
        values[wrong] = np.nan
        rows[name] = values
    rows = rows[rows[readings.metrics].notna().any(axis=1)].reset_index(drop=True)
    return Readings(readings.family, readings.source, rows), cleared


def aligned(dates: pd.DatetimeIndex, assets: Sequence[str], readings: Iterable[Readings]) -> Observations:
    """Readings as the rows of a panel: [date x observed token] per metric, by the rule of this module.

    Of several versions known by a row's close the last known counts. Where two sources speak of the same number the
    earlier one in `readings` does, and the other fills what it does not know. Tokens that are not among `assets` and
    days without a row are left out.
    """
    found: dict[str, Observed] = {}
    position = {asset: number for number, asset in enumerate(assets)}
    for each in readings:
        for name, column, values in _placed(dates, position, each):
            made = Observed(None if column is None else tuple(assets[at] for at in column), values)
            found[name] = _filled(found[name], made, position) if name in found else made
    return Observations(found)


def _placed(
    dates: pd.DatetimeIndex, position: Mapping[str, int], readings: Readings
) -> Iterator[tuple[str, npt.NDArray[np.int64] | None, Array]]:
    rows = readings.rows
    stands = rows["day"].to_numpy().astype("datetime64[D]") + LAG_DAYS[readings.family]
    days = dates.to_numpy().astype("datetime64[D]")
    row = np.searchsorted(days, stands)
    there = row < len(days)
    there[there] = days[row[there]] == stands[there]
    known_at = rows["known_at"].to_numpy().astype("datetime64[us]")
    there &= known_at <= (stands + 1).astype("datetime64[us]") + np.timedelta64(GRACE)
    shared = rows["asset"].isna().to_numpy()
    column = rows["asset"].map(position).fillna(-1).to_numpy(dtype=np.int64)
    order = np.argsort(known_at, kind="stable")  # of two versions in one place the later is written last
    for name in readings.metrics:
        values = rows[name].to_numpy(dtype=np.float64)
        of_market = METRICS[name].shared
        kept = there & (shared if of_market else column >= 0)
        if not (kept & ~np.isnan(values)).any():
            continue
        at = order[kept[order]]
        if of_market:
            out = np.full((len(days), 1), np.nan)
            out[row[at], 0] = values[at]
            yield name, None, out
            continue
        used = np.unique(column[kept & ~np.isnan(values)])
        at = at[np.isin(column[at], used)]
        out = np.full((len(days), len(used)), np.nan)
        out[row[at], np.searchsorted(used, column[at])] = values[at]
        yield name, used, out


def _filled(first: Observed, second: Observed, position: Mapping[str, int]) -> Observed:
    if first.columns is None or second.columns is None:
        return Observed(None, np.where(np.isnan(first.values), second.values, first.values))
    names = tuple(sorted({*first.columns, *second.columns}, key=position.__getitem__))
    out = np.full((len(first.values), len(names)), np.nan)
    for each in (second, first):
        at = [names.index(name) for name in each.columns or ()]
        out[:, at] = np.where(np.isnan(each.values), out[:, at], each.values)
    return Observed(names, out)
