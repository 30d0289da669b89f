"""Why a person's money gained or lost: by index, by token, and by what would have happened anyway."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from django.db.models import Sum

from indices import selectors as index_selectors
from portfolios.core.contributions import Stretch, contributions
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.returns import CLOSE, OPENING
from portfolios.core.valuation import cost_share
from portfolios.models import Account, Dealing, Posting, User
from portfolios.selectors.fees import fee_lines
from portfolios.selectors.returns.alternatives import Span
from portfolios.selectors.returns.books import standing
from portfolios.selectors.returns.holding import BookRecord
from signals import selectors as signal_selectors
from signals.core import clock, figures

WHOLE = 1
"""Stands for all units of a pot that has one holder alone."""
LONGEST = timedelta(days=366)
"""Contributions of tokens are worked out when asked for: a longer span would make a page wait."""


@dataclass(frozen=True)
class Part:
    """One line of an attribution: `key` is a token's slug or the name of a cost."""

    key: str
    name: str
    usd: Decimal


@dataclass(frozen=True)
class ByToken:
    """`tokens` (largest first) and `others` sum to the gain exactly."""

    tokens: tuple[Part, ...]
    others: tuple[Part, ...]


@dataclass(frozen=True)
class Split:
    """market + choice + costs = gain, exactly: what the market would have brought the same money, what the choice of
    index brought beside it before costs, and what trading and fees took."""

    market: Decimal
    choice: Decimal
    costs: Decimal


def split_of(gain: Decimal, *, market: Decimal | None, without_costs: Decimal | None) -> Split | None:
    """The parts of `gain`, given what the same flows would have gained in the market and without costs."""
    if market is None or without_costs is None:
        return None
    return Split(market=market, choice=without_costs - market, costs=gain - without_costs)


def by_token(user: User, spans: Sequence[Span], gain: int) -> ByToken:
    """The gain of these holdings over their spans, token by token, and what else it is made of."""
    brought: dict[str, int] = defaultdict(int)
    orders = rebalances = fees = 0
    for span in spans:
        for token, micro in contributions(_stretches(span)).items():
            brought[token] += micro
        first, last = span.steps[0].day, span.steps[-1].day
        inside = [
            flow
            for flow in span.held.flows
            if first <= flow.day <= last and not (span.has_opening and flow.day == first)
        ]
        orders += sum(flow.cost for flow in inside)
        rebalances += _rebalance_costs(span, after=first if span.has_opening else None, through=last)
        charged = fee_lines(
            user,
            start=first + timedelta(days=1) if span.has_opening else first,
            end=last,
            portfolio_id=span.held.portfolio_id,
        )
        fees += sum(to_base(line.usd, USD_SCALE) for line in charged)
    names = signal_selectors.assets_by_slug(list(brought))
    tokens = sorted(
        (Part(slug, names[slug].name, from_base(micro, USD_SCALE)) for slug, micro in brought.items()),
        key=lambda part: (-part.usd, part.key),
    )
    rest = gain - sum(brought.values()) + orders + rebalances + fees
    others = (
        Part("orders", "Trading costs of your orders", from_base(-orders, USD_SCALE)),
        Part("rebalances", "Trading costs of rebalances", from_base(-rebalances, USD_SCALE)),
        Part("fees", "Fees of the house", from_base(-fees, USD_SCALE)),
        Part("rest", "Moves between a dealing and the close, and rounding", from_base(rest, USD_SCALE)),
    )
    return ByToken(tuple(tokens), others)


def _stretches(span: Span) -> list[Stretch]:
    """From each close (or the opening) to the next close, with what the pot held at the first."""
    # A sale of everything is the last that was seen of the holding: no close follows it.
    closes = [step for step in span.steps if step.event in (CLOSE, OPENING) or not step.units]
    if len(closes) < 2:
        return []
    pot = _Pot(span.held.portfolio_id) if span.held.book is None else _BookPot(span.held.book)
    marks = index_selectors.close_marks(pot.tokens, start=closes[0].day, end=closes[-1].day)

    def marked(day: date) -> dict[str, Decimal]:
        return {slug: by_day[day] for slug, by_day in marks.items() if day in by_day}

    stretches = []
    for one, other in pairwise(closes):
        # The opening stands for the close of its day; a later flow changes the units, not the ones held at `one`.
        units = to_base(one.units or Decimal(0), UNIT_SCALE)
        quantities, issued = pot.at(one.day)
        if units and span.held.book is not None:
            units = WHOLE
        if units and issued:
            stretches.append(Stretch(units, issued, quantities, marked(one.day), marked(other.day)))
    return stretches


class _Pot:
    """What a portfolio held and had issued at each close, from its postings."""

    def __init__(self, portfolio_id: int) -> None:
        rows = (
            Posting.objects.filter(
                account__portfolio_id=portfolio_id,
                account__kind__in=[Account.Kind.ASSETS, Account.Kind.ISSUED],
                asset__kind__in=["token", "unit"],
            )
            .values_list("asset__token__slug", "entry__effective_at")
            .annotate(total=Sum("amount"))
            .order_by("entry__effective_at")
        )
        self._days: dict[str | None, tuple[list[date], list[Decimal]]] = {}
        for slug, at, amount in rows:
            days, sums = self._days.setdefault(slug, ([], []))
            days.append(figures.market_day(at))
            sums.append((sums[-1] if sums else Decimal(0)) + amount)

    @property
    def tokens(self) -> list[str]:
        """Slugs of every token it ever held."""
        return [slug for slug in self._days if slug is not None]

    def at(self, day: date) -> tuple[dict[str, Decimal], int]:
        """(token -> quantity, base units issued) at the close of `day`."""
        found = {slug: self._standing(slug, day) for slug in self._days}
        issued = -found.pop(None, Decimal(0))
        return {slug: amount for slug, amount in found.items() if slug is not None and amount}, to_base(
            issued, UNIT_SCALE
        )

    def _standing(self, slug: str | None, day: date) -> Decimal:
        days, sums = self._days[slug]
        place = bisect_right(days, day)
        return sums[place - 1] if place else Decimal(0)


class _BookPot:
    """What a personal portfolio held at each close; all of it is the holder's."""

    def __init__(self, record: BookRecord) -> None:
        self._record = record

    @property
    def tokens(self) -> list[str]:
        """Slugs of every token it ever held."""
        return sorted({slug for _, held in self._record.quantities for slug in held})

    def at(self, day: date) -> tuple[dict[str, Decimal], int]:
        """(token -> quantity, WHOLE)."""
        return standing(self._record, day), WHOLE


def _rebalance_costs(span: Span, *, after: date | None, through: date) -> int:
    """Micro-dollars that rebalances cost the holder: of each its share by units, as the activity shows it."""
    if span.held.book is not None:
        inside = (
            cost for day, cost in span.held.book.costs if day <= through and (after is None or day > after)
        )
        return sum(inside)
    flows = span.held.flows
    dealings = [flow.dealing_id for flow in flows]
    sums, units = [], 0
    for flow in flows:
        units += flow.units
        sums.append(units)
    total = 0
    rows = Dealing.objects.filter(
        portfolio_id=span.held.portfolio_id,
        kind=Dealing.Kind.REBALANCE,
        is_open=False,
        cycle__priced_at__gte=flows[0].at,
        cycle__priced_at__lte=clock.end_of_day(through),
    )
    for pk, at, cost, before in rows.values_list("pk", "cycle__priced_at", "cost_usd", "units_before"):
        if after is not None and figures.market_day(at) <= after:
            continue
        place = bisect_right(dealings, pk)
        held, issued = (sums[place - 1] if place else 0), to_base(before, UNIT_SCALE)
        if held > 0 and issued > 0:
            total += cost_share(to_base(cost, USD_SCALE), min(held, issued), issued)
    return total
