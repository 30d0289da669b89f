"""What an index holds on a day, and the door through which prices become Decimals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from indices.core import exact
from indices.core.eligibility import day_numbers
from indices.core.levels import buyable, drift, memory_days
from indices.core.rulebook import Rulebook
from indices.core.rulebook.deciding import widened
from indices.models import Decision, Index, TargetWeight
from indices.selectors.decisions import decision_in_force
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class HoldingRow:
    """One line of an index. `weight` is the target, `drifted_weight` what the market has made of it by `as_of`."""

    slug: str
    symbol: str
    name: str
    weight: Decimal
    drifted_weight: float
    price: float | None
    rank: int | None
    reason: str


def holdings(index: Index | str, *, as_of: date) -> list[HoldingRow]:
    """What the index holds after the close of `as_of`, largest target first; empty before its first purchase.

    `price` is the close of `as_of` in USD, None where that day has none. Raises signals.selectors.NotYetKnown where
    `as_of` has not closed.
    """
    decision = decision_in_force(index, as_of=as_of)
    if decision is None:
        return []
    lines = list(
        TargetWeight.objects.filter(decision=decision)
        .order_by("-weight", "asset__slug")
        .values_list("asset__slug", "asset__symbol", "asset__name", "weight", "rank")
    )
    weights = {slug: exact.weight_float(weight) for slug, _, _, weight, _ in lines}
    drifted, closes = _drifted(decision, weights, as_of)
    return [
        HoldingRow(
            slug, symbol, name, weight, drifted[slug], closes[slug], rank, decision.reasons.get(slug, "")
        )
        for slug, symbol, name, weight, rank in lines
    ]


def mark_prices(asset_slugs: Iterable[str], *, at: datetime) -> dict[str, Decimal]:
    """The mark of each asset at the moment `at`, USD; an asset without one, or with one below 1e-18 USD, is absent."""
    marks = signal_selectors.prices(list(asset_slugs), at=at)
    return {slug: exact.price_exact(price) for slug, price in marks.items() if price >= exact.SMALLEST_PRICE}


def _drifted(
    decision: Decision, weights: dict[str, float], as_of: date
) -> tuple[dict[str, float], dict[str, float | None]]:
    rulebook = Rulebook.from_dict(decision.rulebook.body)
    days = (as_of - decision.effective_on).days + memory_days(rulebook) + 1
    panel = widened(signal_selectors.panel(as_of=as_of, days=days, assets=weights), frozenset(weights))
    slugs = sorted(weights)
    days_of = day_numbers(panel)
    columns = np.array([panel.assets.index(slug) for slug in slugs], dtype=np.intp)
    first = min(int(panel.dates.searchsorted(np.datetime64(decision.effective_on))), len(panel.dates) - 1)
    bought, parts = buyable(
        panel,
        days_of,
        columns=columns,
        weights=np.array([weights[slug] for slug in slugs]),
        row=first,
        rulebook=rulebook,
    )
    path = drift(
        panel,
        days_of,
        columns=bought,
        weights=parts,
        first=first,
        last=len(panel.dates) - 1,
        rulebook=rulebook,
    )
    held = np.zeros(len(panel.assets))
    held[bought] = path.weights(-1)
    closed_today = panel.dates[-1].date() == as_of
    closes = panel.close[-1, columns]
    return (
        dict(zip(slugs, held[columns].tolist(), strict=True)),
        {
            slug: float(close) if closed_today and not np.isnan(close) else None
            for slug, close in zip(slugs, closes, strict=True)
        },
    )
