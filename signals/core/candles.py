"""Screening of raw candles: which rows may enter the store, and why the others may not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

COLUMNS = ("asset", "opened_at", "open", "high", "low", "close", "volume", "market_cap")
NUMBERS = ("open", "high", "low", "close", "volume", "market_cap")

_SINGLE_PRECISION = 1e-6
"""Relative slack for high and low: archives store single-precision prices."""


@dataclass(frozen=True)
class Screened:
    """`clean` has COLUMNS; `refused` counts rows left out by reason; `cleared` counts values blanked in kept rows."""

    clean: pd.DataFrame
    refused: dict[str, int]
    cleared: dict[str, int]


def screen(
    rows: pd.DataFrame,
    *,
    known_at: datetime,
    bar: pd.Timedelta,
    suspects: Mapping[str, npt.NDArray[np.bool_]] | None = None,
) -> Screened:
    """Split `rows` (COLUMNS; `asset` any hashable, `opened_at` naive UTC, numbers USD) into clean and refused ones.

    A row is refused, under the first reason that fits, where its date is missing (`date_missing`), its bar ends after
    `known_at` (`in_future`), its close is missing, infinite or not positive (`close_missing`, `close_infinite`,
    `close_not_positive`), its volume is infinite or negative (`volume_infinite`, `volume_negative`), the caller marks
    it (`suspects`: reason -> mask over the rows), or an earlier row that is not refused has its asset and date
    (`duplicate`). Within a kept row a market cap that is not a positive number, and an open, high and low that
    contradict each other or the close, are blanked.
    """
    missing = [column for column in COLUMNS if column not in rows.columns]
    if missing:
        raise ValueError(f"rows: columns are missing: {', '.join(missing)}.")
    rows = rows.loc[:, list(COLUMNS)].reset_index(drop=True)
    rows[list(NUMBERS)] = rows[list(NUMBERS)].astype(np.float64)
    close, volume = rows["close"].to_numpy(), rows["volume"].to_numpy()
    end_of_time = np.datetime64(pd.Timestamp(known_at).tz_convert("UTC").tz_localize(None) - bar)
    checks: dict[str, npt.NDArray[np.bool_]] = {
        "date_missing": rows["opened_at"].isna().to_numpy(),
        "in_future": rows["opened_at"].to_numpy() > end_of_time,
        "close_missing": np.isnan(close),
        "close_infinite": np.isinf(close),
        "close_not_positive": close <= 0,
        "volume_infinite": np.isinf(volume),
        "volume_negative": volume < 0,
        **(suspects or {}),
    }
    refused: dict[str, int] = {}
    keep = np.ones(len(rows), dtype=bool)
    for reason, mask in checks.items():
        if count := int((mask & keep).sum()):
            refused[reason] = count
        keep &= ~mask
    rows = rows[keep]
    repeated = rows.duplicated(["asset", "opened_at"]).to_numpy()
    if repeated.any():
        refused["duplicate"] = int(repeated.sum())
        rows = rows[~repeated]
    rows = rows.reset_index(drop=True)
    return Screened(clean=rows, refused=refused, cleared=_clear(rows))


def _clear(rows: pd.DataFrame) -> dict[str, int]:
    cleared: dict[str, int] = {}
    cap = rows["market_cap"].to_numpy()
    no_cap = ~np.isnan(cap) & ~((cap > 0) & np.isfinite(cap))
    if count := int(no_cap.sum()):
        cleared["market_cap_not_positive"] = count
        rows.loc[no_cap, "market_cap"] = np.nan
    bars = rows[["open", "high", "low"]].to_numpy()
    known = ~np.isnan(bars).any(axis=1)
    some = ~np.isnan(bars).all(axis=1)
    opened, high, low = bars.T
    close = rows["close"].to_numpy()
    top = np.maximum(opened, close) * (1 - _SINGLE_PRECISION)
    bottom = np.minimum(opened, close) * (1 + _SINGLE_PRECISION)
    sound = known & (low > 0) & np.isfinite(high) & (high >= top) & (low <= bottom)
    broken = some & ~sound
    if count := int(broken.sum()):
        cleared["open_high_low_inconsistent"] = count
        rows.loc[broken, ["open", "high", "low"]] = np.nan
    return cleared
