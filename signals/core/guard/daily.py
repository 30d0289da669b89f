"""The guard over daily closes of many assets at once: the same verdicts as `GuardState.step`, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.guard.rules import DAILY, GuardRules
from signals.core.guard.state import Status

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DailyMarks:
    """Verdicts on daily closes. Frames are [date x asset]: `mark` accepted prices in USD, NaN where none; `candidate`
    what the sources agree on; `status` the numbers of `Status`; `fresh` how many sources had a valid price. `kept`
    [date x asset x source] says who counted; `sources` names its last axis."""

    mark: pd.DataFrame
    candidate: pd.DataFrame
    status: pd.DataFrame
    fresh: pd.DataFrame
    kept: Flags
    sources: tuple[str, ...]


def guard_daily(
    closes: Mapping[str, pd.DataFrame],
    *,
    rules: GuardRules = DAILY,
    large: pd.DataFrame | None = None,
    confirmed: pd.DataFrame | None = None,
) -> DailyMarks:
    """Marks of daily closes from several independent sources, as if each asset were stepped day by day from no memory.

    `closes`: source -> [date x asset] USD, NaN where it has no close of that very day; all frames have the same days
    and assets. `large` [date x asset] marks the 20 largest assets (default: none), `confirmed` where a person stands
    for the day's candidate. Raises ValueError for frames that do not match, days out of order, no sources, or rules
    that count rounds instead of sources (daily closes are one round a day).
    """
    if rules.confirmation_gap is not None or rules.max_age is not None:
        raise ValueError(
            "rules: daily closes are judged by day; give rules with max_age and confirmation_gap None."
        )
    if not closes:
        raise ValueError("closes: is empty; give at least one source.")
    # In order of name, as the single step takes them.
    sources = tuple(sorted(closes))
    first = closes[sources[0]]
    if not first.index.is_monotonic_increasing or not first.index.is_unique or not first.columns.is_unique:
        raise ValueError(
            f"closes[{sources[0]}]: days must rise and days and assets appear once; sort the frame."
        )
    for name, frame in [*closes.items(), ("large", large), ("confirmed", confirmed)]:
        same = frame is None or (frame.index.equals(first.index) and frame.columns.equals(first.columns))
        if not same:
            raise ValueError(f"{name}: its days and assets are not those of {sources[0]}; reindex it.")
    cube = np.stack([closes[source].to_numpy(np.float64) for source in sources], axis=2)
    guard = _Guard(rules, assets=cube.shape[1], sources=cube.shape[2])
    shape = cube.shape[:2]
    mark, candidate = np.full(shape, np.nan), np.full(shape, np.nan)
    status, fresh = np.zeros(shape, np.int8), np.zeros(shape, np.int64)
    kept = np.zeros(cube.shape, np.bool_)
    big, by_hand = (_flags(frame, shape) for frame in (large, confirmed))
    with np.errstate(over="ignore", invalid="ignore"):
        for day in range(shape[0]):
            candidate[day], kept[day], fresh[day] = guard.agree(cube[day], big[day])
            mark[day], status[day] = guard.judge(candidate[day], kept[day], by_hand[day])

    def frame_of(values: npt.NDArray[np.generic]) -> pd.DataFrame:
        return pd.DataFrame(values, index=first.index, columns=first.columns)

    return DailyMarks(frame_of(mark), frame_of(candidate), frame_of(status), frame_of(fresh), kept, sources)


class _Guard:
    """GuardState of every asset, as arrays [asset] and [asset x source]."""

    def __init__(self, rules: GuardRules, *, assets: int, sources: int) -> None:
        self.rules = rules
        self.price = np.full(assets, np.nan)
        self.suspended = np.zeros((assets, sources), np.bool_)
        self.pending = np.full(assets, np.nan)
        self.frozen = np.zeros(assets, np.bool_)
        self.seen = np.zeros(assets, np.int64)
        self.witnesses = np.zeros((assets, sources), np.bool_)

    def agree(self, prices: Floats, large: Flags) -> tuple[Floats, Flags, npt.NDArray[np.int64]]:
        """The day's candidates [asset], who counted [asset x source], and how many were fresh [asset]."""
        rules = self.rules
        valid = np.isfinite(prices) & (prices > 0)
        fresh = valid.sum(axis=1)
        reference = _medians(prices, valid)
        distance = np.abs(prices - reference[:, None])
        spread = np.where(valid, prices, -np.inf).max(axis=1) - np.where(valid, prices, np.inf).min(axis=1)
        distance = np.where((fresh == 2)[:, None], spread[:, None], distance)
        limit = np.where(large, rules.deviation_large, rules.deviation_rest)[:, None]
        strict = limit * np.where(self.suspended, rules.readmission, 1.0)
        strayed = valid & (distance > strict * reference[:, None])
        comparable = valid & (fresh >= rules.min_sources)[:, None]
        self.suspended = np.where(comparable, strayed, self.suspended)
        kept = valid & ~strayed
        enough = kept.sum(axis=1) >= rules.min_sources
        return np.where(enough, _medians(prices, kept), np.nan), kept, fresh

    def judge(self, candidate: Floats, kept: Flags, by_hand: Flags) -> tuple[Floats, npt.NDArray[np.int8]]:
        """The day's accepted marks and statuses, both [asset]."""
        rules = self.rules
        agreed = ~np.isnan(candidate)
        frozen = self.frozen | (self.price - candidate > rules.crash * self.price)
        first = agreed & np.isnan(self.price)
        calm = agreed & ~first & ~frozen & (np.abs(candidate - self.price) <= rules.move * self.price)
        asks = agreed & ~first & ~calm
        anew = np.isnan(self.pending) | (frozen != self.frozen)
        anew |= np.abs(candidate - self.pending) > rules.move * self.pending
        anew &= asks
        self.seen[anew] = 0
        self.witnesses[anew] = False
        self.seen[asks] += kept[asks].sum(axis=1)
        self.witnesses[asks] |= kept[asks]
        self.pending = np.where(asks, candidate, self.pending)
        self.frozen = np.where(agreed, frozen & ~first, self.frozen)
        confirmed = np.where(
            self.frozen,
            self.witnesses.sum(axis=1) >= rules.crash_sources,
            self.seen >= 1 + rules.further,
        )
        accepted = first | calm | (asks & (confirmed | by_hand))
        status = np.where(agreed, Status.PENDING, Status.WITHHELD)
        status = np.where(self.frozen, Status.FROZEN, status)
        status = np.where(accepted, Status.ACCEPTED, status)
        self.price = np.where(accepted, candidate, self.price)
        self.pending[accepted] = np.nan
        self.frozen[accepted] = False
        return np.where(accepted, candidate, np.nan), status.astype(np.int8)


def _medians(values: Floats, mask: Flags) -> Floats:
    """The median of each row of `values` where `mask`, NaN for a row with none."""
    ordered = np.sort(np.where(mask, values, np.inf), axis=1)
    count = mask.sum(axis=1)
    rows = np.arange(len(ordered))
    middle = ordered[rows, np.maximum(count - 1, 0) // 2] * 0.5
    middle += ordered[rows, np.minimum(count // 2, ordered.shape[1] - 1)] * 0.5
    return np.where(count > 0, middle, np.nan)


def _flags(frame: pd.DataFrame | None, shape: tuple[int, ...]) -> Flags:
    return np.zeros(shape, np.bool_) if frame is None else frame.to_numpy(np.bool_)
