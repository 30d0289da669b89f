"""The simulated market, day by day: one market factor, sector factors, own moves; fat tails and volatility in clusters.

Log price of coin i = base + beta_i x market + sector + own_i, where the market and every sector and own part is a
GARCH(1,1) process with Student-t shocks and a slow pull (towards a four-year cycle for the market, towards zero for
the others). Every day draws from its own seeded stream, and days are made strictly in order: which days are asked for,
and how often, changes nothing.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from signals.core.panel import Array
from signals.core.simulation.design import (
    CRASH,
    DAYS_PER_YEAR,
    DEPEG_DEATH_DAY,
    DEPEG_SCARE_DAY,
    FIRST_DAY,
    NEVER,
    Design,
    design,
)
from signals.core.simulation.tokens import RECOVERING_STABLE

_DAY_STREAM, _BRIDGE_STREAM = 1, 2
_TAIL = 5.0  # degrees of freedom of every shock
_LARGEST = 5.0  # no shock is larger than so many standard deviations of its day
_MARKET_VARIANCE = 0.52**2 / DAYS_PER_YEAR
_SECTOR_VARIANCE = 0.30**2 / DAYS_PER_YEAR
_REACTS, _REMEMBERS = 0.09, 0.885  # GARCH(1,1): share of yesterday's shock, share of yesterday's variance
_CALMEST, _WILDEST = 0.2, 6.0  # bounds of a variance, in units of its long-run value
_MARKET_PULL = 1.0 / DAYS_PER_YEAR
_SECTOR_PULL = 0.6 / DAYS_PER_YEAR
_CYCLE_YEARS = 3.9
_JUMP_CHANCE = 0.004

# Log price of a dying token against its fair price, by days since the fall began; then the series ends.
_FALL = np.array([-0.55, -1.4, -2.1, -3.2, -3.9, -4.4, -5.1, -5.6, -6.2, -6.9, -7.4])
_STABLE_FALL = np.array([-0.04, -0.11, -0.42, -0.88, -1.31, -1.9, -2.4, -2.7, -3.2, -3.6, -3.9])
_STABLE_SCARE = np.array([-0.018, -0.125, -0.094, -0.051, -0.022, -0.011, -0.006, -0.003])

_WAVES = 16
_STEPS = 288  # five-minute grid on which a day's high and low are taken
_ORDERS = np.arange(1, _WAVES + 1, dtype=np.float64)


@dataclass(frozen=True)
class Day:
    """One day of every token, USD; NaN where it is not listed, or dead. `spread` scales the path within the day."""

    day: date
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    market_cap: Array
    spread: Array


class SimulatedMarket:
    """The days of one seed, made on demand from FIRST_DAY on. Not safe for use from two threads at once."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.design: Design = design(seed)
        number = len(self.design.tokens)
        self._days: list[Day] = []
        self._market, self._market_variance = 0.0, _MARKET_VARIANCE
        self._sectors = np.zeros(int(self.design.sector.max()) + 1)
        self._sector_variance = np.full(len(self._sectors), _SECTOR_VARIANCE)
        self._own = np.zeros(number)
        self._own_variance = self.design.own_variance.copy()
        self._busy = np.zeros(number)
        self._log_price = self._prices(FIRST_DAY.toordinal() - 1, np.zeros(number))

    def day(self, day: date) -> Day:
        """The candles of `day`. Raises ValueError before FIRST_DAY."""
        if day < FIRST_DAY:
            raise ValueError(f"day: the simulated market begins on {FIRST_DAY}, got {day}.")
        position = day.toordinal() - FIRST_DAY.toordinal()
        while len(self._days) <= position:
            self._days.append(self._next())
        return self._days[position]

    def within(self, day: date, fraction: float) -> Array:
        """Prices of every token at `fraction` (0..1) of `day`, between its open and its close; NaN where unlisted."""
        bar = self.day(day)
        wave = np.sin(np.pi * _ORDERS * fraction) / _ORDERS
        straight = np.log(bar.open) * (1 - fraction) + np.log(bar.close) * fraction
        path = straight + bar.spread * (self._bridge(day) @ wave)
        return np.clip(np.exp(path), bar.low, bar.high)

    def _next(self) -> Day:
        made = self.design
        today = date.fromordinal(FIRST_DAY.toordinal() + len(self._days))
        ordinal = today.toordinal()
        rng = np.random.default_rng([self.seed, _DAY_STREAM, ordinal])
        number = len(made.tokens)
        self._move_factors(rng, today)
        shock = np.sqrt(self._own_variance) * _student(rng, number)
        jump = np.where(rng.random(number) < _JUMP_CHANCE, rng.normal(0.0, 0.16, number), 0.0)
        noise = rng.normal(0.0, 1.0, number)
        busy_noise = rng.normal(0.0, 1.0, number)

        # An unlisted token waits at its listing size; its own path begins on its listing day.
        self._own = np.where(ordinal >= made.listed, self._own * (1 - made.pull) + shock + jump, 0.0)
        self._own_variance = _garch(self._own_variance, shock, made.own_variance)
        before = self._log_price
        self._log_price = self._prices(ordinal, noise)
        move = self._log_price - before
        usual = np.sqrt(made.beta**2 * _MARKET_VARIANCE + _SECTOR_VARIANCE + made.own_variance)
        self._busy = 0.85 * self._busy + 0.22 * busy_noise
        excitement = np.minimum(np.abs(move) / usual, 6.0) - 0.7
        supply = np.exp(made.base_log_supply + made.supply_growth * (ordinal - FIRST_DAY.toordinal()))
        alive = (ordinal >= made.listed) & (ordinal - made.dies < len(_FALL))
        close = np.where(alive, np.exp(self._log_price), np.nan)
        cap = close * supply
        volume = cap * np.minimum(made.turnover * np.exp(self._busy + 0.35 * excitement), 0.9)
        spread = 0.75 * np.sqrt(2.0) / np.pi * np.where(made.is_coin, np.maximum(usual, np.abs(move)), 0.0006)
        opened = np.where(alive, np.exp(before), np.nan)
        high, low = self._range(today, opened, close, spread)
        return Day(today, opened, high, low, close, volume, cap, spread)

    def _move_factors(self, rng: np.random.Generator, today: date) -> None:
        market_shock = float(np.sqrt(self._market_variance) * _student(rng, 1)[0]) + CRASH.get(today, 0.0)
        sector_shock = np.sqrt(self._sector_variance) * _student(rng, len(self._sectors))
        years = (today.toordinal() - FIRST_DAY.toordinal()) / DAYS_PER_YEAR
        trend = 0.16 * years + 0.62 * float(np.sin(2 * np.pi * years / _CYCLE_YEARS))
        self._market += _MARKET_PULL * (trend - self._market) + market_shock
        self._sectors = self._sectors * (1 - _SECTOR_PULL) + sector_shock
        self._market_variance = float(
            _garch(np.array([self._market_variance]), market_shock, _MARKET_VARIANCE)[0]
        )
        self._sector_variance = _garch(self._sector_variance, sector_shock, _SECTOR_VARIANCE)

    def _prices(self, ordinal: int, noise: Array) -> Array:
        made = self.design
        log_price = made.base_log_price + np.where(
            made.is_coin,
            made.beta * self._market + made.sector_beta * self._sectors[made.sector] + self._own,
            0.0,
        )
        falling = ordinal - made.dies
        for at in np.flatnonzero((made.dies != NEVER) & (falling >= 0)).tolist():
            path = _STABLE_FALL if made.tokens[at].kind == "stable" else _FALL
            log_price[at] += path[min(int(falling[at]), len(path) - 1)]
        scare = ordinal - DEPEG_SCARE_DAY.toordinal()
        position = {token.slug: at for at, token in enumerate(made.tokens)}
        for at, token in enumerate(made.tokens):
            if token.kind == "stable":
                log_price[at] += 0.0007 * noise[at]
                if token.slug == RECOVERING_STABLE and 0 <= scare < len(_STABLE_SCARE):
                    log_price[at] += _STABLE_SCARE[scare]
            elif token.underlying:
                years = (ordinal - FIRST_DAY.toordinal()) / DAYS_PER_YEAR
                earned = 0.034 * years if token.kind == "staked" else 0.0
                log_price[at] = log_price[position[token.underlying]] + earned + 0.0012 * noise[at]
        return log_price

    def _bridge(self, day: date) -> Array:
        # A Brownian bridge by its sine series: nought at both ends, so that every day joins on to its neighbours.
        rng = np.random.default_rng([self.seed, _BRIDGE_STREAM, day.toordinal()])
        return rng.normal(0.0, 1.0, (len(self.design.tokens), _WAVES))

    def _range(self, day: date, opened: Array, closed: Array, spread: Array) -> tuple[Array, Array]:
        fraction = np.linspace(0.0, 1.0, _STEPS + 1)
        waves = np.sin(np.pi * _ORDERS[:, None] * fraction) / _ORDERS[:, None]
        log_open, log_close = np.log(opened)[:, None], np.log(closed)[:, None]
        straight = log_open * (1 - fraction) + log_close * fraction
        path = straight + spread[:, None] * (self._bridge(day) @ waves)
        # The logarithm and back loses the last bit, so the ends are compared as prices.
        high = np.maximum(np.maximum(np.exp(path.max(axis=1)), opened), closed)
        low = np.minimum(np.minimum(np.exp(path.min(axis=1)), opened), closed)
        return high, low


def _student(rng: np.random.Generator, number: int) -> Array:
    return np.clip(rng.standard_t(_TAIL, number) * np.sqrt((_TAIL - 2) / _TAIL), -_LARGEST, _LARGEST)


def _garch(variance: Array, shock: Array | float, usual: Array | float) -> Array:
    after = (1 - _REACTS - _REMEMBERS) * usual + _REACTS * np.square(shock) + _REMEMBERS * variance
    return np.clip(after, _CALMEST * np.asarray(usual), _WILDEST * np.asarray(usual))


def last_day_of_the_dead() -> date:
    """The last candle of the stablecoin that dies."""
    return date.fromordinal(DEPEG_DEATH_DAY.toordinal() + len(_STABLE_FALL) - 1)
