"""Volatility and liquidity, slowly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.signals.features.slow import (
    NAN,
    YEAR,
    Token,
    at,
    decayed,
    enough,
    extreme,
    fall,
    known,
    mean,
    rows_of,
    sd,
    wilder,
    window,
)


def risk_features(token: Token, t: int) -> dict[str, Any]:
    w, j, c, r = token.w, token.j, token.c, token.w.r[:, token.j]
    o, h, low, v, m = w.o[:, j], w.h[:, j], w.l[:, j], w.v[:, j], w.m[:, j]
    now = at(c, t)
    f: dict[str, Any] = {}

    # volatility
    for k in (7, 30, 90, 180):
        f[f"vol_{k}d"] = lambda k=k: sd(window(r, t, k)) * YEAR
    f["ewma_vol_94"] = lambda: math.sqrt(decayed(r * r, t, 0.94, 30)) * YEAR
    f["parkinson_30"] = lambda: math.sqrt(mean(window(np.log(h / low) ** 2, t, 30)) / 4 / math.log(2)) * YEAR
    klass = 0.5 * np.log(h / low) ** 2 - (2 * math.log(2) - 1) * np.log(c / o) ** 2
    f["garman_klass_30"] = lambda: math.sqrt(mean(window(klass, t, 30))) * YEAR

    def yang_zhang() -> float:
        night = np.log(o / np.r_[NAN, c[:-1]])
        path = np.log(h / c) * np.log(h / o) + np.log(low / c) * np.log(low / o)
        share = 0.34 / (1.34 + 31 / 29)
        parts = (
            sd(window(night, t, 30)) ** 2,
            sd(window(np.log(c / o), t, 30)) ** 2,
            mean(window(path, t, 30)),
        )
        return math.sqrt(parts[0] + share * parts[1] + (1 - share) * parts[2]) * YEAR

    f["yang_zhang_30"] = yang_zhang
    f["atr_14_pct"] = lambda: wilder(token.tr, t) / now
    f["downside_dev_90"] = lambda: math.sqrt(mean(window(np.minimum(r, 0) ** 2, t, 90))) * YEAR
    f["updown_ratio_90"] = lambda: math.sqrt(
        mean(window(np.maximum(r, 0) ** 2, t, 90)) / mean(window(np.minimum(r, 0) ** 2, t, 90))
    )

    def moment(power: int) -> float:
        part = window(r, t, 60)
        away = known(part) - mean(part)
        return (away**power).mean() / (away**2).mean() ** (power / 2) if enough(part) else NAN

    f["skew_60"] = lambda: moment(3)
    f["kurt_60"] = lambda: moment(4) - 3
    f["var95_90"] = lambda: extreme(r, t, 90, lambda part: np.quantile(known(part), 0.05))
    f["cvar95_90"] = lambda: extreme(
        r, t, 90, lambda part: np.sort(known(part))[: int(0.05 * (len(known(part)) - 1)) + 1].mean()
    )
    f["mdd_90"] = lambda: extreme(c, t, 90, fall)
    f["mdd_364"] = lambda: extreme(c, t, 364, fall)
    f["drawdown_now"] = lambda: now / extreme(c, t, 1460, np.nanmax, least=30) - 1
    f["ulcer_90"] = lambda: math.sqrt(mean(rows_of(lambda s: (c[s] / peak_of(s) - 1) ** 2, t, 90)))

    def peak_of(s: int) -> float:
        part = window(c, s, 90)
        return float(np.nanmax(part)) if enough(part) else NAN

    f["vol_of_vol_90"] = lambda: sd(rows_of(lambda s: sd(window(r, s, 7)) * YEAR, t, 90))
    f["vol_ratio_7_90"] = lambda: sd(window(r, t, 7)) / sd(window(r, t, 90))
    pair = np.abs(r) * np.r_[NAN, np.abs(r[:-1])]
    f["jump_share_90"] = lambda: 1 - math.pi / 2 * mean(window(pair, t, 89)) / mean(window(r * r, t, 90))

    def garch() -> float:
        best, found = math.inf, NAN
        square = r * r
        for beta in (0.70, 0.82, 0.90):
            for alpha in (0.04, 0.09):

                def ahead(s: int, alpha: float = alpha, beta: float = beta) -> float:
                    if s < 0:
                        return NAN
                    base = token.keep(("base", s), lambda: mean(window(square, s, 180)))
                    recent = token.keep(("recent", s, beta), lambda: decayed(square, s, beta, 30, rows=128))
                    return base * (1 - alpha - beta) / (1 - beta) + alpha * recent / (1 - beta)

                costs = known(
                    rows_of(lambda s: math.log(x) + square[s] / x if (x := ahead(s - 1)) > 0 else NAN, t, 180)
                )
                if len(costs) >= 90 and costs.sum() < best:
                    best, base, variance = costs.sum(), mean(window(square, t, 180)), 0.0
                    one = ahead(t)
                    for step in range(7):
                        variance += (base + (alpha + beta) ** step * (one - base)) / 7
                    found = math.sqrt(variance) * YEAR
        return found

    f["garch_fcst_7d"] = garch

    # liquidity
    f["log_dvol_30"] = lambda: math.log(mean(window(v, t, 30)))
    f["std_dvol_30"] = lambda: math.log(sd(window(v, t, 30)))
    f["turnover_7"] = lambda: mean(window(v / m, t, 7))
    f["turnover_30"] = lambda: mean(window(v / m, t, 30))
    f["turnover_sd_30"] = lambda: sd(window(v / m, t, 30))
    illiquid = np.where(v > 0, np.abs(r) / v * 1e6, NAN)
    f["amihud_30"] = lambda: mean(window(illiquid, t, 30))
    f["amihud_90"] = lambda: mean(window(illiquid, t, 90))

    def corwin(s: int) -> float:
        if s < 1:
            return NAN
        beta = math.log(h[s] / low[s]) ** 2 + math.log(h[s - 1] / low[s - 1]) ** 2
        gamma = np.log(np.maximum(h[s], h[s - 1]) / np.minimum(low[s], low[s - 1])) ** 2
        scale = 3 - 2 * math.sqrt(2)
        a = (math.sqrt(2 * beta) - math.sqrt(beta)) / scale - math.sqrt(gamma / scale)
        spread = 2 * (math.exp(a) - 1) / (1 + math.exp(a))
        return NAN if math.isnan(spread) else max(spread, 0.0)

    f["spread_cs_30"] = lambda: mean(rows_of(corwin, t, 30))

    def abdi(s: int) -> float:
        if s < 1:
            return NAN
        middle = (math.log(h[s]) + math.log(low[s])) / 2, (math.log(h[s - 1]) + math.log(low[s - 1])) / 2
        value = 4 * (math.log(c[s - 1]) - middle[1]) * (math.log(c[s - 1]) - middle[0])
        return NAN if math.isnan(value) else math.sqrt(max(value, 0.0))

    f["spread_ar_30"] = lambda: mean(rows_of(abdi, t, 30))

    def roll() -> float:
        x, y = window(r, t, 30), window(np.r_[NAN, r[:-1]], t, 30)
        there = ~np.isnan(x + y)
        if there.sum() < 23:
            return NAN
        return 2 * math.sqrt(max(-np.cov(x[there], y[there])[0, 1], 0))

    f["spread_roll_30"] = roll
    f["zero_ret_share_30"] = lambda: mean(window(np.where(np.isnan(r), NAN, (token.step == 0) * 1.0), t, 30))
    f["stale_days_30"] = lambda: mean(window(np.where(np.isnan(v), NAN, (v < 10_000) * 1.0), t, 30))
    f["vol_shock_7_90"] = lambda: mean(window(v, t, 7)) / mean(window(v, t, 90))
    f["vol_trend_90"] = lambda: token.fit(np.where(v > 0, np.log(np.where(v > 0, v, 1)), NAN), t, 90)[0]
    f["capacity_days_1m"] = lambda: 1e6 / (0.05 * mean(window(v, t, 30)))
    return f
