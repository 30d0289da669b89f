"""Variants of a level: before costs, with staking yield, after the management fee. The published level is after costs.

The price level begins at the base, the others at the level's own first value, which has paid for the first purchase.
Rates are yearly fractions of 365 days, charged or earned on each calendar day.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from indices.core.backtest import Backtest
from indices.core.eligibility import day_numbers
from indices.core.events import Event, course
from indices.core.levels import Rebalance, drift
from indices.core.rulebook import Rulebook
from signals.core.panel import Panel

Array = npt.NDArray[np.float64]

YEAR_DAYS = 365
PRICE, NET_OF_COST, TOTAL_RETURN, NET_OF_FEE = "price", "net_of_cost", "total_return", "net_of_fee"


class VariantError(ValueError):
    """A variant cannot be computed; the message names the argument."""


def variants(
    result: Backtest,
    panel: Panel,
    *,
    staking: Mapping[str, float] | pd.DataFrame | None = None,
    management_bps: float | None = None,
    events: Sequence[Event] = (),
) -> pd.DataFrame:
    """The variants of `result`, [date x variant]: price, net_of_cost (its level), total_return and net_of_fee.

    `panel` and `events` are those of the backtest. `staking` is a yearly yield by asset (fraction), or a frame
    [date x asset] of which the latest row at or before the day before is earned; `management_bps` is that of the
    rulebook by default. Raises VariantError.
    """
    bps = result.rulebook.fees.management_bps if management_bps is None else management_bps
    held = held_weights(
        panel, result.rebalances, result.rulebook, dates=pd.DatetimeIndex(result.level.index), events=events
    )
    return pd.DataFrame(
        {
            PRICE: price_level(result.level, result.costs),
            NET_OF_COST: result.level,
            TOTAL_RETURN: total_return(result.level, held, {} if staking is None else staking),
            NET_OF_FEE: net_of_fee(result.level, bps),
        }
    )


def price_level(level: pd.Series, costs: pd.Series) -> pd.Series:
    """`level` without the `costs` (fractions by the day on which they were paid): each is given back from its day on.

    Raises VariantError for a cost that took everything, because nothing can be given back on nothing.
    """
    lost = costs.index[(costs >= 1).to_numpy()]
    if len(lost):
        raise VariantError(f"costs: took the whole index on {lost[0].date()}")
    kept = (1.0 - costs).reindex(level.index, fill_value=1.0).cumprod()
    return (level / kept).rename(PRICE)


def net_of_fee(level: pd.Series, management_bps: float) -> pd.Series:
    """`level` less a fee of `management_bps` a year: each calendar day takes 1/365 of it from what is there.

    Raises VariantError for a fee that is negative or takes all in a day.
    """
    daily = management_bps / 10_000 / YEAR_DAYS
    if not 0 <= daily < 1:
        raise VariantError(f"management_bps: must be in [0, {10_000 * YEAR_DAYS}), got {management_bps!r}")
    elapsed = _elapsed(level)
    return pd.Series(
        level.to_numpy() * (1.0 - daily) ** np.cumsum(elapsed), index=level.index, name=NET_OF_FEE
    )


def total_return(
    level: pd.Series, held: pd.DataFrame, staking: Mapping[str, float] | pd.DataFrame
) -> pd.Series:
    """`level` with the yield of what is held, put back into the index each day.

    A day earns sum of weight x yield / 365 for each calendar day since the row before, by the weights held at the close
    of that row. `held` is [date x asset] over the days of `level`; assets without a yield earn none. Raises
    VariantError for other days, and for yields that are not numbers above -1.
    """
    if not held.index.equals(level.index):
        raise VariantError("held: must have the days of level; take it from held_weights")
    yields = _yields(held, staking)
    earned = np.zeros(len(level))
    earned[1:] = (held.to_numpy()[:-1] * yields[:-1]).sum(axis=1) * _elapsed(level)[1:] / YEAR_DAYS
    return pd.Series(level.to_numpy() * np.cumprod(1.0 + earned), index=level.index, name=TOTAL_RETURN)


def held_weights(
    panel: Panel,
    rebalances: Sequence[Rebalance],
    rulebook: Rulebook,
    *,
    dates: pd.DatetimeIndex,
    events: Sequence[Event] = (),
) -> pd.DataFrame:
    """What was held at the close of each of `dates` after any trade there, weights [date x asset], by asset id.

    `rebalances` are those of a walk over `panel`. Zero before the first purchase, and where everything was lost.
    """
    laid = course(panel, events, rulebook)
    known = panel if laid is None else laid.panel
    days = day_numbers(known)
    ever = sorted(
        {column for step in rebalances for column in step.columns.tolist()}, key=known.assets.__getitem__
    )
    place = {column: number for number, column in enumerate(ever)}
    first = int(known.dates.searchsorted(dates[0]))
    table = np.zeros((len(dates), len(ever)))
    for number, step in enumerate(rebalances):
        after = rebalances[number + 1].row if number + 1 < len(rebalances) else first + len(dates)
        path = drift(
            known,
            days,
            columns=step.columns,
            weights=step.weights,
            first=step.row,
            last=after - 1,
            rulebook=rulebook,
            course=laid,
        )
        totals = path.totals[:, None]
        shares = np.divide(path.values, totals, out=np.zeros_like(path.values), where=totals > 0)
        table[step.row - first : after - first, [place[column] for column in step.columns.tolist()]] = shares
    return pd.DataFrame(table, index=dates, columns=[known.assets[column] for column in ever])


def _elapsed(level: pd.Series) -> Array:
    """Calendar days since the row before, [row]; 0 on the first."""
    stamps = pd.DatetimeIndex(level.index).to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.diff(stamps, prepend=stamps[:1]).astype(np.float64)


def _yields(held: pd.DataFrame, staking: Mapping[str, float] | pd.DataFrame) -> Array:
    if isinstance(staking, pd.DataFrame):
        known = staking.sort_index().reindex(columns=held.columns)
        found = known.reindex(held.index, method="ffill").to_numpy(dtype=np.float64)
        table = np.nan_to_num(found, nan=0.0, posinf=np.inf, neginf=-np.inf)
    else:
        row = np.array([float(staking.get(str(asset), 0.0)) for asset in held.columns])
        table = np.broadcast_to(row, held.shape)
    wrong = ~(np.isfinite(table) & (table > -1))
    if wrong.any():
        column = int(np.argmax(wrong.any(axis=0)))
        raise VariantError(
            f"staking: the yield of {held.columns[column]} must be a fraction above -1, got {table[wrong][0]:g}"
        )
    return np.asarray(table)
