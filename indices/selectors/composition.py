"""How the make-up of an index went: its target weights over time, its share outside stablecoins, its members' moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db.models import Sum

from indices.core.exact import weight_float
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, TargetWeight
from indices.selectors.indices import resolved
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class Held:
    """One asset's target weights, fractions, one for each day of the composition."""

    slug: str
    symbol: str
    name: str
    weights: list[float]


@dataclass(frozen=True)
class Composition:
    """Target weights in force from each of `days`, oldest first: the largest assets, all others, and what waits in
    stablecoins by the overlay. They sum to 1 on every day."""

    days: list[date]
    largest: list[Held]
    rest: list[float]
    waiting: list[float]


def composition(
    index: Index | str, *, as_of: date, start: date | None = None, largest: int = 8, points: int = 120
) -> Composition | None:
    """The target weights that were in force within [start, as_of], at most `points` rebalances of them.

    `largest` assets by their sum over those days stand alone, largest first. None before the first purchase.
    """
    found = resolved(index)
    traded = _traded(found, as_of)
    if start is not None:
        earlier = [step for step in traded if step[1] <= start]
        traded = [*earlier[-1:], *(step for step in traded if step[1] > start)]
    if not traded:
        return None
    kept = _spread(traded, points)
    ids = [pk for pk, _ in kept]
    lines = TargetWeight.objects.filter(decision_id__in=ids)
    waiting = waiting_slugs(found, as_of=as_of)
    ranked = lines.exclude(asset__slug__in=waiting).values("asset_id").annotate(total=Sum("weight"))
    top = list(ranked.order_by("-total", "asset_id").values_list("asset_id", flat=True)[:largest])
    place = {pk: number for number, pk in enumerate(ids)}
    alone: dict[int, Held] = {}
    cash = [0.0] * len(ids)
    rows = (lines.filter(asset_id__in=top) | lines.filter(asset__slug__in=waiting)).values_list(
        "decision_id", "asset_id", "asset__slug", "asset__symbol", "asset__name", "weight"
    )
    for decision, asset, slug, symbol, name, weight in rows:
        if slug in waiting:
            cash[place[decision]] += weight_float(weight)
            continue
        held = alone.setdefault(asset, Held(slug, symbol, name, [0.0] * len(ids)))
        held.weights[place[decision]] = weight_float(weight)
    shown = [alone[asset] for asset in top]
    rest = [max(0.0, 1.0 - cash[at] - sum(held.weights[at] for held in shown)) for at in range(len(ids))]
    days = [day if start is None else max(day, start) for _, day in kept]
    if days[-1] < as_of:
        # What was bought last is still held today.
        days.append(as_of)
        for column in (rest, cash, *(held.weights for held in shown)):
            column.append(column[-1])
    return Composition(days=days, largest=shown, rest=rest, waiting=cash)


def invested_shares(index: Index | str, *, as_of: date) -> list[tuple[date, float]]:
    """(effective day, target share outside the overlay's stablecoins), oldest first; empty without an overlay."""
    found = resolved(index)
    waiting = waiting_slugs(found, as_of=as_of)
    if not waiting:
        return []
    traded = _traded(found, as_of)
    cash: dict[int, float] = {}
    lines = TargetWeight.objects.filter(decision_id__in=[pk for pk, _ in traded], asset__slug__in=waiting)
    for decision, weight in lines.values_list("decision_id", "weight"):
        cash[decision] = cash.get(decision, 0.0) + weight_float(weight)
    return [(day, 1.0 - cash.get(pk, 0.0)) for pk, day in traded]


def waiting_slugs(index: Index | str, *, as_of: date) -> frozenset[str]:
    """The stablecoins into which the overlay of any version of the rules in use by `as_of` moves; empty without one."""
    used = (
        Decision.objects.filter(index=resolved(index), as_of__lte=as_of)
        .order_by("rulebook_id")
        .distinct("rulebook_id")
        .values_list("rulebook__body", flat=True)
    )
    return frozenset(slug for body in used for slug in _basket(Rulebook.from_dict(body)))


def changes(slugs: Iterable[str], *, as_of: date, days: int) -> dict[str, float]:
    """Slug -> change of its close over the `days` days to `as_of`, fraction; absent where one of the two is unknown.

    Raises signals.selectors.NotYetKnown where `as_of` has not closed.
    """
    wanted = list(slugs)
    if not wanted:
        return {}
    panel = signal_selectors.panel(as_of=as_of, days=days + 1, assets=wanted)
    if len(panel.dates) < 2 or (panel.dates[-1] - panel.dates[0]).days != days:
        return {}
    moved = panel.close[-1] / panel.close[0] - 1.0
    known = ~np.isnan(moved)
    return {slug: float(moved[at]) for at, slug in enumerate(panel.assets) if known[at]}


def _basket(rulebook: Rulebook) -> list[str]:
    return list(rulebook.overlay.basket) if rulebook.overlay.regime else []


def _traded(index: Index, as_of: date) -> list[tuple[int, date]]:
    steps = Decision.objects.filter(index=index, effective_on__lte=as_of, is_held=False)
    return list(steps.order_by("effective_on", "as_of").values_list("pk", "effective_on"))


def _spread(traded: list[tuple[int, date]], points: int) -> list[tuple[int, date]]:
    # Counted from the end: the newest is always there, and the oldest too.
    step = max(1, -(-len(traded) // points))
    kept = traded[::-1][::step][::-1]
    return kept if kept[0] == traded[0] else [traded[0], *kept]
