"""Why a decision is what it is: a reason per asset, and the hash of everything it was made from."""

import hashlib

import numpy as np
import numpy.typing as npt

from indices.core.eligibility import (
    VOLUME_DAYS,
    Readings,
    cap_days,
    failure,
    group_members,
    where,
    window_start,
)
from indices.core.rulebook.choosing import Chosen, basket_columns, needs_grades, reviewed
from indices.core.rulebook.clauses import Rulebook

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


def reasons(
    read: Readings,
    at: int,
    rulebook: Rulebook,
    chosen: Chosen,
    columns: Columns,
    *,
    drifted: Array,
    grades: Array | None,
) -> dict[str, str]:
    """Asset -> why it entered, stayed or left, in plain words."""
    count, row = rulebook.selection.count, int(read.rows[at])
    anew = reviewed(rulebook, read.panel.dates[row].date())
    halted = np.zeros(len(drifted), dtype=bool) if read.course is None else read.course.halted(row)
    rank = {column: place + 1 for place, column in enumerate(chosen.ranking.tolist())}
    members, incumbents = set(columns.tolist()), set(np.flatnonzero(drifted > 0).tolist())
    told: dict[str, str] = {}
    for column in sorted(members | incumbents, key=lambda number: read.panel.assets[number]):
        place = rank.get(column)
        if column in members and column not in incumbents:
            text = f"entered: rank {place}" if place else "entered: the index waits in it"
        elif column in members and halted[column]:
            text = "stayed: halted, cannot be traded"
        elif column in members and place and place > count and not anew:
            text = f"stayed: rank {place}, until the {rulebook.selection.review} review"
        elif column in members and place and place > count:
            text = f"stayed: rank {place}, within the buffer of {rulebook.selection.buffer}"
        elif column in members:
            text = f"stayed: rank {place}" if place else "stayed: not fully traded yet"
        elif place:
            text = f"left: rank {place}"
        else:
            text = f"left: {_failure(read, at, rulebook, column, grades)}"
        told[read.panel.assets[column]] = text
    return told


def _failure(read: Readings, at: int, rulebook: Rulebook, column: int, grades: Array | None) -> str:
    if not read.staying[at, column] or grades is None:
        return failure(read, at, rulebook, column)
    floor = rulebook.screens.min_grade
    if np.isnan(grades[column]) or floor is None:
        return "no grade"
    return f"grade {grades[column]:.4g} below {floor.stay:g}"


def input_hash(
    read: Readings, at: int, rulebook: Rulebook, *, drifted: Array, grades: Array | None, regime: float | None
) -> str:
    """SHA-256 over the rulebook, the day, the panel rows that the rules look at, and what was held; hexadecimal.

    Only admitted assets with a price and a cap at the date, and the incumbents, are in it, in order of their ids, and
    windows are laid out by calendar day: the same inputs give the same hash from a short panel and from a long one.
    """
    row = int(read.rows[at])
    considered = read.priced[at] & ~np.isnan(read.cap[at]) & read.admitted[at]
    ended = None if read.course is None else read.course.ended(row)
    if ended is not None:
        considered &= ~ended
    considered |= drifted > 0
    columns = where(read, considered)
    digest = hashlib.sha256()
    digest.update(rulebook.digest.encode())
    digest.update(int(read.days[row]).to_bytes(8, "big", signed=True))
    for column in columns.tolist():
        digest.update(f"{read.panel.assets[column]}\0{int(read.admitted[at, column])}\0".encode())
    for category, _ in rulebook.weighting.max_weight_groups:
        digest.update(f"{category}\0".encode() + group_members(read.panel, columns, category).tobytes())
    if read.age is not None:
        digest.update(read.age[at, columns].astype(">i8").tobytes())
    for name, window in _windows(rulebook):
        digest.update(name.encode())
        laid_out = _window(read, getattr(read.panel, name), row, columns, window)
        if ended is not None:
            # What an asset was last worth may lie before a short panel begins, and nothing is decided by it.
            laid_out[:, ended[columns]] = np.nan
        digest.update(laid_out.tobytes())
    digest.update(_canonical(drifted[columns]).tobytes())
    if needs_grades(rulebook) and grades is not None:
        digest.update(_canonical(grades[columns]).tobytes())
    if rulebook.overlay.regime and regime is not None:
        digest.update(_canonical(np.array([regime])).tobytes())
        digest.update(basket_columns(read, at, rulebook)[1].tobytes())
    if read.course is not None:
        low = window_start(read.days, row, dict(_windows(rulebook))["close"])
        digest.update(read.course.evidence(low, row, columns).encode())
    return digest.hexdigest()


def _windows(rulebook: Rulebook) -> list[tuple[str, int]]:
    stale = 1 + rulebook.screens.max_stale_days
    caps, closes = max(stale, cap_days(rulebook)), stale
    if rulebook.weighting.scheme in ("inverse_volatility", "risk_parity", "min_variance"):
        closes = max(closes, rulebook.weighting.window_days + 1)
    used = [("close", closes), ("market_cap", caps)]
    if rulebook.screens.min_median_volume_30d is not None:
        used.append(("volume", VOLUME_DAYS))
    return used


def _window(read: Readings, values: Array, row: int, columns: Columns, window: int) -> Array:
    low = window_start(read.days, row, window)
    laid_out = np.full((window, len(columns)), np.nan)
    places = window - 1 - (read.days[row] - read.days[low : row + 1])
    laid_out[places] = values[low : row + 1].take(columns, axis=1)
    return _canonical(laid_out)


def _canonical(values: Array) -> Array:
    # One bit pattern for "unknown" and one for zero, big-endian on every machine.
    return np.where(np.isnan(values), np.nan, values + 0.0).astype(">f8")
