"""The price tag of a regime: what following it saved, missed and cost, kept running."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.core.panel import Array
from signals.core.regime.rules import RegimeRules


def exposure(risk_share: pd.Series, rules: RegimeRules) -> pd.Series:
    """[date] The share that earns the return of the date: decided at a close, traded `lag_days` closes later, earning
    from the next one. The first share stands before it could be traded."""
    earlier = risk_share.shift(rules.lag_days + 1)
    return earlier.fillna(risk_share.iloc[0]) if len(risk_share) else earlier


def overlaid(risk_share: pd.Series, market: pd.Series, rules: RegimeRules) -> tuple[pd.Series, pd.Series]:
    """([date] return net of cost, [date] cost) of holding the share in the market and the rest in a stablecoin at zero
    interest. The share is kept between moves without a charge; a move costs `rules.cost` of what it trades. A missing
    return counts as zero."""
    held = exposure(risk_share, rules)
    # What earns on a date was traded at the close before; its cost is booked on the date it first earns.
    cost = rules.cost * held.diff().abs().fillna(0.0)
    return held * market.fillna(0.0) - cost, cost


def ledger(risk_share: pd.Series, market: pd.Series, rules: RegimeRules) -> pd.DataFrame:
    """[date x figure] Running totals from the first date through each date, from data at or before it.

    `passive` and `followed`: value of 1 held in the market, and moved with the regime (net of cost). `passive_drawdown`
    and `followed_drawdown`: worst fall from a peak so far (fraction, negative). `drawdown_avoided`: their difference.
    `loss_avoided` and `upside_missed`: share of the sum of all falls, and of all rises, that met the part in cash (0 to
    1). `cash`: mean share of the time in cash. `switches`: moves so far. `cost`: sum of cost (fraction of the value).
    """
    held = exposure(risk_share, rules)
    moved = market.fillna(0.0)
    net, cost = overlaid(risk_share, market, rules)
    passive, followed = (1 + moved).to_numpy().cumprod(), (1 + net).to_numpy().cumprod()
    fall, rise = moved.clip(upper=0.0), moved.clip(lower=0.0)
    figures: dict[str, Array] = {
        "passive": passive,
        "followed": followed,
        "passive_drawdown": worst_fall(passive),
        "followed_drawdown": worst_fall(followed),
    }
    figures["drawdown_avoided"] = figures["followed_drawdown"] - figures["passive_drawdown"]
    figures["loss_avoided"] = _part(((1 - held) * fall).to_numpy(), fall.to_numpy())
    figures["upside_missed"] = _part(((1 - held) * rise).to_numpy(), rise.to_numpy())
    figures["cash"] = _part((1 - held).to_numpy(), np.ones(len(held)))
    figures["switches"] = (risk_share.diff().abs() > 0).to_numpy(dtype=np.float64).cumsum()
    figures["cost"] = cost.to_numpy().cumsum()
    return pd.DataFrame(figures, index=risk_share.index)


def worst_fall(value: Array) -> Array:
    """[date] Worst value / highest before - 1 so far, the start of 1 counting as a peak."""
    peak = np.maximum(np.maximum.accumulate(value), 1.0)
    return np.minimum.accumulate(value / peak - 1)


def _part(some: Array, whole: Array) -> Array:
    top, bottom = some.cumsum(), whole.cumsum()
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)
