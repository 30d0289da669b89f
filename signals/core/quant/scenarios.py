"""What a token would be worth if the whole market were larger or smaller: arithmetic, not a forecast."""

from __future__ import annotations

from dataclasses import dataclass

MARKETS: tuple[tuple[str, float], ...] = (
    ("A quarter of today", 0.25),
    ("Half of today", 0.5),
    ("As today", 1.0),
    ("Twice today", 2.0),
    ("Four times today", 4.0),
)
SHARES = (0.5, 1.0, 2.0)
"""The token's share of the whole market, as a multiple of today's."""
METHOD = (
    "Price = total market cap of the scenario × the token’s share of it ÷ its supply. Supply is today’s market cap ÷ "
    "price and stays; the share is today’s, half or twice of it. Nothing says that any of these will come about."
)


@dataclass(frozen=True)
class Scenario:
    """One size of the market: the total cap, USD, its change, and the token's price, USD, at each of SHARES."""

    title: str
    total_cap: float
    change: float
    prices: tuple[float, ...]


def scenarios(
    *,
    price: float,
    market_cap: float | None,
    total_cap: float | None,
    low: float | None = None,
    high: float | None = None,
) -> list[Scenario]:
    """The table, smallest market first. `low` and `high` are the least and most total cap of the last year, USD.

    price × (total of the scenario ÷ total of today) × change of share; supply = market_cap ÷ price stays. Empty where
    the token's cap or the total is unknown: its share would be.
    """
    if not market_cap or not total_cap:
        return []
    rows = [(title, total_cap * factor) for title, factor in MARKETS]
    if low is not None:
        rows.append(("Low of the last year", low))
    if high is not None:
        rows.append(("High of the last year", high))
    supply = market_cap / price
    share = market_cap / total_cap
    return [
        Scenario(
            title=title,
            total_cap=total,
            change=total / total_cap - 1.0,
            prices=tuple(total * share * change / supply for change in SHARES),
        )
        for title, total in sorted(rows, key=lambda row: row[1])
    ]
