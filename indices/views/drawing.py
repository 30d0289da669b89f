"""The charts of a factsheet: series out of the selectors, geometry out of core.charting."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from indices import selectors
from indices.core.charting.areas import Part, StackedChart, stacked_chart, step_area
from indices.core.charting.lines import LinesChart, Named, Values, drawdowns, lines_chart, rebased
from indices.core.charting.shades import shade
from indices.core.charting.treemap import Tile, treemap
from indices.models import Index
from indices.selectors.composition import Composition, changes, composition, invested_shares
from indices.selectors.references import BITCOIN, BITCOIN_HELD, reference
from indices.views.asking import Asked
from signals import selectors as signal_selectors
from signals.core import figures

NAME_FITS = 14
CHANGE_DAYS = 7
TILES = 30
SHADES = (0.01, 0.05, 0.15)


def charts(index: Index, *, day: date, asked: Asked) -> dict[str, Any]:
    """Everything drawn over the range asked for, as the fragment's context; None where there is too little to draw."""
    start = asked.first_day(day)
    own = Named("main", short_name(index), selectors.levels(index, end=day))
    series = [own, *companions(index, own.values, day=day)]
    shown = [Named(one.key, one.name, since(one.values, start)) for one in series]
    levels = lines_chart(
        [
            shown[0],
            *(Named(one.key, one.name, rebased(one.values, onto=shown[0].values)) for one in shown[1:]),
        ],
        scale=asked.scale,
    )
    return {
        "asked": asked,
        "levels": levels,
        "band": band(index, levels, day=day),
        "falls": lines_chart(
            [Named(one.key, one.name, since(drawdowns(one.values), start)) for one in series],
            scale="linear",
            write=whole_percent,
        ),
        "rolling": lines_chart(
            [Named(one.key, one.name, since(moved(one.values, asked.window), start)) for one in series],
            write=growth,
        ),
        "weights": weights_chart(
            composition(index, as_of=day, start=None if levels is None else levels.first)
        ),
    }


def companions(index: Index, own: Values, *, day: date) -> list[Named]:
    """What an index is measured against, as in its statistics: its reference (passive twin, else the market index), and
    bitcoin. Nothing of them from before the index's first day."""
    if not own:
        return []
    first = own[0][0]
    found = []
    against = reference(index)
    if against.index is not None:
        name = "Passive twin" if against.kind == "twin" else short_name(against.index)
        found.append(Named("second", name, selectors.levels(against.index, start=first, end=day)))
    closes = bitcoin_closes(first=first, day=day)
    if closes:
        found.append(Named("third", BITCOIN_HELD.name, closes))
    return found


def bitcoin_closes(*, first: date, day: date) -> Values:
    """Bitcoin's closes in USD over [first, day], oldest first; empty in a market without it."""
    panel = signal_selectors.panel(as_of=day, days=(day - first).days + 1, assets=[BITCOIN])
    if not panel.assets:
        return []
    closes = panel.close[:, 0]
    known = ~np.isnan(closes)
    return list(zip(panel.dates[known].date.tolist(), closes[known].tolist(), strict=True))


def band(index: Index, levels: LinesChart | None, *, day: date) -> dict[str, Any] | None:
    """The share of the index in the market under its level chart; None without an overlay."""
    shares = invested_shares(index, as_of=day)
    if levels is None or not shares:
        return None
    path = step_area(shares, first=levels.first, last=levels.last)
    return {"path": path, "now": shares[-1][1], "since": shares[-1][0]} if path else None


def weights_chart(found: Composition | None) -> StackedChart | None:
    """Target weights over time: the largest tokens from the bottom up, the others, and what waits in stablecoins."""
    if found is None:
        return None
    parts = [
        Part(f"l{number}", held.symbol, held.weights) for number, held in enumerate(found.largest, start=1)
    ]
    parts += [Part("rest", "Others", found.rest), Part("waiting", "Stablecoins", found.waiting)]
    return stacked_chart(found.days, parts)


def tiles(holdings: list[selectors.HoldingRow], *, day: date) -> list[dict[str, Any]]:
    """What is held today as a treemap: the largest TILES by weight, and the others together."""
    held = sorted(
        (row for row in holdings if row.drifted_weight > 0), key=lambda row: (-row.drifted_weight, row.slug)
    )
    head, tail = held[:TILES], held[TILES:]
    sizes = [row.drifted_weight for row in head]
    moved_by = changes([row.slug for row in head], as_of=day, days=CHANGE_DAYS)
    drawn: list[dict[str, Any]] = [
        {"row": row, "change": moved_by.get(row.slug), "shade": shade(moved_by.get(row.slug), steps=SHADES)}
        for row in head
    ]
    rest = sum(row.drifted_weight for row in tail)
    if rest > 0:
        sizes.append(rest)
        drawn.append({"others": len(tail), "weight": rest, "shade": "rest"})
    places: list[Tile] = treemap(sizes)
    return [item | {"tile": tile} for item, tile in zip(drawn, places, strict=True)]


def moved(values: Values, window: int) -> Values:
    """What 1 had become over the `window` days to each day, where both ends are known."""
    by_day = dict(values)
    span = timedelta(days=window)
    return [(day, value / by_day[day - span]) for day, value in values if by_day.get(day - span)]


def since(values: Values, start: date | None) -> Values:
    """The values from `start` on, all where it is None."""
    return values if start is None else [point for point in values if point[0] >= start]


def short_name(index: Index) -> str:
    """The name without ours, where it fits beside a line; else `Index`."""
    name = index.name.removeprefix("Bellwether ")
    return name if len(name) <= NAME_FITS else "Index"


def whole_percent(value: float) -> str:
    """A fraction as a label of a scale: `-35%`."""
    return figures.percent(value, 0)


def growth(value: float) -> str:
    """What 1 has become as a label of a scale: `+150%`."""
    return figures.signed_percent(value - 1.0, 0)
