"""Size, market and seasonality, slowly."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import numpy as np

from tests.signals.features.slow import (
    NAN,
    YEAR,
    Row,
    Token,
    World,
    at,
    enough,
    extreme,
    known,
    mean,
    ols,
    over,
    rows_of,
    sd,
    window,
)

HALVINGS = (date(2012, 11, 28), date(2016, 7, 9), date(2020, 5, 11), date(2024, 4, 20))


def market_features(token: Token, t: int) -> dict[str, Any]:
    w, j, c, r = token.w, token.j, token.c, token.w.r[:, token.j]
    v, m = w.v[:, j], w.m[:, j]
    now = at(c, t)
    f: dict[str, Any] = {}

    # valuation
    f["log_mcap"] = lambda: math.log(m[t])
    f["mcap_rank"] = lambda: 1.0 + sum(1 for other in w.m[t] if other > m[t]) if m[t] > 0 else NAN
    f["mcap_share"] = lambda: m[t] / np.nansum(w.m[t, w.counted])
    f["log_price"] = lambda: math.log(now)
    f["maxdprc_7"] = lambda: extreme(c, t, 7, np.nanmax)
    f["age_days"] = lambda: float((np.datetime64(w.days[t]) - w.first[j]).astype(int))
    for k in (30, 364):
        f[f"issuance_{k}"] = lambda k=k: (m[t] / now) / (at(m, t - k) / at(c, t - k)) - 1
    f["px_to_avg_364"] = lambda: now / mean(window(c, t, 364))

    # market
    f["beta_mkt_90"] = lambda: token.beta(t, 90, w.market)
    f["beta_btc_90"] = lambda: token.beta(t, 90, w.btc)
    f["beta_eth_90"] = lambda: token.beta(t, 90, w.eth)

    def downside() -> float:
        parts = token.joint(t, 180, w.market, least=45, when=-w.market)
        return NAN if parts is None else float(ols(*parts)[1])

    f["downside_beta_180"] = downside

    def dimson() -> float:
        parts = token.joint(t, 90, w.market, w.before)
        return NAN if parts is None else float(ols(*parts)[1:].sum())

    f["dimson_lag_beta_90"] = dimson

    def residual(k: int) -> tuple[Row, Row] | None:
        parts = token.joint(t, k, w.market)
        if parts is None:
            return None
        slopes = ols(*parts)
        return parts[0] - slopes[0] - slopes[1] * parts[1], parts[1] - parts[1].mean()

    def idio() -> float:
        rest = residual(90)
        return NAN if rest is None else math.sqrt((rest[0] ** 2).sum() / (len(rest[0]) - 2)) * YEAR

    def coskew() -> float:
        rest = residual(180)
        if rest is None:
            return NAN
        e, x = rest
        return (e * x * x).mean() / (math.sqrt((e * e).mean()) * (x * x).mean())

    f["idio_vol_90"] = idio
    f["r2_90"] = lambda: token.corr(t, 90) ** 2
    f["coskew_180"] = coskew
    f["corr_chg_30_180"] = lambda: token.corr(t, 30) - token.corr(t, 180)

    def sector() -> float:
        found = [w.sector(t, tag) for tag in sorted(w.kinds[w.assets[j]])] if j in w.counted else []
        found = [value for value in found if not math.isnan(value)]
        return sum(found) / len(found) if found else NAN

    f["sector_mom_28"] = sector
    f["rel_sector_28"] = lambda: token.ret(t, 28) - sector()

    # seasonality
    def weekday() -> float:
        return mean(np.array([at(r, t - 6 - 7 * back) for back in range(104)]))

    f["dow_mean_104w"] = weekday
    tomorrow = w.days[t] + timedelta(days=1)

    def month() -> float:
        rows = [s for s in range(max(0, t - 1459), t + 1) if w.days[s].month == tomorrow.month]
        part = known(r[rows])
        return float(part.mean()) if len(part) >= 28 else NAN

    f["month_mean_hist"] = month

    def weekend() -> float:
        free = window(np.array([day.weekday() >= 5 for day in w.days], dtype=float), t, 90)
        part = window(v, t, 90)
        return known(part[free == 1]).mean() / known(part[free == 0]).mean() if enough(part) else NAN

    f["weekend_vol_ratio_90"] = weekend
    return f


def shared_features(w: World, t: int) -> dict[str, Any]:
    bitcoin = w.assets.index("bitcoin")

    def breadth() -> float:
        found = [
            w.c[t, j] > mean(window(w.c[:, j], t, 50))
            for j in w.counted
            if w.c[t, j] > 0 and enough(window(w.c[:, j], t, 50))
        ]
        return float(np.mean(found)) if len(found) >= 5 else NAN

    def dispersion() -> float:
        found = known(np.array([math.log(w.c[t, j] / at(w.c[:, j], t - 28)) for j in w.counted]))
        return float(found.std(ddof=1)) if len(found) >= 5 else NAN

    def correlation() -> float:
        parts = np.array([w.pairs(s) if s >= 0 else (NAN, NAN) for s in range(t - 59, t + 1)])
        return mean(parts[:, 0]) / mean(parts[:, 1])

    def drawdown() -> float:
        level = np.cumsum(np.nan_to_num(w.market))
        there = window(w.market, t, 1460)
        return math.exp(level[t] - level[max(0, t - 1459) : t + 1].max()) - 1 if enough(there, 30) else NAN

    def dominance(s: int) -> float:
        return w.m[s, bitcoin] / np.nansum(w.m[s, w.counted]) if s >= 0 else NAN

    def stress() -> float:
        scores = rows_of(lambda s: w.market[s] / sd(window(w.market, s - 1, 364)) if s else NAN, t, 250)
        if not enough(scores[-30:]):
            return NAN
        chance = 0.02 / 0.07
        for score in scores:
            chance = chance * 0.95 + (1 - chance) * 0.02
            if not math.isnan(score):
                bad = math.exp(-0.5 * ((score + 0.12) / 1.5) ** 2) / 1.5
                good = math.exp(-0.5 * ((score - 0.06) / 0.75) ** 2) / 0.75
                chance = chance * bad / (chance * bad + (1 - chance) * good)
        return chance

    def stable() -> float:
        pairs = [(w.m[t, j], at(w.m[:, j], t - 30)) for j in w.stable]
        pairs = [(now, then) for now, then in pairs if not math.isnan(now + then)]
        return sum(now for now, _ in pairs) / sum(then for _, then in pairs) - 1 if pairs else NAN

    def turn() -> float:
        ahead = w.days[t] + timedelta(days=1)
        return float(ahead.day <= 3 or (ahead + timedelta(days=3)).month != ahead.month)

    def halving() -> float:
        past = [day for day in HALVINGS if day <= w.days[t]]
        return float((w.days[t] - past[-1]).days)

    return {
        "mkt_vol_30": lambda: sd(window(w.market, t, 30)) * YEAR,
        "mkt_drawdown": drawdown,
        "breadth_sma50": breadth,
        "dispersion_28": dispersion,
        "avg_corr_60": correlation,
        "btc_dominance_chg_30": lambda: dominance(t) - dominance(t - 30),
        "regime_prob_risk_off": stress,
        "stablecoin_cap_chg_30": stable,
        "ssr": lambda: over(w.m[t, bitcoin], np.nansum(w.m[t, w.stable])),
        "turn_of_month": turn,
        "days_since_halving": halving,
    }
