"""Corrections of a print: which fields may be corrected, what a sound value is, which state follows which."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from signals.core.panel import FIELDS, Panel

CORRECTABLE = FIELDS
"""A supply is corrected through its market cap: supply x close."""
POSITIVE = frozenset({"close", "market_cap", "open", "high", "low"})
_ABOVE = 1 + 1e-6
"""Relative slack for high and low: archives store single-precision prices."""

MOVES: dict[str, frozenset[str]] = {
    "draft": frozenset({"approved", "rejected", "withdrawn"}),
    "approved": frozenset({"applied", "withdrawn"}),
    "applied": frozenset(),
    "rejected": frozenset(),
    "withdrawn": frozenset(),
}
"""From each state of a restatement the states that may follow. The database holds the same table in a trigger."""


class CorrectionError(ValueError):
    """A correction cannot be made; the message names the field, what was wrong and what to do."""


def moved(status: str, to: str) -> str:
    """`to`, where a restatement that is `status` may become that. Raises CorrectionError."""
    if to not in MOVES[status]:
        raise CorrectionError(f"status: a restatement that is {status} cannot become {to}.")
    return to


def sound(new: Mapping[str, float], old: Mapping[str, float | None]) -> dict[str, float]:
    """The fields of `new` that differ from the candle's `old` ones, checked. USD.

    Raises CorrectionError where a value is no price, cap or volume, where nothing differs, and where the corrected open
    or close would lie outside the bar's high and low.
    """
    unknown = sorted(set(new) - set(CORRECTABLE))
    if unknown:
        raise CorrectionError(f"{unknown[0]}: is no field of a candle; use one of {', '.join(CORRECTABLE)}.")
    for name, value in new.items():
        if not math.isfinite(value) or value < 0 or (value == 0 and name in POSITIVE):
            raise CorrectionError(f"{name}: must be a positive number of USD, got {value!r}.")
    changed = {name: float(value) for name, value in new.items() if old.get(name) != value}
    if not changed:
        raise CorrectionError("new: says what the candle says already; there is nothing to correct.")
    bar = {**old, **changed}
    for name in ("open", "close"):
        price, high, low = bar.get(name), bar.get("high"), bar.get("low")
        if price is not None and high is not None and price > high * _ABOVE:
            raise CorrectionError(f"high: {high!r} is below the corrected {name}, {price!r}; correct it too.")
        if price is not None and low is not None and price < low / _ABOVE:
            raise CorrectionError(f"low: {low!r} is above the corrected {name}, {price!r}; correct it too.")
    return changed


def corrected(
    panel: Panel,
    asset: str,
    day: date,
    values: Mapping[str, float],
    *,
    old: Mapping[str, float | None] | None = None,
) -> Panel:
    """`panel` with the corrected `values` (field -> USD) of one asset on one day; the panel itself where it lacks
    either. With `old` only fields change that say what it says: another source's value may stand in the panel.

    Raises CorrectionError for a field that a panel does not have.
    """
    moment = pd.Timestamp(day)
    row = int(panel.dates.searchsorted(moment))
    if asset not in panel.assets or row == len(panel.dates) or panel.dates[row] != moment:
        return panel
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise CorrectionError(f"{unknown[0]}: a panel has no such field.")
    column = panel.assets.index(asset)
    arrays: dict[str, Any] = {}
    for name, value in values.items():
        stands = getattr(panel, name)
        if old is not None and not _same(float(stands[row, column]), old.get(name)):
            continue
        array = np.array(stands)
        array[row, column] = value
        array.setflags(write=False)
        arrays[name] = array
    return replace(panel, **arrays)


def _same(value: float, other: float | None) -> bool:
    return math.isnan(value) if other is None else value == other
