"""Seasonality: what the calendar says about the day ahead, from days already closed."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.features.rolling import Series, ratio
from signals.core.panel import Array

feature = partial(declare, "seasonality")
HALVINGS = np.array(["2012-11-28", "2016-07-09", "2020-05-11", "2024-04-20"], dtype="datetime64[D]")
HISTORY_ROWS = 1460
MONTH_LEAST = 28
TURN_DAYS = 3


@feature("dow_mean_104w", inputs="close", window=6 + 7 * 103 + 2, unit="log return")
def dow_mean(b: Block) -> Array:
    """Mean log return of the last 104 days with the weekday of tomorrow. Source: French (1980); Caporale & Plastun
    (2019)."""
    return Series(b.ret.lag(6)).mean(104, stride=7)


@feature("month_mean_hist", inputs="close calendar", window=HISTORY_ROWS + 1, unit="log return")
def month_mean(b: Block) -> Array:
    """Mean daily log return in the calendar month of tomorrow over the last 1,460 days, at least 28 of them. Source:
    Heston & Sadka (2008)."""
    months = b.market.days.astype("datetime64[M]").astype(int) % 12
    ahead = (b.market.days + 1).astype("datetime64[M]").astype(int) % 12
    out = np.full_like(b.ret.x, np.nan)
    for month in range(12):
        rows, wanted = np.flatnonzero(months == month), np.flatnonzero(ahead == month)
        if not len(rows) or not len(wanted):
            continue
        nothing = np.zeros((1, out.shape[1]))
        total = np.concatenate([nothing, np.cumsum(b.ret.filled(0.0)[rows], axis=0)])
        number = np.concatenate([nothing, np.cumsum(b.ret.known[rows], axis=0)])
        until = np.searchsorted(rows, wanted, side="right")
        since = np.searchsorted(rows, wanted - HISTORY_ROWS, side="right")
        count = number[until] - number[since]
        mean = (total[until] - total[since]) / count
        out[wanted] = np.where(count >= MONTH_LEAST, mean, np.nan)
    return out


@feature("turn_of_month", inputs="calendar", window=1, unit="0 or 1", shared=True)
def turn_of_month(b: Block) -> Array:
    """1 where tomorrow is one of the last or first three days of a month. Source: Ariel (1987)."""
    ahead = b.market.days + 1
    begins = ahead.astype("datetime64[M]").astype("datetime64[D]")
    after = (ahead.astype("datetime64[M]") + 1).astype("datetime64[D]")
    early = (ahead - begins).astype(int) < TURN_DAYS
    late = (after - ahead).astype(int) <= TURN_DAYS
    return (early | late).astype(np.float64)


@feature("weekend_vol_ratio_90", inputs="volume calendar", window=90, unit="ratio")
def weekend_vol_ratio(b: Block) -> Array:
    """Mean volume of Saturdays and Sundays / mean volume of the other days, in 90 days. Source: Wang, Liu & Hsu
    (2020)."""
    free = (b.market.days.astype(int) + 3) % 7 >= 5  # day 0 of the calendar, 1970-01-01, was a Thursday
    off = Series(np.where(free[:, None], b.volume.x, np.nan))
    work = Series(np.where(free[:, None], np.nan, b.volume.x))
    enough = b.volume.enough(90) & (off.count(90) > 0) & (work.count(90) > 0)
    quotient = ratio(off.sum(90) / off.count(90), work.sum(90) / work.count(90))
    return np.where(enough, quotient, np.nan)


@feature("days_since_halving", inputs="calendar", window=1, unit="days", shared=True)
def days_since_halving(b: Block) -> Array:
    """Days since bitcoin's block reward last halved: 2012-11-28, 2016-07-09, 2020-05-11, 2024-04-20. Source: Bitcoin's
    block chain."""
    number = np.searchsorted(HALVINGS, b.market.days, side="right")
    since = (b.market.days - HALVINGS[np.maximum(number - 1, 0)]).astype(np.float64)
    return np.where(number > 0, since, np.nan)
