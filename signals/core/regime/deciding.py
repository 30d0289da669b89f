"""The regime itself: votes times a volatility target, rounded to a step, moved with hysteresis once a week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.panel import Array, Panel
from signals.core.regime.ledger import ledger
from signals.core.regime.market import RegimeError, leaders, members, readings
from signals.core.regime.rules import DWELL_DAYS, STEP, RegimeRules

PASSIVE = 1.0
"""Before enough is known the share is that of the passive index, which has no regime."""


@dataclass(frozen=True)
class Standing:
    """Where the regime stood at the close of `day`, and all that the days after need of the days before.

    `shares` are those of the last `lag_days` + 2 dates, oldest first (fewer where the history is younger); `moved` the
    day of the last move; `ledger` the figures of the day.
    """

    day: date
    shares: tuple[float, ...]
    moved: date | None
    ledger: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class RegimeHistory:
    """The regime of every date of a panel, or of those after a standing.

    `risk_share` [date] in {0, .25, .5, .75, 1}, standing at the close of the date; `wanted` [date] the share before
    rounding and hysteresis, NaN where unknown; `moved_on` [date] the day of the last move, NaT before the first;
    `readings` [date x reading] what it was made of, `leader` [date] the largest token; `ledger` [date x figure] what
    following it saved, missed and cost up to the date.
    """

    rules: RegimeRules
    risk_share: pd.Series
    wanted: pd.Series = field(repr=False)
    moved_on: pd.Series = field(repr=False)
    readings: pd.DataFrame = field(repr=False)
    leader: pd.Series = field(repr=False)
    ledger: pd.DataFrame = field(repr=False)


def regime(
    panel: Panel, rules: RegimeRules | None = None, *, standing: Standing | None = None
) -> RegimeHistory:
    """The regime of each date, from data at or before that date only: a longer panel changes nothing before its end.

    Filtered, never smoothed. Share wanted = share of votes for risk x min(1, target / volatility): a vote for each mean
    that the market is above, for each mean that its largest token is above, and one for breadth. Sources: Faber (2007)
    for the means, Zaremba et al. (2021) for breadth, Moreira & Muir (2017) for volatility. Until two votes and the
    volatility are known the share is 1, as in the passive index; where they go missing later the last share stands.

    With `standing` only the dates after it are decided. They equal those of the whole history to the bit where the
    panel holds `rules.memory_rows` rows up to and with the first of them, or begins with the history. Raises
    RegimeError for a panel without caps or volume, or that does not hold the day of the standing.
    """
    rules = rules or RegimeRules()
    held = members(panel, rules)
    state, leader = readings(panel, held, rules), leaders(panel, held)
    if standing is not None:
        at = int(panel.dates.searchsorted(pd.Timestamp(standing.day)))
        if at == len(panel.dates) or panel.dates[at].date() != standing.day:
            raise RegimeError(
                f"standing: its day, {standing.day}, is not in the panel; give one that holds it."
            )
        state, leader = state.iloc[at + 1 :], leader.iloc[at + 1 :]
    dates = pd.DatetimeIndex(state.index)
    wanted = wish(state, rules)
    share, moved = shares(dates, wanted, rules, standing=standing)
    risk_share = pd.Series(share, index=dates, name="risk_share")
    return RegimeHistory(
        rules=rules,
        risk_share=risk_share,
        wanted=pd.Series(wanted, index=dates, name="wanted"),
        moved_on=pd.Series(moved, index=dates, name="moved_on"),
        readings=state,
        leader=leader,
        ledger=ledger(
            risk_share,
            state["market_return"],
            rules,
            earlier=standing.shares if standing else (),
            before=standing.ledger if standing else None,
        ),
    )


def wish(state: pd.DataFrame, rules: RegimeRules) -> Array:
    """[date] The share wanted, 0 to 1, before rounding and hysteresis; NaN where too little is known."""
    means = [f"{line}_{days}" for line in ("trend", "leader") for days in rules.trend_days]
    trends = state[means].to_numpy()
    breadth = state["breadth"].to_numpy()
    known = np.column_stack([~np.isnan(trends), ~np.isnan(breadth)])
    votes = np.column_stack([trends > 0, breadth > rules.breadth_share])
    number = known.sum(axis=1)
    volatility = state["volatility"].to_numpy()
    # A market that does not move at all meets any target.
    scale = np.minimum(1.0, rules.volatility_target / np.maximum(volatility, 1e-9))
    enough = (number >= rules.votes_least) & ~np.isnan(volatility)
    return np.where(enough, votes.sum(axis=1) / np.maximum(number, 1) * scale, np.nan)


def shares(
    dates: pd.DatetimeIndex, wanted: Array, rules: RegimeRules, *, standing: Standing | None = None
) -> tuple[Array, npt.NDArray[np.datetime64]]:
    """([date] the standing share, [date] day of its last move): decided on the first date of each week that begins on
    `rules.weekday`.

    It moves to the step nearest to the share wanted where that is at least `rules.move_at` away, and not within
    DWELL_DAYS of the last move.
    """
    days = dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    deciding = first_of_week(days, rules.weekday, after=None if standing is None else _number(standing.day))
    share, moved = PASSIVE, None
    if standing is not None:
        share, moved = standing.shares[-1], standing.moved and _number(standing.moved)
    result = np.full(len(days), PASSIVE)
    moves = np.full(len(days), np.datetime64("NaT", "D"))
    for row in range(len(days)):
        want = wanted[row]
        if deciding[row] and not np.isnan(want) and (moved is None or days[row] - moved >= DWELL_DAYS):
            near = np.floor(want / STEP + 0.5) * STEP
            if near != share and abs(want - share) >= rules.move_at:
                share, moved = float(near), int(days[row])
        result[row] = share
        if moved is not None:
            moves[row] = np.datetime64(moved, "D")
    return result, moves.astype("datetime64[s]")


def first_of_week(
    days: npt.NDArray[np.int64], weekday: int, *, after: int | None = None
) -> npt.NDArray[np.bool_]:
    """Which of `days` (days since 1970-01-01, rising) is the first of a week that begins on `weekday` (Monday 0).

    `after` is the date before the first of them.
    """
    # 1970-01-01, day 0, was a Thursday (3). A week whose first day has no row is decided on its next one.
    week = (days + 3 - weekday) // 7
    first = np.ones(len(days), dtype=bool)
    first[1:] = week[1:] != week[:-1]
    if len(days):
        begins = (days[0] + 3 - weekday) % 7 == 0
        first[0] = begins if after is None else week[0] != (after + 3 - weekday) // 7
    return first


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()
