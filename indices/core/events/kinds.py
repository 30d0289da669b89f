"""The kinds of events, as they are declared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any


class EventError(ValueError):
    """An event cannot be used; the message names it, what was wrong and what to do."""


@dataclass(frozen=True)
class Redenomination:
    """One old unit of `asset` becomes `ratio` new ones: prices from `day` on are of a new unit."""

    asset: str
    day: date
    ratio: float

    def to_dict(self) -> dict[str, Any]:
        """As `events_from` reads it."""
        return {"kind": "redenomination", "asset": self.asset, "day": str(self.day), "ratio": self.ratio}


@dataclass(frozen=True)
class Airdrop:
    """A fork or airdrop: who held `asset` at the close before `day` receives something, which is sold at the close of
    `day` for more of `asset`.

    It is worth `units_per_unit` of `into` at that close, or `value_fraction` of the asset's own close.
    """

    asset: str
    day: date
    into: str = ""
    units_per_unit: float = 0.0
    value_fraction: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As `events_from` reads it."""
        found = {"kind": "airdrop", "asset": self.asset, "day": str(self.day)}
        worth = (
            {"value_fraction": self.value_fraction}
            if self.value_fraction
            else {"units_per_unit": self.units_per_unit}
        )
        return {**found, **({"into": self.into} if self.into else {}), **worth}


@dataclass(frozen=True)
class Halt:
    """`asset` cannot be traded from the close of `from_` until before that of `until` (None: not known yet); its price
    is the last one before."""

    asset: str
    from_: date
    until: date | None = None

    @property
    def day(self) -> date:
        """The first day."""
        return self.from_

    def to_dict(self) -> dict[str, Any]:
        """As `events_from` reads it."""
        until = {} if self.until is None else {"until": str(self.until)}
        return {"kind": "halt", "asset": self.asset, "from": str(self.from_), **until}


@dataclass(frozen=True)
class Delisting:
    """`asset` ends on `day`: what is held returns `return_` on its last price before (None: what the rulebook's
    delisting clause says), stays at that, and leaves at the next rebalance."""

    asset: str
    day: date
    return_: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `events_from` reads it."""
        end = {} if self.return_ is None else {"return": self.return_}
        return {"kind": "delisting", "asset": self.asset, "day": str(self.day), **end}


Event = Redenomination | Airdrop | Halt | Delisting
