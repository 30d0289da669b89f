"""What a person owns and what happened to it."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors as index_selectors
from indices.core.calendar import determination_days, effective_day
from indices.core.rulebook import Rulebook
from portfolios import selectors
from portfolios.models import User
from portfolios.selectors.returns.books import BookHistory, book_histories
from portfolios.views.visitors import person
from signals import selectors as signal_selectors
from signals.core import figures
from signals.core.charting import line_chart, sparkline

ONE_QUARTER = timedelta(days=100)
"""Longer than the longest period of a rulebook's calendar."""


@login_required
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Total value, cash, every holding down to its tokens, and what is on its way."""
    user = person(request)
    held = selectors.holdings(user)
    orders = selectors.orders(user, open_only=True)
    dealt = (order.amount for order in orders if order.status == "dealing" and order.side == "invest")
    # Money in a dealing has left the reserve and has no units yet: it is the person's all the same.
    cash, under_way = selectors.cash(user), selectors.reserved(user) + sum(filter(None, dealt), Decimal(0))
    invested = sum((holding.value_usd for holding in held), Decimal(0))
    cost = sum((holding.invested_usd for holding in held), Decimal(0))
    pools = {
        holding.index_slug: unit_prices(holding.index_slug) for holding in held if holding.book_id is None
    }
    books: Mapping[int, BookHistory] = {}
    if any(holding.book_id for holding in held):
        books = book_histories(user, through=signal_selectors.last_closed_day())
    context = {
        "holdings": [
            {
                "holding": holding,
                "widest": max((position.weight for position in holding.positions), default=Decimal(0)),
                "sparkline": sparkline(path_of(holding, pools, books)[-365:]),
                # A personal portfolio has rebalances of its own: the pool's are not its.
                "last_rebalance": None if holding.book_id else last_rebalance(holding.index_slug),
                "next_rebalance": next_rebalance(holding.index_slug),
            }
            for holding in held
        ],
        "total": invested + cash + under_way,
        "invested": invested,
        "gain": invested - cost,
        "gain_share": (invested - cost) / cost if cost else None,
        "cash": cash,
        "under_way": under_way,
        "orders": orders,
        "notices": selectors.price_notices(held, orders),
        "chart": line_chart(value_history(user, pools, books), write=figures.chart_usd) if held else None,
        "indices": [] if held else index_selectors.index_list(),
    }
    return render(request, "portfolios/dashboard.html", context)


def path_of(
    holding: selectors.Holding,
    pools: Mapping[str, list[tuple[date, Decimal]]],
    books: Mapping[int, BookHistory],
) -> list[Decimal]:
    """Value per unit at each close, oldest first; of a personal portfolio what 100 dollars in it became."""
    if holding.book_id is None:
        return [price for _, price in pools[holding.index_slug]]
    history = books.get(holding.book_id)
    return [] if history is None else list(history.prices.values())


def unit_prices(index_slug: str) -> list[tuple[date, Decimal]]:
    """Day -> value per unit of the index's pool, oldest first."""
    pool = selectors.portfolio(index_slug)
    return [] if pool is None else [(point.date, point.unit_price) for point in selectors.nav_history(pool)]


def last_rebalance(index_slug: str) -> selectors.RebalanceRow | None:
    """The pool's newest finished rebalance."""
    pool = selectors.portfolio(index_slug)
    return None if pool is None else selectors.last_rebalance(pool)


def next_rebalance(index_slug: str) -> date:
    """The day at whose close the index's next decision is traded."""
    rulebook = index_selectors.rulebook(index_slug)
    decided = next_decision(rulebook, signal_selectors.last_closed_day())
    return effective_day(rulebook.calendar, decided)


def next_decision(rulebook: Rulebook, day: date) -> date:
    """The first day after `day` on which the rules decide."""
    return next(determination_days(rulebook.calendar, after=day, through=day + ONE_QUARTER))


def value_history(
    user: User,
    pools: Mapping[str, list[tuple[date, Decimal]]],
    books: Mapping[int, BookHistory],
) -> list[tuple[date, Decimal]]:
    """What the person's units and personal portfolios were worth at each close since the first order settled; cash is
    left out."""
    changes: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for order in selectors.orders(user):
        if order.settled_at is not None and order.units is not None and order.status == "settled":
            sign = 1 if order.side == "invest" else -1
            changes[order.index_slug].append((figures.market_day(order.settled_at), sign * order.units))
    worth: dict[date, Decimal] = defaultdict(Decimal)
    for book in books.values():
        for day, value in book.values.items():
            worth[day] += value
    for slug, history in pools.items():
        steps = sorted(changes[slug])
        units, done = Decimal(0), 0
        for day, price in history:
            while done < len(steps) and steps[done][0] <= day:
                units += steps[done][1]
                done += 1
            if units > 0:
                worth[day] += units * price
    return sorted(worth.items())
