"""The price tag of a regime: what following it saved, missed and cost, kept running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from signals.core.panel import Array
from signals.core.regime.rules import RegimeRules


def exposure(risk_share: pd.Series, rules: RegimeRules, *, earlier: Sequence[float] = ()) -> pd.Series:
    """[date] The share that earns the return of the date: decided at a close, traded `lag_days` closes later, earning
    from the next one. The first share stands before it could be traded. `earlier` are the shares of the rows before the
    first one."""
    every = np.concatenate([np.asarray(earlier, dtype=np.float64), risk_share.to_numpy(dtype=np.float64)])
    if len(every):
        behind = rules.lag_days + 1
        every = np.concatenate([np.full(behind, every[0]), every])[: len(every)]
    return pd.Series(every[len(earlier) :], index=risk_share.index, name=risk_share.name)


def overlaid(
    risk_share: pd.Series, market: pd.Series, rules: RegimeRules, *, earlier: Sequence[float] = ()
) -> tuple[pd.Series, pd.Series]:
    """([date] return net of cost, [date] cost) of holding the share in the market and the rest in a stablecoin at zero
    interest. The share is kept between moves without a charge; a move costs `rules.cost` of what it trades. A missing
    return counts as zero."""
    held = exposure(risk_share, rules, earlier=earlier)
    before = held.shift(1)
    if earlier and len(held):
        last = pd.Series(earlier, dtype=np.float64)
        before.iloc[0] = exposure(last, rules).iloc[-1]
    # What earns on a date was traded at the close before; its cost is booked on the date it first earns.
    cost = rules.cost * (held - before).abs().fillna(0.0)
    return held * market.fillna(0.0) - cost, cost


def ledger(
    risk_share: pd.Series,
    market: pd.Series,
    rules: RegimeRules,
    *,
    earlier: Sequence[float] = (),
    before: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """[date x figure] Running totals from the first date through each date, from data at or before it.

    `passive` and `followed`: value of 1 held in the market, and moved with the regime (net of cost); their `_peak` so
    far and their `_drawdown`, the worst fall from a peak so far (fraction, negative). `drawdown_avoided`: how much
    smaller. `falls` and `rises`: sums of all daily falls and rises of the market, `falls_avoided` and `rises_missed`
    what of them met the part in cash; `loss_avoided` and `upside_missed` the same as shares (0 to 1). `days` so far,
    `days_in_cash` (share in cash, summed) and `cash`, its mean. `switches`: moves so far. `cost`: sum of cost (fraction
    of the value).

    `before`, the last row so far, and `earlier`, the shares of the last `lag_days` + 2 dates up to it, continue a
    ledger: the sums are made in the order of the days, so the bits are those of one made at once.
    """
    start = before or {}
    held = exposure(risk_share, rules, earlier=earlier)
    moved = market.fillna(0.0)
    net, cost = overlaid(risk_share, market, rules, earlier=earlier)
    fall, rise = moved.clip(upper=0.0).to_numpy(), moved.clip(lower=0.0).to_numpy()
    out = (1 - held).to_numpy()
    shares = np.concatenate([[earlier[-1] if earlier else np.nan], risk_share.to_numpy(dtype=np.float64)])
    switched = (np.abs(np.diff(shares)) > 0).astype(np.float64)
    figures: dict[str, Array] = {}
    for name, returns in (("passive", moved), ("followed", net)):
        value = _run(np.multiply, 1 + returns.to_numpy(), start.get(name, 1.0))
        peak = _run(np.maximum, value, start.get(f"{name}_peak", 1.0))
        figures[name], figures[f"{name}_peak"] = value, peak
        figures[f"{name}_drawdown"] = _run(np.minimum, value / peak - 1, start.get(f"{name}_drawdown", 0.0))
    figures["drawdown_avoided"] = figures["followed_drawdown"] - figures["passive_drawdown"]
    sums = {
        "falls": fall,
        "falls_avoided": out * fall,
        "rises": rise,
        "rises_missed": out * rise,
        "days": np.ones(len(out)),
        "days_in_cash": out,
        "switches": switched,
        "cost": cost.to_numpy(),
    }
    figures |= {name: _run(np.add, each, start.get(name, 0.0)) for name, each in sums.items()}
    figures["loss_avoided"] = _part(figures["falls_avoided"], figures["falls"])
    figures["upside_missed"] = _part(figures["rises_missed"], figures["rises"])
    figures["cash"] = _part(figures["days_in_cash"], figures["days"])
    return pd.DataFrame(figures, index=risk_share.index)


def worst_fall(value: Array) -> Array:
    """[date] Worst value / highest before - 1 so far, the start of 1 counting as a peak."""
    return _run(np.minimum, value / _run(np.maximum, value, 1.0) - 1, 0.0)


def _run(operation: np.ufunc, values: Array, start: float) -> Array:
    running: Array = operation.accumulate(np.concatenate([[start], values]))
    return running[1:]


def _part(some: Array, whole: Array) -> Array:
    return np.divide(some, whole, out=np.zeros_like(some), where=whole != 0)
