"""The regime itself: votes times a volatility target, rounded to a step, moved with hysteresis once a week."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.panel import Array, Panel
from signals.core.regime.ledger import ledger
from signals.core.regime.market import members, readings
from signals.core.regime.rules import DWELL_DAYS, STEP, RegimeRules

PASSIVE = 1.0
"""Before enough is known the share is that of the passive index, which has no regime."""


@dataclass(frozen=True, eq=False)
class RegimeHistory:
    """The regime of every date of a panel.

    `risk_share` [date] in {0, .25, .5, .75, 1}, standing at the close of the date; `wanted` [date] the share before
    rounding and hysteresis, NaN where unknown; `readings` [date x reading] what it was made of; `ledger`
    [date x figure] what following it saved, missed and cost up to the date.
    """

    rules: RegimeRules
    risk_share: pd.Series
    wanted: pd.Series = field(repr=False)
    readings: pd.DataFrame = field(repr=False)
    ledger: pd.DataFrame = field(repr=False)


def regime(panel: Panel, rules: RegimeRules | None = None) -> RegimeHistory:
    """The regime of each date, from data at or before that date only: a longer panel changes nothing before its end.

    Filtered, never smoothed. Share wanted = share of votes for risk x min(1, target / volatility): a vote for each mean
    the market is above, and one for breadth. Sources: Faber (2007) for the means, Zaremba et al. (2021) for breadth,
    Moreira & Muir (2017) for volatility. Until two votes and the volatility are known the share is 1, as in the passive
    index; where they go missing later the last share stands. Raises RegimeError for a panel without caps or volume.
    """
    rules = rules or RegimeRules()
    state = readings(panel, members(panel, rules), rules)
    wanted = wish(state, rules)
    share = shares(panel.dates, wanted, rules)
    risk_share = pd.Series(share, index=panel.dates, name="risk_share")
    return RegimeHistory(
        rules=rules,
        risk_share=risk_share,
        wanted=pd.Series(wanted, index=panel.dates, name="wanted"),
        readings=state,
        ledger=ledger(risk_share, state["market_return"], rules),
    )


def wish(state: pd.DataFrame, rules: RegimeRules) -> Array:
    """[date] The share wanted, 0 to 1, before rounding and hysteresis; NaN where too little is known."""
    trends = state[[f"trend_{days}" for days in rules.trend_days]].to_numpy()
    breadth = state["breadth"].to_numpy()
    known = np.column_stack([~np.isnan(trends), ~np.isnan(breadth)])
    votes = np.column_stack([trends > 0, breadth > rules.breadth_share])
    number = known.sum(axis=1)
    volatility = state["volatility"].to_numpy()
    # A market that does not move at all meets any target.
    scale = np.minimum(1.0, rules.volatility_target / np.maximum(volatility, 1e-9))
    enough = (number >= rules.votes_least) & ~np.isnan(volatility)
    return np.where(enough, votes.sum(axis=1) / np.maximum(number, 1) * scale, np.nan)


def shares(dates: pd.DatetimeIndex, wanted: Array, rules: RegimeRules) -> Array:
    """[date] The standing share: decided on the first date of each week that begins on `rules.weekday`.

    It moves to the step nearest to the share wanted where that is at least `rules.move_at` away, and not within
    DWELL_DAYS of the last move.
    """
    days = dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    deciding = first_of_week(days, rules.weekday)
    result = np.full(len(days), PASSIVE)
    share, moved = PASSIVE, None
    for row in range(len(days)):
        want = wanted[row]
        if deciding[row] and not np.isnan(want) and (moved is None or days[row] - moved >= DWELL_DAYS):
            near = np.floor(want / STEP + 0.5) * STEP
            if near != share and abs(want - share) >= rules.move_at:
                share, moved = float(near), days[row]
        result[row] = share
    return result


def first_of_week(days: npt.NDArray[np.int64], weekday: int) -> npt.NDArray[np.bool_]:
    """Which of `days` (days since 1970-01-01, rising) is the first of a week that begins on `weekday` (Monday 0)."""
    # 1970-01-01, day 0, was a Thursday (3). A week whose first day has no row is decided on its next one.
    week = (days + 3 - weekday) // 7
    first = np.ones(len(days), dtype=bool)
    first[1:] = week[1:] != week[:-1]
    if len(days):
        first[0] = (days[0] + 3 - weekday) % 7 == 0
    return first
