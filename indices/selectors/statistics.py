"""Every figure of an index at a day, its reference and bitcoin beside it over the same days."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from indices.core import metrics
from indices.core.metrics import Fall, Figure, Period, Rolling
from indices.models import Index, IndexLevel
from indices.selectors.decisions import decision_in_force, decisions
from indices.selectors.indices import resolved
from indices.selectors.references import BITCOIN, BITCOIN_HELD, Reference, reference
from signals import selectors as signal_selectors

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """Levels of one thing over days that all things compared have. `kind`: index, twin, market or asset."""

    kind: str
    slug: str
    name: str
    dates: list[date]
    levels: Array


@dataclass(frozen=True)
class Column:
    """The figures of one series by key; `against` those of the index against it (empty for the index itself)."""

    kind: str
    slug: str
    name: str
    figures: dict[str, Figure]
    against: dict[str, Figure]


@dataclass(frozen=True)
class Statistics:
    """From the close of `first` to that of `as_of`. `columns` begin with the index; `falls` (deepest first), `months`
    and `years` are the index's own. `composition` is by key, of the decision in force."""

    slug: str
    name: str
    first: date
    as_of: date
    days: int
    level: float
    columns: tuple[Column, ...]
    falls: tuple[Fall, ...]
    months: tuple[Period, ...]
    years: tuple[Period, ...]
    composition: dict[str, Figure]


def statistics(index: Index | str, *, as_of: date, start: date | None = None) -> Statistics | None:
    """Every figure over [start, as_of], default the whole history; None where there are not two levels in it.

    Series that do not reach over the first day of the index are compared from their own first day on, all of them:
    the span is that which all have. Raises signals.selectors.NotYetKnown and IndexNotFound.
    """
    found = resolved(index)
    series = compared(found, as_of=as_of, start=start)
    if not series or len(series[0].dates) < 2:
        return None
    own = series[0]
    columns = tuple(
        Column(
            each.kind,
            each.slug,
            each.name,
            metrics.growth_figures(each.levels, each.dates),
            metrics.relative_figures(own.levels, each.levels, own.dates) if each is not own else {},
        )
        for each in series
    )
    return Statistics(
        slug=found.slug,
        name=found.name,
        first=own.dates[0],
        as_of=own.dates[-1],
        days=(own.dates[-1] - own.dates[0]).days,
        level=float(own.levels[-1]),
        columns=columns,
        falls=tuple(metrics.falls(own.levels, own.dates)),
        months=tuple(metrics.months(own.levels, own.dates)),
        years=tuple(metrics.years(own.levels, own.dates)),
        composition=composition(found, as_of=as_of, start=own.dates[0]),
    )


def compared(index: Index, *, as_of: date, start: date | None = None) -> list[Series]:
    """The index, its reference and bitcoin on the days that all of them have, oldest first; empty without levels.

    A reference without a common day with the index is left out.
    """
    own = _points(index, as_of, start)
    if not own:
        return []
    against = reference(index)
    found: list[tuple[Reference | None, dict[date, float]]] = [(None, own)]
    if against.index is not None:
        found.append((against, _points(against.index, as_of, start)))
    found.append((BITCOIN_HELD, _bitcoin(as_of=as_of, first=next(iter(own)))))
    kept = [(about, points) for about, points in found if about is None or points.keys() & own.keys()]
    first = max(next(iter(points)) for _, points in kept)
    days = [day for day in own if day >= first and all(day in points for _, points in kept)]
    return [
        Series(
            "index" if about is None else about.kind,
            index.slug if about is None else about.slug,
            index.name if about is None else about.name,
            days,
            np.array([points[day] for day in days]),
        )
        for about, points in kept
    ]


def rolling(index: Index | str, *, as_of: date, window: int) -> tuple[list[date], Rolling] | None:
    """Statistics of every `window` days up to `as_of` with the day each window ends on; None for a younger index."""
    points = _points(resolved(index), as_of, None)
    made = metrics.rolling(np.array(list(points.values())), window) if points else None
    return None if made is None else (list(points)[window:], made)


def composition(index: Index, *, as_of: date, start: date) -> dict[str, Figure]:
    """What the decision in force at `as_of` is like, and how much was traded per year since `start`."""
    weights = _targets(index, as_of)
    if not weights:
        return {}
    against = reference(index)
    other = {against.slug: 1.0} if against.index is None else _targets(against.index, as_of)
    traded = decisions(index, as_of=as_of).filter(is_held=False, effective_on__gt=start)
    turnovers = list(traded.filter(effective_on__lte=as_of).values_list("turnover", flat=True))
    days = (as_of - start).days
    both = metrics.turnover_per_year(turnovers, days)
    year = "" if both is not None else f"{days} days of history; nothing is stated per year under 365"
    figures = [
        Figure("names", len(weights)),
        Figure("effective_names", metrics.effective_names(weights)),
        Figure("top10_share", metrics.top_share(weights)),
        Figure(
            "active_share",
            metrics.active_share(weights, other) if other else None,
            "" if other else f"{against.name} holds nothing yet",
        ),
        Figure("rebalances", len(turnovers)),
        Figure("turnover_one_sided", None if both is None else both / 2, year),
        Figure("turnover_two_sided", both, year),
    ]
    return {figure.key: figure for figure in figures}


def _points(index: Index, as_of: date, start: date | None) -> dict[date, float]:
    stored = IndexLevel.objects.filter(index=index, date__lte=as_of).order_by("date")
    if start is not None:
        stored = stored.filter(date__gte=start)
    return dict(stored.values_list("date", "level"))


def _bitcoin(*, as_of: date, first: date) -> dict[date, float]:
    try:
        # The panel is read by COPY: thousands of days in some milliseconds.
        panel = signal_selectors.panel(as_of=as_of, days=(as_of - first).days + 1, assets=[BITCOIN])
    except signal_selectors.MarketNotLoaded:
        return {}
    if not panel.assets:
        return {}
    known = ~np.isnan(panel.close[:, 0])
    return dict(zip(panel.dates[known].date.tolist(), panel.close[known, 0].tolist(), strict=True))


def _targets(index: Index, as_of: date) -> dict[str, float]:
    decision = decision_in_force(index, as_of=as_of)
    if decision is None:
        return {}
    lines = decision.weights.values_list("asset__slug", "weight")
    return {slug: float(weight) for slug, weight in lines}


__all__ = ["Column", "Series", "Statistics", "compared", "composition", "rolling", "statistics"]
