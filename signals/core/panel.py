"""The market as [date x asset] arrays, with the ONE cut at a point in time that everything else uses."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.observations import NOTHING, Observations

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

FIELDS = ("close", "market_cap", "volume", "open", "high", "low")
_PRICES = frozenset({"close", "open", "high", "low"})


class PanelError(ValueError):
    """A frame cannot be part of a panel; the message names the field, what was wrong and what to do."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Daily market data of many assets, known through the close of the last date.

    Every array is [date x asset], float64, C-contiguous and read-only; NaN means unknown. Prices and volume are USD,
    market cap is circulating and at the close. `dates` are naive days in UTC. Build one with `Panel.from_frames`.
    """

    dates: pd.DatetimeIndex
    assets: list[str]
    close: Array
    market_cap: Array
    volume: Array
    open: Array
    high: Array
    low: Array
    categories: dict[str, frozenset[str]] = field(repr=False)
    first_days: Days = field(repr=False)
    observed: Observations = field(repr=False, default=NOTHING)
    """Metric -> what was known of it at the close of each date, beside the candles (signals.core.observations)."""

    @classmethod
    def from_frames(
        cls,
        *,
        close: pd.DataFrame,
        market_cap: pd.DataFrame | None = None,
        volume: pd.DataFrame | None = None,
        open: pd.DataFrame | None = None,  # noqa: A002 - a bar's open is called open
        high: pd.DataFrame | None = None,
        low: pd.DataFrame | None = None,
        categories: Mapping[str, Iterable[str]] | None = None,
        first_days: Mapping[str, date] | None = None,
        observed: Observations = NOTHING,
    ) -> "Panel":
        """A validated panel from frames whose index are days and whose columns are asset slugs.

        Every frame has the index and the columns of `close`, in that order; a frame left out is unknown (NaN)
        everywhere. `first_days` gives the first day an asset had a price where that lies before the frame begins; the
        default is its first close in the frame. `observed` are observations over the same days. Raises PanelError for
        days that are unsorted, repeated or not at midnight, repeated assets, infinities, prices that are not positive,
        and negative volumes or caps.
        """
        dates = _dates(close.index)
        assets = [str(column) for column in close.columns]
        repeated = sorted(asset for asset, count in Counter(assets).items() if count > 1)
        if repeated:
            raise PanelError(
                f"close: assets appear twice: {', '.join(repeated[:5])}; give each asset one column."
            )
        frames = {"market_cap": market_cap, "volume": volume, "open": open, "high": high, "low": low}
        arrays = {"close": _array("close", close)}
        for name, frame in frames.items():
            if frame is None:
                arrays[name] = _unknown((len(dates), len(assets)))
                continue
            same_assets = [str(column) for column in frame.columns] == assets
            if not same_assets or not _dates(frame.index).equals(dates):
                raise PanelError(
                    f"{name}: its days and assets are not those of close ({frame.shape} and {close.shape}); reindex it."
                )
            arrays[name] = _array(name, frame)
        return cls.from_arrays(
            dates=dates,
            assets=assets,
            arrays=arrays,
            categories=categories or {},
            first_days=first_days,
            observed=observed,
            checked=True,
        )

    @classmethod
    def from_arrays(
        cls,
        *,
        dates: pd.DatetimeIndex,
        assets: list[str],
        arrays: Mapping[str, Array],
        categories: Mapping[str, Iterable[str]],
        first_days: Mapping[str, date] | None = None,
        observed: Observations = NOTHING,
        checked: bool = False,
    ) -> "Panel":
        """A panel around float64 arrays [date x asset] without copying them; `arrays` names every one of FIELDS."""
        for name in FIELDS:
            if not checked:
                _check(name, arrays[name])
            arrays[name].setflags(write=False)
        firsts = _first_days(dates, assets, arrays["close"], first_days or {})
        kinds = {asset: frozenset(categories.get(asset, ())) for asset in assets}
        fields: dict[str, Any] = {name: arrays[name] for name in FIELDS}
        panel = cls(dates=dates, assets=assets, categories=kinds, first_days=firsts, **fields)
        return panel.observing(observed)

    def observing(self, observed: Observations) -> "Panel":
        """This panel with `observed` beside its candles; its arrays are shared, not copied.

        Raises PanelError for observations of other dates, of assets that the panel does not have, and infinite ones.
        """
        known = set(self.assets)
        for name, each in observed.items():
            width = 1 if each.columns is None else len(each.columns)
            if each.values.shape != (len(self.dates), width):
                raise PanelError(
                    f"observed: {name} is {each.values.shape}; it must be {(len(self.dates), width)}, like the dates."
                )
            strange = [asset for asset in each.columns or () if asset not in known]
            if strange or len(each.place) != len(each.columns or ()):
                raise PanelError(
                    f"observed: {name} is of one asset twice or of some not in the panel: {', '.join(strange[:5])}."
                )
            if np.isinf(each.values).any():
                raise PanelError(f"observed: {name} holds infinite values; screen the readings first.")
        return replace(self, observed=observed)

    @property
    def shape(self) -> tuple[int, int]:
        """(number of dates, number of assets)."""
        return len(self.dates), len(self.assets)

    def frame(self, name: str) -> pd.DataFrame:
        """The field `name` as a [date x asset] frame over the panel's own memory."""
        if name not in FIELDS:
            raise PanelError(f"{name}: no such field; a panel has {', '.join(FIELDS)}.")
        return pd.DataFrame(getattr(self, name), index=self.dates, columns=self.assets, copy=False)

    def as_of(self, day: date | pd.Timestamp | str) -> "Panel":
        """What was known at the close of `day`: later rows are gone, and so is the listing day of a later asset.

        The arrays are views, not copies. Columns stay, so that positions mean the same asset before and after.
        """
        moment = _day(day)
        later = self.first_days > np.datetime64(moment.date(), "D")
        firsts = np.where(later, np.datetime64("NaT", "D"), self.first_days)
        return self._rows(slice(0, int(self.dates.searchsorted(moment, side="right"))), firsts)

    def last(self, days: int) -> "Panel":
        """The last `days` rows, with the true listing days kept."""
        if days < 0:
            raise PanelError(f"days: must not be negative, got {days}.")
        return self._rows(slice(max(len(self.dates) - days, 0), None), self.first_days)

    def select(self, assets: Iterable[str]) -> "Panel":
        """The panel of these assets, in the given order. Raises PanelError for one that is not in it."""
        position = {asset: number for number, asset in enumerate(self.assets)}
        chosen = list(assets)
        unknown = [asset for asset in chosen if asset not in position]
        if unknown:
            raise PanelError(f"assets: not in the panel: {', '.join(unknown[:5])}.")
        columns = [position[asset] for asset in chosen]
        arrays: dict[str, Any] = {
            name: np.ascontiguousarray(getattr(self, name)[:, columns]) for name in FIELDS
        }
        for array in arrays.values():
            array.setflags(write=False)
        kinds = {asset: self.categories[asset] for asset in chosen}
        firsts = self.first_days[columns]
        observed = self.observed.of(chosen)
        return replace(self, assets=chosen, categories=kinds, first_days=firsts, observed=observed, **arrays)

    def row(self, day: date | pd.Timestamp | str) -> int:
        """The position of `day` in `dates`. Raises PanelError where the panel has no such day."""
        moment = _day(day)
        at = int(self.dates.searchsorted(moment))
        if at == len(self.dates) or self.dates[at] != moment:
            raise PanelError(f"day: {moment.date()} is not in the panel.")
        return at

    def _rows(self, rows: slice, first_days: Days) -> "Panel":
        arrays: dict[str, Any] = {name: getattr(self, name)[rows] for name in FIELDS}
        observed = self.observed.over(rows)
        return replace(self, dates=self.dates[rows], first_days=first_days, observed=observed, **arrays)


def _day(day: date | pd.Timestamp | str) -> pd.Timestamp:
    moment = pd.Timestamp(day)
    if moment.tzinfo is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    if moment != moment.normalize():
        raise PanelError(f"day: {moment.isoformat()} is a moment within a day; pass the day itself.")
    return moment


def _dates(index: pd.Index) -> pd.DatetimeIndex:
    if not isinstance(index, pd.DatetimeIndex):
        raise PanelError(f"dates: the index is a {type(index).__name__}; use a DatetimeIndex of days (UTC).")
    if index.tz is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    if index.hasnans or not index.is_monotonic_increasing or not index.is_unique:
        raise PanelError("dates: must be known, sorted and unique; sort the frames and drop repeated days.")
    if not (index == index.normalize()).all():
        raise PanelError("dates: contain times of day; a row is the close of a whole UTC day.")
    return pd.DatetimeIndex(index.to_numpy().astype("datetime64[s]"))


def _array(name: str, frame: pd.DataFrame) -> Array:
    try:
        values = np.array(frame.to_numpy(), dtype=np.float64, order="C", copy=True)
    except (TypeError, ValueError) as error:
        raise PanelError(f"{name}: holds values that are not numbers ({error}).") from error
    _check(name, values)
    return values


def _check(name: str, values: Array) -> None:
    if np.isinf(values).any():
        raise PanelError(f"{name}: holds infinite values; screen the rows first (signals.core.candles).")
    if name in _PRICES and (values <= 0).any():
        raise PanelError(
            f"{name}: holds prices that are not positive; screen the rows first (signals.core.candles)."
        )
    if (values < 0).any():
        raise PanelError(f"{name}: holds negative values; screen the rows first (signals.core.candles).")


def _unknown(shape: tuple[int, int]) -> Array:
    # One NaN seen through zero strides would save memory but not be contiguous, which callers rely on.
    return np.full(shape, np.nan)


def _first_days(dates: pd.DatetimeIndex, assets: list[str], close: Array, given: Mapping[str, date]) -> Days:
    known = ~np.isnan(close)
    firsts = np.full(len(assets), np.datetime64("NaT", "D"), dtype="datetime64[D]")
    if len(dates):
        days = dates.to_numpy().astype("datetime64[D]")
        seen = known.any(axis=0)
        firsts[seen] = days[known.argmax(axis=0)[seen]]
        last = days[-1]
        for number, asset in enumerate(assets):
            day = given.get(asset)
            if day is None or np.datetime64(day, "D") > last:
                continue
            if np.isnat(firsts[number]) or np.datetime64(day, "D") < firsts[number]:
                firsts[number] = np.datetime64(day, "D")
    return firsts
