"""A published regime, for tests of what reads it."""

from __future__ import annotations

from datetime import date

from signals.models import Market, Regime
from signals.selectors.regime import regime_version

READINGS = {"trend_50": 0.04, "leader_50": None, "breadth": 0.6, "volatility": 0.8, "leader": "alpha"}


def regime_make(market: Market, day: date, *, risk_share: int = 50, passive: float = 1.2) -> Regime:
    """The regime of `market` on `day`, with some readings and the figures of a ledger."""
    return Regime.objects.create(
        as_of=day,
        rules_version=regime_version(market),
        risk_share=risk_share,
        wanted=0.55,
        moved_on=date(2022, 1, 9),
        readings=READINGS,
        ledger={"passive": passive, "followed": 1.1, "cash": 0.4, "upside_missed": 0.3, "switches": 2.0},
    )
