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
    if b.last and len(b.ret.x) > 6:
        return Series(b.ret.x[: len(b.ret.x) - 6][::-7][::-1]).mean(104)
    return Series(b.ret.lag(6)).mean(104, stride=7)


@feature("month_mean_hist", inputs="close calendar", window=HISTORY_ROWS + 1, unit="log return")
def month_mean(b: Block) -> Array:
    """Mean daily log return in the calendar month of tomorrow over the last 1,460 days, at least 28 of them. Source:
    Heston & Sadka (2008)."""
    month = b.days.astype("datetime64[M]").astype(int)
    ahead = (b.days + 1).astype("datetime64[M]").astype(int)
    wide = b.ret.x.shape[1]
    # The sums of the returns and, beside them, their number. They are made from parts: from the month's first day on,
    # the same month of one, two and three years ago, and what lies in the window of that of four years ago.
    since = np.concatenate([b.ret.filled(0.0), b.ret.known], axis=1)
    until = since.copy()
    starts = b.days.astype("datetime64[M]")
    passed, left = (b.days - starts).astype(int), (starts + 1 - b.days).astype(int) - 1
    for step in (1, 2, 4, 8, 16):
        since[step:] += since[:-step] * (passed[step:] >= step)[:, None]
        until[:-step] += until[step:] * (left[:-step] >= step)[:, None]
    known = np.zeros((ahead[-1] - month[0] + 37, 2 * wide))
    ends = np.flatnonzero(ahead != month)
    known[month[ends] - month[0] + 36] = since[ends]
    years = known[24:-12] + known[12:-24] + known[:-36]
    since[ends] = 0.0
    since += years[ahead - month[0]]
    # The window of a young series holds all of its first month, four years on as well.
    since[np.flatnonzero(ahead[: HISTORY_ROWS - 1] - 48 == month[0])] += until[0]
    if len(month) >= HISTORY_ROWS:
        oldest = until[: len(month) - HISTORY_ROWS + 1]
        oldest[month[: len(oldest)] != ahead[HISTORY_ROWS - 1 :] - 48] = 0.0
        since[HISTORY_ROWS - 1 :] += oldest
    total, number = since[:, :wide], since[:, wide:]
    return total / np.where(number >= MONTH_LEAST, number, np.nan)


@feature("turn_of_month", inputs="calendar", window=1, unit="0 or 1", shared=True)
def turn_of_month(b: Block) -> Array:
    """1 where tomorrow is one of the last or first three days of a month. Source: Ariel (1987);
    Lakonishok & Smidt (1988)."""
    ahead = b.days + 1
    begins = ahead.astype("datetime64[M]").astype("datetime64[D]")
    after = (ahead.astype("datetime64[M]") + 1).astype("datetime64[D]")
    early = (ahead - begins).astype(int) < TURN_DAYS
    late = (after - ahead).astype(int) <= TURN_DAYS
    return (early | late).astype(np.float64)


@feature("weekend_vol_ratio_90", inputs="volume calendar", window=90, unit="ratio")
def weekend_vol_ratio(b: Block) -> Array:
    """Mean volume of Saturdays and Sundays / mean volume of the other days, in 90 days. Source: Bellwether."""
    free = (b.days.astype(int) + 3) % 7 >= 5  # day 0 of the calendar, 1970-01-01, was a Thursday
    off = Series(b.volume.x + np.where(free, 0.0, np.nan)[:, None])
    work = Series(b.volume.x + np.where(free, np.nan, 0.0)[:, None])
    # No day of a kind makes 0 / 0, which is missing.
    quotient = ratio(off.sum(90) / off.count(90), work.sum(90) / work.count(90))
    return quotient + b.volume.there.gap(90)


@feature("days_since_halving", inputs="calendar", window=1, unit="days", shared=True)
def days_since_halving(b: Block) -> Array:
    """Days since bitcoin's block reward last halved: 2012-11-28, 2016-07-09, 2020-05-11, 2024-04-20. Source: Bitcoin's
    block chain."""
    number = np.searchsorted(HALVINGS, b.days, side="right")
    since = (b.days - HALVINGS[np.maximum(number - 1, 0)]).astype(np.float64)
    return np.where(number > 0, since, np.nan)
