"""The case that index engines are compared on: weekly the largest by cap, none above a quarter, 10 bp of each trade.

Plain numpy, so that the peers' own environment can load it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

COUNT, LIMIT, FEE = 100, 0.25, 10e-4
START = np.datetime64("2015-01-01")


@dataclass(frozen=True, eq=False)
class Case:
    """`close` and `cap` are [day x asset], NaN where an asset is not listed; `rows` are the days of rebalance."""

    close: Array
    cap: Array
    rows: Rows
    count: int = COUNT
    limit: float = LIMIT
    fee: float = FEE

    @property
    def dates(self) -> npt.NDArray[np.datetime64]:
        """The days, from 2015-01-01 on."""
        return START + np.arange(len(self.close))

    @property
    def names(self) -> list[str]:
        """Names in the order of the columns."""
        return [f"a{number:04d}" for number in range(self.close.shape[1])]

    @property
    def prices(self) -> Array:
        """Closes without a gap: the last one after an end, the first one before a listing (nobody holds it then)."""
        filled = self.close.copy()
        for day in range(1, len(filled)):
            np.copyto(filled[day], filled[day - 1], where=np.isnan(filled[day]))
        for day in range(len(filled) - 2, -1, -1):
            np.copyto(filled[day], filled[day + 1], where=np.isnan(filled[day]))
        return filled

    def targets(self) -> Array:
        """The weights wanted on each of `rows`, [rebalance x asset]."""
        wanted = np.zeros((len(self.rows), self.close.shape[1]))
        for place, row in enumerate(self.rows.tolist()):
            columns, weights = chosen(self.cap[row], self.count, self.limit)
            wanted[place, columns] = weights
        return wanted

    def save(self, path: Any) -> None:
        """Written to `path`; `load` reads it."""
        numbers = np.array([self.count, self.limit, self.fee])
        np.savez(path, close=self.close, cap=self.cap, rows=self.rows, numbers=numbers)

    @classmethod
    def load(cls, path: Any) -> Case:
        """The case that was saved at `path`."""
        with np.load(path) as stored:
            count, limit, fee = stored["numbers"].tolist()
            return cls(stored["close"], stored["cap"], stored["rows"], int(count), limit, fee)


def case(assets: int, days: int, *, seed: int = 1, **more: Any) -> Case:
    """Random walks; a third is there from the start, the others list in the first half, a tenth ends in the second."""
    random = np.random.default_rng(seed)
    close = np.exp(random.normal(0, 0.04, (days, assets)).cumsum(axis=0))
    supply = np.exp(random.normal(15, 2, assets))
    listed = random.integers(0, days // 2, assets)
    listed[: assets // 3 + 1] = 0
    ended = np.where(random.random(assets) < 0.1, random.integers(days // 2, days, assets), days)
    day = np.arange(days)[:, None]
    close[(day < listed) | (day >= ended)] = np.nan
    # 2015-01-01 was a Thursday: the first day, then every Sunday.
    rows = np.unique(np.concatenate([[0], np.arange(3, days, 7)]))
    return Case(close, close * supply, rows, **more)


def chosen(cap: Array, count: int, limit: float) -> tuple[Rows, Array]:
    """The `count` largest and their weights, none above `limit`, what is above spread over the others."""
    known = np.flatnonzero(~np.isnan(cap))
    if len(known) > count:
        known = known[np.argpartition(-cap[known], count - 1)[:count]]
    raw = cap[known] / cap[known].sum()
    if len(known) * limit <= 1.0:
        return known, np.full(len(known), 1.0 / len(known))
    weights, full = raw, np.zeros(len(known), dtype=bool)
    while weights.max() > limit * (1 + 1e-12):
        full |= weights > limit
        weights = np.full(len(known), limit)
        weights[~full] = raw[~full] * ((1.0 - limit * full.sum()) / raw[~full].sum())
    return known, weights


def floor(case: Case) -> tuple[Array, list[tuple[int, Rows, Array]], list[float]]:
    """The level from 1000 on, what was bought when, and the turnovers: a loop over the rebalances, written for this
    one case and for nothing else."""
    close, cap, fee, count, limit = case.close, case.cap, case.fee, case.count, case.limit
    rows: list[int] = case.rows.tolist()
    level = np.full(len(close), 1000.0)
    bought, turnovers = [], []
    value, before = 1000.0, np.zeros(close.shape[1])
    for row, until in zip(rows, [*rows[1:], len(close) - 1], strict=True):
        columns, weights = chosen(cap[row], count, limit)
        change = -before
        change[columns] += weights
        turnover = float(np.abs(change).sum())
        value *= 1.0 - fee * turnover
        prices = close[row : until + 1].take(columns, axis=1)
        if np.isnan(prices).any():
            last = np.maximum.accumulate(
                np.where(np.isnan(prices), 0, np.arange(len(prices))[:, None]), axis=0
            )
            prices = np.take_along_axis(prices, last, axis=0)
        growth = prices / prices[0]
        totals = growth @ weights
        level[row : until + 1] = value * totals
        value *= float(totals[-1])
        before = np.zeros(close.shape[1])
        before[columns] = growth[-1] * weights / totals[-1]
        bought.append((row, columns, weights))
        turnovers.append(turnover)
    # The close of a rebalance is told after its cost.
    return level, bought, turnovers
