"""What a stablecoin below its dollar stops, and when it may start again."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum


class PegLevel(IntEnum):
    """How far a stablecoin is from its dollar; each level stops what the ones before it stop, and more."""

    PAR = 0
    WARNED = 1
    BUYS_PAUSED = 2
    """No purchases with it, and deposits of it are not credited at par."""
    REBALANCES_STOPPED = 3


@dataclass(frozen=True, slots=True)
class PegRules:
    """Prices in USD below which each level begins, and how long a recovery must last before a level ends.

    A level ends half way back to the dollar: what began below 0.98 ends at 0.99. Raises ValueError unless
    0 < stop < pause < warn < 1 and the recovery is positive.
    """

    warn: float = 0.995
    pause: float = 0.98
    stop: float = 0.95
    recovery: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if not 0 < self.stop < self.pause < self.warn < 1:
            raise ValueError(
                f"stop, pause, warn: {self.stop}, {self.pause}, {self.warn} must rise between 0 and 1."
            )
        if self.recovery <= timedelta(0):
            raise ValueError(f"recovery: is {self.recovery}; give a positive time.")

    def entered(self, price: float) -> PegLevel:
        """The level that begins at this price."""
        return PegLevel(sum(price < limit for limit in (self.warn, self.pause, self.stop)))

    def left_behind(self, price: float) -> PegLevel:
        """The level that a recovery to this price does not end."""
        return PegLevel(sum(price < (1.0 + limit) / 2 for limit in (self.warn, self.pause, self.stop)))


@dataclass(frozen=True, slots=True)
class PegVerdict:
    """One observation of a stablecoin: its price in USD, None where sources did not agree, and the level in force."""

    at: datetime
    level: PegLevel
    price: float | None
    reasons: tuple[str, ...]

    @property
    def buys_allowed(self) -> bool:
        """Whether it may pay for purchases and be credited at par."""
        return self.level < PegLevel.BUYS_PAUSED

    @property
    def rebalances_allowed(self) -> bool:
        """Whether rebalances that move through it may run."""
        return self.level < PegLevel.REBALANCES_STOPPED


@dataclass(frozen=True, slots=True)
class PegState:
    """The peg of one stablecoin between observations. `better_since` and `better_level` follow a recovery under way."""

    rules: PegRules
    level: PegLevel = PegLevel.PAR
    better_since: datetime | None = None
    better_level: PegLevel = PegLevel.PAR
    stepped_at: datetime | None = None

    def step(self, price: float | None, *, at: datetime) -> tuple["PegState", PegVerdict]:
        """The state after one price in USD at the moment `at`, and the level in force.

        Feed it the candidate of the guard, believed or not: a fall that waits for confirmation must already stop
        purchases. A level rises at once; it falls only after the price stayed above the half-way mark for
        `rules.recovery`, and to the worst level that the recovery touched. No price (None) changes no level and breaks
        off a recovery. Raises ValueError for a price that is not positive and finite, a moment without a time zone or
        one before the last.
        """
        if at.tzinfo is None:
            raise ValueError(f"at: has no time zone ({at.isoformat()}); pass an aware UTC datetime.")
        if self.stepped_at is not None and at < self.stepped_at:
            raise ValueError(
                f"at: {at.isoformat()} lies before the last price ({self.stepped_at.isoformat()})."
            )
        state = replace(self, stepped_at=at)
        if price is None:
            state = replace(state, better_since=None)
            return state, PegVerdict(
                at, self.level, None, (f"No agreed price: it stays {_name(self.level)}.",)
            )
        if not math.isfinite(price) or price <= 0:
            raise ValueError(f"price: {price} is not a price; pass None where there is none.")
        entered = self.rules.entered(price)
        if entered > self.level:
            state = replace(state, level=entered, better_since=None)
            reason = f"{price:.4f} USD: from {_name(self.level)} to {_name(entered)}."
            return state, PegVerdict(at, entered, price, (reason,))
        ahead = min(self.rules.left_behind(price), self.level)
        if ahead == self.level:
            reason = f"{price:.4f} USD: {_name(self.level)}."
            return replace(state, better_since=None), PegVerdict(at, self.level, price, (reason,))
        since = self.better_since or at
        worst = max(ahead, self.better_level) if self.better_since else ahead
        if at - since < self.rules.recovery:
            state = replace(state, better_since=since, better_level=worst)
            reason = f"{price:.4f} USD: recovering since {since.isoformat()}, still {_name(self.level)}."
            return state, PegVerdict(at, self.level, price, (reason,))
        reason = f"{price:.4f} USD: recovered, from {_name(self.level)} to {_name(worst)}."
        return replace(state, level=worst, better_since=None), PegVerdict(at, worst, price, (reason,))


def _name(level: PegLevel) -> str:
    return level.name.lower().replace("_", " ")
