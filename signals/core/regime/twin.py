"""The passive twin: the same universe held week by week, after cost. What a regime is measured against."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.core.panel import Panel
from signals.core.regime.deciding import first_of_week
from signals.core.regime.market import Members, moves
from signals.core.regime.rules import RegimeRules


def twin_return(panel: Panel, held: Members, rules: RegimeRules) -> pd.Series:
    """[date] Return net of cost of the universe `held`, rebalanced weekly: members and weights of the deciding day,
    traded `rules.lag_days` closes later at `rules.cost` of everything traded, drifting in between.

    NaN before the first purchase, whose cost falls on the day of it. A member whose price ends is sold at its last one
    with the next trade.
    """
    move = moves(panel)
    deciding = first_of_week(panel.dates.to_numpy().astype("datetime64[D]").astype(np.int64), rules.weekday)
    weights = np.zeros(len(panel.assets))
    result = np.full(len(panel.dates), np.nan)
    begun = False
    for row in range(len(panel.dates)):
        gain = float(weights @ move[row])
        weights = weights * (1 + move[row]) / (1 + gain)
        decided = row - rules.lag_days
        cost = 0.0
        if decided >= 0 and deciding[decided] and held.weights[decided].sum() > 0:
            target = np.zeros(len(panel.assets))
            # Added, not set: an empty place may name the column of a member.
            np.add.at(target, held.columns[decided], held.weights[decided])
            cost = rules.cost * float(np.abs(target - weights).sum())
            weights, begun = target, True
        if begun:
            result[row] = (1 + gain) * (1 - cost) - 1
    return pd.Series(result, index=panel.dates, name="twin")
