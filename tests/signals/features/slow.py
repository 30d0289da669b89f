"""What the slow reference is made of: windows as plain slices, one token, one date; no code of the product."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from signals.core.panel import Panel

Row = Any
NAN = math.nan
YEAR = math.sqrt(365)
PEGGED = {"stablecoin", "wrapped", "staked", "bridged", "tracking"}


def enough(values: Row, least: int | None = None) -> bool:
    return int((~np.isnan(values)).sum()) >= (math.ceil(0.75 * len(values)) if least is None else least)


def known(values: Row) -> Row:
    return values[~np.isnan(values)]


def mean(values: Row) -> float:
    return float(known(values).mean()) if enough(values) else NAN


def sd(values: Row, ddof: int = 1) -> float:
    return float(known(values).std(ddof=ddof)) if enough(values) else NAN


def over(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0 else NAN


def ols(y: Row, *factors: Row) -> Row:
    """Intercept and slopes over the rows where all are known."""
    design = np.column_stack([np.ones(len(y)), *factors])
    return np.linalg.lstsq(design, y, rcond=None)[0]


class World:
    """The panel as plain arrays, with what is shared per date worked out row by row."""

    def __init__(self, panel: Panel) -> None:
        self.o, self.h, self.l, self.c = panel.open, panel.high, panel.low, panel.close
        self.v = panel.volume
        self.m = np.where(panel.market_cap > 0, panel.market_cap, np.nan)
        self.assets, self.kinds = panel.assets, panel.categories
        self.first = panel.first_days
        self.days = [stamp.date() for stamp in panel.dates]
        self.counted = [at for at, name in enumerate(self.assets) if not self.kinds[name] & PEGGED]
        self.stable = [at for at, name in enumerate(self.assets) if "stablecoin" in self.kinds[name]]
        with np.errstate(all="ignore"):
            self.r = np.full_like(self.c, np.nan)
            self.r[1:] = np.log(self.c[1:] / self.c[:-1])
        self.market = np.array([self._market(t) for t in range(len(self.days))])
        self.btc = self.r[:, self.assets.index("bitcoin")]
        self.eth = self.r[:, self.assets.index("ethereum")]
        self.before = np.r_[NAN, self.market[:-1]]
        self._pairs: dict[int, tuple[float, float]] = {}

    def _market(self, t: int) -> float:
        top = bottom = 0.0
        for j in self.counted:
            if t and self._borne_out(t, 1, j):
                top += self.m[t - 1, j] * (self.c[t, j] / self.c[t - 1, j] - 1)
                bottom += self.m[t - 1, j]
        return math.log(1 + top / bottom) if bottom else NAN

    def _borne_out(self, t: int, k: int, j: int) -> bool:
        """Both prices and the old cap are known, and the cap went where the price did, but for a factor of two."""
        price, cap, before = self.c[t, j] / self.c[t - k, j], self.m[t, j], self.m[t - k, j]
        if math.isnan(price + before):
            return False
        supply = (1.0 if math.isnan(cap) else cap / before) / price
        return abs(math.log(supply)) <= math.log(2)

    def sector(self, t: int, tag: str) -> float:
        top = bottom = 0.0
        number = 0
        for j in self.counted:
            if tag in self.kinds[self.assets[j]] and t >= 28:
                move, weight = self.c[t, j] / self.c[t - 28, j] - 1, self.m[t - 28, j]
                if self._borne_out(t, 28, j):
                    top, bottom, number = top + weight * move, bottom + weight, number + 1
        return top / bottom if number >= 3 else NAN

    def pairs(self, t: int) -> tuple[float, float]:
        if t not in self._pairs:
            scores = []
            for j in self.counted:
                spread = sd(window(self.r[:, j], t, 60))
                if spread > 0 and not math.isnan(self.r[t, j]):
                    scores.append(self.r[t, j] / spread)
            n = len(scores)
            products = [scores[a] * scores[b] for a in range(n) for b in range(n) if a != b]
            found = (float(np.mean(products)), float(np.mean(np.square(scores)))) if n >= 2 else (NAN, NAN)
            self._pairs[t] = found
        return self._pairs[t]


def window(values: Row, t: int, k: int) -> Row:
    """The last k rows up to t; NaN before the first."""
    part = values[max(0, t - k + 1) : t + 1]
    return np.r_[np.full(k - len(part), np.nan), part]


def at(values: Row, t: int) -> float:
    return float(values[t]) if t >= 0 else NAN


def decayed(values: Row, t: int, decay: float, span: int, rows: int = 256) -> float:
    part = window(values, t, rows)[::-1]
    weights = decay ** np.arange(rows)
    there = ~np.isnan(part)
    if not enough(part[:span]):
        return NAN
    return float((weights[there] * part[there]).sum() / weights[there].sum())


def ema(values: Row, t: int, span: int) -> float:
    return decayed(values, t, 1 - 2 / (span + 1), span)


def wilder(values: Row, t: int, span: int = 14) -> float:
    return decayed(values, t, 1 - 1 / span, span)


def rows_of(make: Callable[[int], float], t: int, k: int) -> Row:
    return np.array([make(s) if s >= 0 else NAN for s in range(t - k + 1, t + 1)])


class Token:
    """One token of the world; its methods take the row of the date."""

    def __init__(self, world: World, j: int) -> None:
        self.w, self.j = world, j
        self.c: Row = world.c[:, j]
        self.r: Row = world.r[:, j]
        self.lc = np.log(self.c)
        before = np.r_[NAN, self.c[:-1]]
        h, low = world.h[:, j], world.l[:, j]
        self.tr = np.maximum.reduce([h - low, np.abs(h - before), np.abs(low - before)])
        self.tp = (h + low + self.c) / 3
        self.step = self.c - before
        self._kept: dict[Any, float] = {}

    def keep(self, key: Any, make: Callable[[], float]) -> float:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def ret(self, t: int, k: int) -> float:
        return at(self.c, t) / at(self.c, t - k) - 1

    def rsi(self, t: int) -> float:
        def make() -> float:
            up = wilder(np.where(np.isnan(self.step), NAN, np.maximum(self.step, 0)), t)
            down = wilder(np.where(np.isnan(self.step), NAN, np.maximum(-self.step, 0)), t)
            return 100 * over(up, up + down)

        return self.keep(("rsi", t), make)

    def stoch(self, t: int) -> float:
        high, low = window(self.w.h[:, self.j], t, 14), window(self.w.l[:, self.j], t, 14)
        if not (enough(high) and enough(low)):
            return NAN
        return over(at(self.c, t) - np.nanmin(low), np.nanmax(high) - np.nanmin(low))

    def di(self, t: int) -> tuple[float, float]:
        h, low = self.w.h[:, self.j], self.w.l[:, self.j]
        rise, fall = np.r_[NAN, np.diff(h)], np.r_[NAN, -np.diff(low)]
        gone = np.isnan(rise + fall)
        up = np.where(gone, NAN, np.where((rise > fall) & (rise > 0), rise, 0))
        down = np.where(gone, NAN, np.where((fall > rise) & (fall > 0), fall, 0))
        reach = wilder(self.tr, t)
        return 100 * over(wilder(up, t), reach), 100 * over(wilder(down, t), reach)

    def dx(self, t: int) -> float:
        up, down = self.di(t)
        return 100 * over(abs(up - down), up + down)

    def fit(self, values: Row, t: int, k: int) -> tuple[float, float, float]:
        part = window(values, t, k)
        if not enough(part):
            return NAN, NAN, NAN
        x, y = np.arange(k)[~np.isnan(part)].astype(float), known(part)
        x, y = x - x.mean(), y - y.mean()
        slope = (x @ y) / (x @ x)
        rest = ((y - slope * x) ** 2).sum()
        return slope, slope / math.sqrt(rest / (len(x) - 2) / (x @ x)), 1 - rest / (y @ y)

    def joint(
        self, t: int, k: int, *factors: Row, least: int | None = None, when: Row = None
    ) -> list[Row] | None:
        parts = [window(values, t, k) for values in (self.r, *factors)]
        there = ~np.isnan(np.sum(parts, axis=0))
        if when is not None:
            there &= window(when, t, k) > 0
        if there.sum() < (math.ceil(0.75 * k) if least is None else least):
            return None
        return [part[there] for part in parts]

    def beta(self, t: int, k: int, factor: Row) -> float:
        parts = self.joint(t, k, factor)
        return NAN if parts is None else float(ols(*parts)[1])

    def corr(self, t: int, k: int) -> float:
        parts = self.joint(t, k, self.w.market)
        return NAN if parts is None else float(np.corrcoef(*parts)[0, 1])


def fall(prices: Row) -> float:
    worst, peak = 0.0, -math.inf
    for price in known(prices):
        peak = max(peak, price)
        worst = min(worst, price / peak - 1)
    return worst


def extreme(values: Row, t: int, k: int, pick: Callable[[Row], Any], least: int | None = None) -> float:
    """What `pick` makes of the window, where enough of it is known."""
    part = window(values, t, k)
    return float(pick(part)) if enough(part, least) else NAN
