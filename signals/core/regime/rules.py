"""Every number of the regime in one place, each with its reason."""

from dataclasses import dataclass

STEP = 0.25
"""Risk shares are multiples of it: five states are enough to move by degrees and few enough to be explained."""
DWELL_DAYS = 7
"""A share stands at least so long: a trend filter that may turn every day pays for noise."""


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
    """Means that the market's level is compared with, a vote each: short, middle and long, as which one is best changes
    from one market to the next."""
    breadth_days: int = 50
    """Each token's close is compared with its own mean over so many days."""
    breadth_share: float = 0.5
    """Breadth votes for risk where more than half of the tokens are above their mean."""
    breadth_least: int = 10
    """Fewer tokens than this have no breadth."""
    votes_least: int = 2
    """Fewer known votes than this decide nothing."""
    volatility_days: int = 30
    """A month of daily moves: long enough to be steady, short enough to see a crash within days."""
    volatility_target: float = 0.4
    """Per year. Above it the share shrinks in proportion; half of the market's long-run volatility of about 0.8."""
    move_at: float = 0.2
    """The share moves only where the wanted one is so far away: between 0.125, which has no hysteresis, and a step."""
    weekday: int = 6
    """The day that decides, Monday 0: Sunday, as the rulebooks of the indices do."""
    lag_days: int = 1
    """Decided at a close, traded so many closes later."""
    cost: float = 0.003
    """Fraction of what is traded, each side: 30 basis points."""

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
