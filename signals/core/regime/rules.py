"""Every number of the regime in one place, each with its reason."""

import hashlib
import json
from dataclasses import asdict, dataclass

METHOD = 2
"""Counts up where the same numbers come to mean something else, so that what was published keeps its own version."""

STEP = 0.25
"""Risk shares are multiples of it: five states are enough to move by degrees and few enough to be explained."""
DWELL_DAYS = 7
"""A share stands at least so long: a trend filter that may turn every day pays for noise."""
CORRELATION_DAYS = 60
UNIVERSE_ROWS = 62
"""Rows that `signals.core.universe` looks back at: 60 moves to see a peg, and the close before the first of them."""


@dataclass(frozen=True)
class RegimeRules:
    """The rules. Numbers are round and from the middle of a plateau; docs/regime.md shows their neighbours."""

    count: int = 100
    """Largest tokens that make the market: the universe of the passive index."""
    max_weight: float = 0.25
    """No token weighs more in the market: the cap of the passive index."""
    min_volume: float = 1e5
    """USD a day, median of 30 days: a few illiquid tokens have invented caps."""
    trend_days: tuple[int, ...] = (50, 100, 200)
    """Means that the levels of the market and of its largest token are compared with, a vote each: short, middle and
    long, as which one is best changes from one market to the next."""
    breadth_days: int = 50
    """Each token's close is compared with its own mean over so many days."""
    breadth_share: float = 0.5
    """Breadth votes for risk where more than half of the tokens are above their mean."""
    breadth_least: int = 10
    """Fewer tokens than this have no breadth."""
    votes_least: int = 2
    """Fewer known votes than this decide nothing."""
    volatility_days: int = 60
    """Two months of daily moves: a single month moves the share a third more often and earns nothing by it."""
    volatility_target: float = 0.5
    """Per year. Above it the share shrinks in proportion. It is a dial between cash and drawdown, not a source of
    return: 0.4 and 0.6 have the same Sharpe ratio, so this is the middle one."""
    move_at: float = 0.225
    """The share moves only where the wanted one is so far away: between 0.125, which has no hysteresis, and a step. At
    0.2 some years have more than twelve moves."""
    weekday: int = 6
    """The day that decides, Monday 0: Sunday, as the rulebooks of the indices do."""
    lag_days: int = 1
    """Decided at a close, traded so many closes later."""
    cost: float = 0.003
    """Fraction of what is traded, each side: 30 basis points."""

    @property
    def memory_rows(self) -> int:
        """Rows up to and with a date that its readings are made of; more of them change no bit."""
        window = max(*self.trend_days, self.volatility_days, self.breadth_days, 2 * CORRELATION_DAYS)
        return window + 1 + UNIVERSE_ROWS

    def digest(self) -> str:
        """SHA-256 of every number of the rules, in hex."""
        body = {**asdict(self), "method": METHOD, "step": STEP, "dwell_days": DWELL_DAYS}
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    def __post_init__(self) -> None:
        """Raises ValueError naming the field that is out of range."""
        whole = {
            name: getattr(self, name)
            for name in ("count", "breadth_days", "breadth_least", "volatility_days")
        }
        for name, days in {**whole, "trend_days": min(self.trend_days, default=0)}.items():
            if days < 1:
                raise ValueError(f"{name}: must be at least 1, got {days}")
        if self.volatility_days < 2:
            raise ValueError(f"volatility_days: must be at least 2, got {self.volatility_days}")
        if not 0 < self.max_weight <= 1:
            raise ValueError(f"max_weight: must be in (0, 1], got {self.max_weight}")
        if self.volatility_target <= 0:
            raise ValueError(f"volatility_target: must be above 0, got {self.volatility_target}")
        if not STEP / 2 <= self.move_at <= STEP:
            raise ValueError(f"move_at: must be in [{STEP / 2}, {STEP}], got {self.move_at}")
        if self.weekday not in range(7):
            raise ValueError(f"weekday: must be 0 (Monday) to 6 (Sunday), got {self.weekday}")
        if self.lag_days < 0 or self.cost < 0:
            raise ValueError(f"lag_days, cost: must not be negative, got {self.lag_days}, {self.cost}")
