"""The steps of a whole account: every deposit and withdrawal with what was there at that moment, and every close."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Exists, OuterRef, Sum

from portfolios.core.money import to_base
from portfolios.core.returns import CLOSE, Step
from portfolios.models import Account, Order, Posting, User
from portfolios.selectors.returns.holding import Holding, price_base12, worth
from signals.core import clock, figures

DEPOSIT, WITHDRAWAL = "money came in", "money went out"
_OWN = [Account.Kind.CASH, Account.Kind.RESERVED]


@dataclass(frozen=True)
class Movement:
    """What one ledger entry did to a person's own accounts: micro-dollars, and base units by portfolio. `order` is the
    order it belongs to; `is_inner` where money only changed its form, between the person and a portfolio."""

    at: datetime
    entry_id: int
    kind: str
    order: str
    dollars: int
    units: dict[int, int]
    is_inner: bool


@dataclass
class AccountHistory:
    """`steps` of the account; `gaps`: days whose close could not be valued."""

    steps: list[Step] = field(default_factory=list)
    gaps: list[date] = field(default_factory=list)


@dataclass(frozen=True)
class _Orders:
    """What is known of the person's orders by id: the value per unit of each, those that brought no unit at all, and
    the book and its value right after where the order was for a book."""

    prices: dict[str, int]
    without_units: set[str]
    books: dict[str, tuple[int, int]]


@dataclass
class _State:
    cash: int = 0
    under_way: dict[str, int] = field(default_factory=dict)
    units: dict[int, int] = field(default_factory=dict)
    prices: dict[int, int] = field(default_factory=dict)
    books: dict[int, int] = field(default_factory=dict)

    def value(self) -> int:
        held = sum(worth(units, self.prices.get(key, 0)) for key, units in self.units.items() if units)
        return self.cash + sum(self.under_way.values()) + sum(self.books.values()) + held


def account_through_time(user: User, holdings: list[Holding], *, through: date) -> AccountHistory:
    """The account's steps up to the close of `through`. Holdings are valued at the last value per unit known at the
    moment: the close before, a price that an order of the person's dealt at since, or the close that it is."""
    history = AccountHistory()
    moved = [row for row in _movements(user) if figures.market_day(row.at) <= through]
    if not moved:
        return history
    by_day: dict[date, list[Movement]] = defaultdict(list)
    for row in moved:
        by_day[figures.market_day(row.at)].append(row)
    state, orders = _State(), _orders_known(user, holdings)
    day = min(by_day)
    while day <= through:
        end, closing = clock.end_of_day(day), False
        for row in by_day.get(day, []):
            if row.at >= end and not closing:
                _close_prices(state, holdings, day)
                closing = True
            _apply(state, row, history, day, orders)
        if not closing:
            _close_prices(state, holdings, day)
        value = state.value()
        lacking = [one for one in holdings if _is_held(state, one) and day not in one.closes]
        if lacking:
            history.gaps.append(day)
        elif value or (history.steps and history.steps[-1].after):
            history.steps.append(Step(day, CLOSE, value, 0, 0, value))
        day += timedelta(days=1)
    return history


def _apply(
    state: _State,
    row: Movement,
    history: AccountHistory,
    day: date,
    orders: "_Orders",
) -> None:
    if not row.is_inner:
        if row.dollars:
            before = state.value()
            state.cash += row.dollars
            history.steps.append(
                Step(
                    day,
                    DEPOSIT if row.dollars > 0 else WITHDRAWAL,
                    before,
                    max(0, row.dollars),
                    max(0, -row.dollars),
                    before + row.dollars,
                )
            )
        return
    state.cash += row.dollars
    if row.order in orders.books:
        book, after = orders.books[row.order]
        state.books[book] = after
        return
    if row.kind == "order_in":
        if row.order not in orders.without_units:
            state.under_way[row.order] = -row.dollars
        return
    state.under_way.pop(row.order, None)
    for key, units in row.units.items():
        state.units[key] = state.units.get(key, 0) + units
        if row.order in orders.prices:
            state.prices.setdefault(key, orders.prices[row.order])
            if row.at < clock.end_of_day(day):
                state.prices[key] = orders.prices[row.order]


def _close_prices(state: _State, holdings: list[Holding], day: date) -> None:
    for held in holdings:
        if held.book is not None:
            if held.book.book_id in state.books and day in held.book.values:
                state.books[held.book.book_id] = held.book.values[day]
        elif day in held.closes:
            state.prices[held.portfolio_id] = held.closes[day][1]


def _is_held(state: _State, held: Holding) -> bool:
    if held.book is not None:
        return bool(state.books.get(held.book.book_id))
    return bool(state.units.get(held.portfolio_id))


def _movements(user: User) -> list[Movement]:
    """By time and order of posting. An order's reference is `order:<id>:<what>`."""
    inner = Posting.objects.filter(entry_id=OuterRef("entry_id"), account__portfolio__isnull=False)
    rows = (
        Posting.objects.filter(
            account__user=user, account__kind__in=_OWN, asset__kind__in=["currency", "unit"]
        )
        .annotate(is_inner=Exists(inner))
        .values_list(
            "entry__effective_at",
            "entry_id",
            "entry__kind",
            "entry__reference",
            "is_inner",
            "asset__portfolio__id",
            "asset__scale",
        )
        .annotate(total=Sum("amount"))
        .order_by("entry__effective_at", "entry_id")
    )
    found: dict[int, Movement] = {}
    for at, entry, kind, reference, is_inner, portfolio, scale, total in rows:
        parts = reference.split(":")
        order = parts[1] if parts[0] == "order" and len(parts) > 2 else ""
        row = found.setdefault(entry, Movement(at, entry, kind, order, 0, {}, is_inner))
        amount = to_base(total, scale)
        if portfolio is None:
            found[entry] = Movement(at, entry, kind, order, row.dollars + amount, row.units, is_inner)
        elif amount:
            row.units[portfolio] = amount
    return [row for row in found.values() if row.dollars or row.units]


def _orders_known(user: User, holdings: list[Holding]) -> _Orders:
    rows = Order.objects.filter(user=user, unit_price__isnull=False).values_list("pk", "unit_price")
    empty = Order.objects.filter(
        user=user, status=Order.Status.SETTLED, units=Decimal(0), side=Order.Side.INVEST, book__isnull=True
    )
    return _Orders(
        prices={str(key): price_base12(price) for key, price in rows if price is not None},
        without_units={str(key) for key in empty.values_list("pk", flat=True)},
        books={
            order: (held.book.book_id, after)
            for held in holdings
            if held.book is not None
            for order, after in held.book.after_order.items()
        },
    )
