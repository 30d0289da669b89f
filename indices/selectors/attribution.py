"""Why an index did better or worse than its reference, what each token brought, and what it can carry."""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import numpy as np
import pandas as pd

from indices.core.attribution import PARTS, Attribution, blocks, contributions, linked
from indices.core.capacity import CostCurve
from indices.core.events import Airdrop, reach_back
from indices.core.levels import memory_days
from indices.core.reenactment import reenacted
from indices.core.rulebook.deciding import widened
from indices.models import Index, IndexEffect, IndexLevel, RebalanceCost, TargetWeight
from indices.selectors.events import events_known
from indices.selectors.indices import resolved
from indices.selectors.references import Reference, reference
from indices.selectors.steps import steps
from signals import selectors as signal_selectors

LIMITS_BPS = (5, 10, 25, 50)
REBALANCES_LOOKED_AT = 12
LONGEST_SPAN = timedelta(days=366)
"""Contributions are worked out when asked for: a longer span would make a page wait."""


@dataclass(frozen=True)
class Attributed:
    """The whole span and each calendar year in it; `cost` is what costs took of the index alone, as a fraction of its
    growth, and `cash` the mean share in shelter."""

    against: Reference
    first: date
    as_of: date
    whole: Attribution
    years: tuple[tuple[int, Attribution], ...]
    cost: float
    cash: float


@dataclass(frozen=True)
class Contribution:
    """What one token brought: `points` of the level, and as a fraction of the level at the start of the span."""

    slug: str
    symbol: str
    name: str
    points: float
    share: float


@dataclass(frozen=True)
class Contributions:
    """`rows` (the largest first) and `cost` sum to `total`, the change of the level from `first` to `as_of`."""

    first: date
    as_of: date
    total: Contribution
    cost: Contribution
    rows: tuple[Contribution, ...]


@dataclass(frozen=True)
class Capacity:
    """USD at which a rebalance costs `limit_bps` of the index: the median of the last rebalances, and the tightest.

    Infinite where no size reaches the limit, 0 where any size is beyond it.
    """

    limit_bps: int
    typical: float
    tightest: float


def attribution(index: Index | str, *, as_of: date, start: date | None = None) -> Attributed | None:
    """The difference to the reference over [start, as_of] in parts; None where the two have no day in common yet."""
    found = resolved(index)
    stored = IndexEffect.objects.filter(index=found, date__lte=as_of).order_by("date")
    if start is not None:
        stored = stored.filter(date__gt=start)
    fields = ("date", "result", "reference_result", *PARTS, "own_cost", "cash")
    rows = list(stored.values_list(*fields))
    if not rows:
        return None
    days = [row[0] for row in rows]
    table = np.array([row[1:] for row in rows])
    years = np.array([day.year for day in days])
    return Attributed(
        against=reference(found),
        first=_day_before(found, days[0]),
        as_of=days[-1],
        whole=_linked(table),
        years=tuple((int(year), _linked(table[years == year])) for year in np.unique(years)),
        cost=float(-np.expm1(np.log1p(table[:, -2] / (1.0 + table[:, 0] - table[:, -2])).sum())),
        cash=float(table[:, -1].mean()),
    )


def contributions_of(index: Index | str, *, as_of: date, start: date | None = None) -> Contributions | None:
    """What each token ever held in [start, as_of] brought; None without two levels in it.

    The default is the last 366 days, and a longer span is cut to that.
    """
    found = resolved(index)
    earliest = as_of - LONGEST_SPAN
    since = max(start, earliest) if start is not None else earliest
    points = IndexLevel.objects.filter(index=found, date__gte=since, date__lte=as_of).order_by("date")
    levels = list(points.values_list("date", "level"))
    if len(levels) < 2:
        return None
    first, last = levels[0][0], levels[-1][0]
    made = steps(found, since=first, through=last)
    members = frozenset(asset for step in made for asset in step.weights)
    back = max(memory_days(step.rulebook) for step in made)
    events = events_known(as_of=last)
    days = (last - min(first, reach_back(events, made[0].effective_on))).days + back + 1
    wanted = members | {event.into for event in events if isinstance(event, Airdrop) and event.into}
    panel = widened(signal_selectors.panel(as_of=last, days=days, assets=wanted), members)
    held = reenacted(panel, made, events=events).stretches
    low, high = panel.dates.get_indexer(pd.DatetimeIndex([first, last])).tolist()
    block, _ = blocks(held, (), low, high)
    by_day = pd.Series(dict(levels)).reindex(panel.dates[low : high + 1].date).ffill()
    by_name, cost = contributions(block, np.array(by_day.tolist()))
    lines = TargetWeight.objects.filter(decision_id__in=[step.key for step in made]).order_by()
    names = {
        slug: (symbol, name)
        for slug, symbol, name in lines.values_list("asset__slug", "asset__symbol", "asset__name").distinct()
    }
    base = levels[0][1]
    brought = []
    for column, value in zip(block.columns.tolist(), by_name.tolist(), strict=True):
        slug = panel.assets[column]
        brought.append(Contribution(slug, *names[slug], value, value / base))
    brought.sort(key=lambda row: (-row.points, row.slug))
    taken = Contribution("", "", "Trading costs", cost, cost / base)
    change = levels[-1][1] - base
    total = Contribution("", "", "Change of the level", change, change / base)
    return Contributions(first, last, total, taken, tuple(brought))


def capacity(index: Index | str, *, as_of: date) -> tuple[Capacity, ...]:
    """For each of LIMITS_BPS; from the last rebalances traded by `as_of`, the first purchase not counted.

    A rebalance none of whose tokens had a known volume tells nothing and is not counted either. Empty without any.
    """
    stored = RebalanceCost.objects.filter(decision__index=resolved(index), traded_on__lte=as_of)
    first = stored.order_by("traded_on").values_list("pk", flat=True).first()
    recent = stored.exclude(pk=first).filter(slope__gt=0).order_by("-traded_on")[:REBALANCES_LOOKED_AT]
    curves = [CostCurve(fixed, slope) for fixed, slope in recent.values_list("fixed", "slope")]
    if not curves:
        return ()
    found = []
    for bps in LIMITS_BPS:
        sizes = [curve.capacity(bps / 10_000) for curve in curves]
        found.append(Capacity(bps, median(sizes), min(sizes)))
    return tuple(found)


def _linked(table: np.ndarray) -> Attribution:
    parts = {name: table[:, 2 + place] for place, name in enumerate(PARTS)}
    return linked(table[:, 0], table[:, 1], parts)


def _day_before(index: Index, day: date) -> date:
    before = IndexLevel.objects.filter(index=index, date__lt=day).order_by("-date")
    return before.values_list("date", flat=True).first() or day
