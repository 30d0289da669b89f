"""Momentum and trend, slowly."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.signals.features.slow import (
    NAN,
    Row,
    Token,
    at,
    ema,
    enough,
    extreme,
    known,
    mean,
    ols,
    over,
    rows_of,
    sd,
    wilder,
    window,
)


def price_features(token: Token, t: int) -> dict[str, Any]:
    w, j, c, r = token.w, token.j, token.c, token.w.r[:, token.j]
    h, low, v = w.h[:, j], w.l[:, j], w.v[:, j]
    now, tp = at(c, t), token.tp
    f: dict[str, Any] = {}

    # momentum
    for k in (1, 3, 7, 14, 21, 28, 56, 91, 182, 364):
        f[f"ret_{k}d"] = lambda k=k: token.ret(t, k)
    for far, near in ((28, 7), (182, 28), (364, 28)):
        f[f"mom_{far}_{near}"] = lambda far=far, near=near: at(c, t - near) / at(c, t - far) - 1
    f["mom_accel_28"] = lambda: token.ret(t, 28) - (token.ret(t - 28, 28) if t >= 28 else NAN)
    for k in (28, 91):
        f[f"volscaled_mom_{k}"] = lambda k=k: over(token.ret(t, k), sd(window(r, t, k)) * math.sqrt(k))
        f[f"resid_mom_{k}"] = lambda k=k: resid(k)

    def resid(k: int) -> float:
        parts = token.joint(t, 182, w.market, w.btc)
        recent = token.joint(t, k, w.market, w.btc)
        if parts is None or recent is None or np.corrcoef(parts[1], parts[2])[0, 1] ** 2 > 1 - 1e-6:
            return NAN
        slopes = ols(*parts)
        return float((recent[0] - slopes[1] * recent[1] - slopes[2] * recent[2]).sum())

    def vw() -> float:
        part, traded = window(r * v, t, 28), window(v, t, 28)
        there = ~np.isnan(part)
        return over(part[there].sum(), traded[there].sum()) if enough(part) else NAN

    f["vw_mom_28"] = vw
    f["sign_consistency_28"] = lambda: (
        mean(window(np.where(np.isnan(r), NAN, (r > 0) * 1.0 - (r < 0) * 1.0), t, 28))
        * np.sign(token.ret(t, 28))
    )
    f["max_ret_7d"] = lambda: extreme(r, t, 7, np.nanmax)
    f["max_ret_30d"] = lambda: extreme(r, t, 30, np.nanmax)
    f["min_ret_30d"] = lambda: extreme(r, t, 30, np.nanmin)
    f["max5_avg_30d"] = lambda: extreme(r, t, 30, lambda part: np.sort(known(part))[-5:].mean())
    f["dist_high_91"] = lambda: now / extreme(c, t, 91, np.nanmax) - 1
    f["dist_high_364"] = lambda: now / extreme(c, t, 364, np.nanmax) - 1
    f["dist_low_364"] = lambda: now / extreme(c, t, 364, np.nanmin) - 1
    f["days_since_high_364"] = lambda: extreme(c, t, 364, lambda part: int(np.nanargmax(part[::-1])))
    f["lt_reversal_364_182"] = lambda: -(at(c, t - 182) / at(c, t - 364) - 1)

    # trend
    for k in (5, 10, 20, 50, 100, 200):
        f[f"px_sma_{k}"] = lambda k=k: now / mean(window(c, t, k)) - 1
    for a, b in ((10, 50), (20, 100), (50, 200)):
        f[f"sma_cross_{a}_{b}"] = lambda a=a, b=b: mean(window(c, t, a)) / mean(window(c, t, b)) - 1
    for k in (5, 20, 50, 200):
        f[f"vol_sma_{k}"] = lambda k=k: over(at(v, t), mean(window(v, t, k))) - 1
    f["macd"] = lambda: (ema(c, t, 12) - ema(c, t, 26)) / now

    def macd_line(s: int) -> float:
        return token.keep(("macd", s), lambda: ema(c, s, 12) - ema(c, s, 26))

    def from_rows(make: Callable[[int], float], k: int, then: Callable[[Row, int], float]) -> float:
        return then(rows_of(make, t, k), k - 1)

    f["macd_hist"] = lambda: (macd_line(t) - from_rows(macd_line, 256, lambda x, s: ema(x, s, 9))) / now
    f["volmacd"] = lambda: over(ema(v, t, 12), ema(v, t, 26)) - 1
    f["rsi_14"] = lambda: token.rsi(t)

    def stoch_rsi() -> float:
        part = rows_of(token.rsi, t, 14)
        return over(part[-1] - np.nanmin(part), np.nanmax(part) - np.nanmin(part)) if enough(part) else NAN

    f["stoch_rsi_14"] = stoch_rsi
    f["stoch_k_14"] = lambda: token.stoch(t)
    f["stoch_d_3"] = lambda: mean(rows_of(token.stoch, t, 3))

    def cci() -> float:
        part = window(tp, t, 20)
        centre = mean(part)
        return (at(tp, t) - centre) / (0.015 * np.abs(known(part) - centre).mean())

    f["cci_20"] = cci
    f["williams_r_14"] = lambda: token.stoch(t) - 1
    f["adx_14"] = lambda: from_rows(lambda s: token.keep(("dx", s), lambda: token.dx(s)), 256, wilder)
    f["di_diff_14"] = lambda: token.di(t)[0] - token.di(t)[1]
    f["aroon_osc_25"] = lambda: (
        100
        * (
            extreme(low, t, 26, lambda part: int(np.nanargmin(part[::-1])))
            - extreme(h, t, 26, lambda part: int(np.nanargmax(part[::-1])))
        )
        / 25
    )
    for k in (20, 55, 100):
        f[f"donchian_pos_{k}"] = lambda k=k: over(
            now - extreme(c, t, k, np.nanmin), extreme(c, t, k, np.nanmax) - extreme(c, t, k, np.nanmin)
        )

    def channels() -> float:
        states = []
        for k in (5, 10, 20, 30, 60, 90, 150, 250, 360):
            if not enough(window(c, t, k)):
                continue
            state = 0.0
            for s in range(max(0, t - k + 1), t + 1):
                part = window(c, s, k)
                if math.isnan(c[s]) or not enough(part):
                    continue
                if c[s] < (np.nanmax(part) + np.nanmin(part)) / 2:
                    state = 0.0
                elif c[s] >= np.nanmax(part):
                    state = 1.0
            states.append(state)
        return sum(states) / len(states) if len(states) >= 5 else NAN

    f["donchian_ensemble"] = channels

    def bands() -> tuple[float, float]:
        part = window(c, t, 20)
        centre, wide = mean(part), 2 * sd(part, ddof=0)
        return (now - (centre - wide)) / (2 * wide), 2 * wide / centre

    f["boll_pctb_20"] = lambda: bands()[0]
    f["boll_width_20"] = lambda: bands()[1]
    f["slope_t_30"] = lambda: token.fit(token.lc, t, 30)[1]
    f["slope_t_90"] = lambda: token.fit(token.lc, t, 90)[1]
    f["trend_r2_90"] = lambda: token.fit(token.lc, t, 90)[2]
    week = np.r_[np.full(7, NAN), np.log(c[7:] / c[:-7])]
    f["var_ratio_7_90"] = lambda: sd(window(week, t, 90)) ** 2 / (7 * sd(window(r, t, 90)) ** 2)

    def efficiency() -> float:
        part = window(r, t, 30)
        return abs(math.log(now / at(c, t - 30))) / np.nansum(np.abs(part)) if enough(part) else NAN

    f["efficiency_30"] = efficiency

    def hurst() -> float:
        sizes, scores = (10, 20, 45, 90), []
        for size in sizes:
            found = []
            for block in range(180 // size):
                part = window(r, t - block * size, size) if t - block * size >= 0 else np.full(size, NAN)
                away = np.cumsum(part - part.mean())
                found.append(
                    math.log((max(away.max(), 0) - min(away.min(), 0)) / part.std()) if len(part) else NAN
                )
            scores.append(mean(np.array(found)))
        return float(np.polyfit(np.log(sizes), scores, 1)[0]) if not np.isnan(scores).any() else NAN

    f["hurst_180"] = hurst

    def cmf() -> float:
        spread = h - low
        part = window(np.where(spread == 0, 0, ((c - low) - (h - c)) / spread) * v, t, 20)
        there = ~np.isnan(part)
        return over(part[there].sum(), window(v, t, 20)[there].sum()) if enough(part) else NAN

    f["cmf_20"] = cmf

    def obv() -> float:
        flow = window(np.sign(r) * v, t, 30)
        level = np.cumsum(np.nan_to_num(flow))
        return np.polyfit(np.arange(30), level, 1)[0] / mean(window(v, t, 30)) if enough(flow) else NAN

    f["obv_slope_30"] = obv

    def mfi() -> float:
        step, flow = np.r_[NAN, np.diff(tp)], tp * v
        part = window(np.where(np.isnan(step), NAN, flow), t, 14)
        rose = window(step, t, 14) > 0
        fell = window(step, t, 14) < 0
        if not enough(part):
            return NAN
        up, down = np.nansum(part[rose]), np.nansum(part[fell])
        return 100 * over(up, up + down)

    f["mfi_14"] = mfi
    return f
