"""The steps of a personal portfolio: what its book was worth around every order and at every close.

A book has no units. So that it can be told like any other holding it is given some: its value per unit begins at 100
USD and moves as the book does between flows, and a flow buys or sells units at that price.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Context, Decimal

from indices import selectors as index_selectors
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, price_base, to_base, value_of
from portfolios.core.returns import CLOSE, Step
from portfolios.models import Book, BookPosting, Dealing, LedgerAsset, Order, User
from portfolios.selectors.returns.gross import DEALING
from portfolios.selectors.returns.holding import BOUGHT, PRICE_SCALE, SOLD, BookRecord, Flow, Holding, Taken
from signals.core import figures

_WIDE = Context(prec=60)
FIRST_PRICE = Decimal(100)

Quantities = dict[int, int]


@dataclass(frozen=True)
class BookDealing:
    """What one dealing did to one book: `cash` in micro-dollars with what came in or went out, `quantities` in base
    units by ledger asset, at these marks (ledger code -> USD)."""

    batch_id: int
    at: datetime
    dealing_id: int
    marks: Mapping[str, str]
    is_rebalance: bool
    cash: int
    quantities: Quantities


@dataclass
class _Pot:
    """What a book holds while its changes are followed."""

    assets: Mapping[int, LedgerAsset]
    cash: int = 0
    held: Quantities = field(default_factory=lambda: defaultdict(int))

    def add(self, change: BookDealing) -> None:
        self.cash += change.cash
        for key, units in change.quantities.items():
            self.held[key] += units

    def worth(self, marks: Mapping[str, Decimal]) -> int:
        """Micro-dollars at marks by ledger code; what has none counts for nothing."""
        total = self.cash
        for key, units in self.held.items():
            mark = marks.get(self.assets[key].code)
            if units and mark is not None:
                total += value_of(units, self.assets[key].scale, price_base(mark))
        return total

    def quantities(self) -> dict[str, Decimal]:
        return {
            asset.token.slug: from_base(units, asset.scale)
            for key, units in self.held.items()
            if units and (asset := self.assets[key]).token is not None
        }


@dataclass(frozen=True)
class BookHistory:
    """A personal portfolio at each close, oldest first: what it was worth, USD, and what 100 USD in it became."""

    values: Mapping[date, Decimal]
    prices: Mapping[date, Decimal]


def book_histories(user: User, *, through: date) -> dict[int, BookHistory]:
    """Book id -> its path, for every personal portfolio of the user that money went into."""
    return {
        held.book.book_id: BookHistory(
            {day: from_base(value, USD_SCALE) for day, value in held.book.values.items()},
            {day: from_base(price, PRICE_SCALE) for day, price in held.prices.items()},
        )
        for held in books_through_time(user, through=through)
        if held.book is not None
    }


def books_through_time(user: User, *, through: date) -> list[Holding]:
    """Every personal portfolio of the user that money went into, with its steps up to the close of `through`."""
    orders: dict[int, list[Order]] = defaultdict(list)
    settled = Order.objects.filter(user=user, book__isnull=False, status=Order.Status.SETTLED)
    for order in settled.order_by("settled_at", "dealing_id", "created_at"):
        in_time = order.settled_at is not None and figures.market_day(order.settled_at) <= through
        if order.book_id is not None and in_time:
            orders[order.book_id].append(order)
    books = Book.objects.filter(pk__in=orders).select_related("nominee__index", "basket").order_by("pk")
    return [_holding(book, orders[book.pk], through) for book in books]


def book_dealings(book: Book, *, through: date = date.max) -> list[BookDealing]:
    """Every dealing of the book up to the close of `through`, in order."""
    rows = BookPosting.objects.filter(book_id=book.pk, batch__block__isnull=False).select_related(
        "batch__basket", "batch__block__dealing__dealing__cycle"
    )
    changes = []
    for posting in rows.order_by("batch_id"):
        batch = posting.batch
        if batch.block is None or figures.market_day(batch.effective_at) > through:
            continue
        dealing = batch.block.dealing.dealing
        # A basket only grows at its end: shorter arrays of earlier days keep their meaning.
        units = dict(zip(batch.basket.assets, posting.quantities, strict=False))
        changes.append(
            BookDealing(
                batch.pk,
                batch.effective_at,
                dealing.pk,
                dealing.cycle.marks,
                dealing.kind == Dealing.Kind.REBALANCE,
                posting.cash,
                {key: amount for key, amount in units.items() if amount},
            )
        )
    return changes


def _holding(book: Book, orders: Sequence[Order], through: date) -> Holding:
    changes = book_dealings(book, through=through)
    assets = LedgerAsset.objects.select_related("token").in_bulk(
        {key for change in changes for key in change.quantities}
    )
    slugs = {asset.token.slug for asset in assets.values() if asset.token is not None}
    by_dealing = {order.dealing_id: order for order in orders}
    record = BookRecord(book.pk)
    held = Holding(
        book.nominee_id, book.nominee.index_id, book.nominee.index.slug, book.title, [], book=record
    )
    if not changes:
        return held
    first = figures.market_day(changes[0].at)
    closes = index_selectors.close_marks(slugs, start=first, end=through)
    by_day: dict[date, list[BookDealing]] = defaultdict(list)
    for change in changes:
        by_day[figures.market_day(change.at)].append(change)
    pot, price, previous, day = _Pot(assets), FIRST_PRICE, 0, first
    while day <= through:
        for change in by_day.get(day, []):
            marks = {code: Decimal(text) for code, text in change.marks.items()}
            before = pot.worth(marks)
            price = _moved(price, previous, before)
            pot.add(change)
            previous = pot.worth(marks)
            order = by_dealing.get(change.dealing_id)
            if order is not None:
                _flow(held, change, order, before, previous, price)
            elif change.is_rebalance and before > previous:
                _rebalance(record, change, before, previous)
                price = _moved(price, before, previous)
        record.quantities.append((day, pot.quantities()))
        if previous or pot.cash:
            marks = {f"token:{slug}": known[day] for slug, known in closes.items() if day in known}
            value = pot.worth(marks)
            price = _moved(price, previous, value)
            previous = value
            _close(held, day, value, price)
        day += timedelta(days=1)
    return held


def _moved(price: Decimal, before: int, after: int) -> Decimal:
    return _WIDE.divide(_WIDE.multiply(price, Decimal(after)), Decimal(before)) if before > 0 else price


def _flow(held: Holding, change: BookDealing, order: Order, before: int, after: int, price: Decimal) -> None:
    money_in = to_base(order.amount or Decimal(0), USD_SCALE) if order.side == Order.Side.INVEST else 0
    money_out = to_base(order.proceeds or Decimal(0), USD_SCALE)
    day = figures.market_day(change.at)
    cost = to_base(order.cost_usd, USD_SCALE)
    units = _units(after, price) - _units(before, price)
    held.flows.append(
        Flow(day, change.at, change.dealing_id, money_in, money_out, units, _price(price), cost)
    )
    event = BOUGHT if money_in else SOLD
    held.steps.append(Step(day, event, before, money_in, money_out, after, *_as_units(after, price)))
    if held.book is not None:
        held.book.after_order[str(order.pk)] = after


def _rebalance(record: BookRecord, change: BookDealing, before: int, after: int) -> None:
    day = figures.market_day(change.at)
    record.costs.append((day, before - after))
    if after > 0:
        factor = _WIDE.divide(Decimal(before), Decimal(after))
        record.losses.append(Taken((change.at, DEALING, change.dealing_id), day, "rebalance", factor))


def _close(held: Holding, day: date, value: int, price: Decimal) -> None:
    held.closes[day] = (_units(value, price), _price(price))
    held.prices[day] = _price(price)
    held.steps.append(Step(day, CLOSE, value, 0, 0, value, *_as_units(value, price)))
    if held.book is not None:
        held.book.values[day] = value


def _units(value: int, price: Decimal) -> int:
    if price <= 0:
        return 0
    return int(_WIDE.divide(Decimal(value).scaleb(UNIT_SCALE - USD_SCALE, _WIDE), price))


def _price(price: Decimal) -> int:
    return int(price.scaleb(PRICE_SCALE, _WIDE))


def _as_units(value: int, price: Decimal) -> tuple[Decimal, Decimal]:
    return from_base(_units(value, price), UNIT_SCALE), from_base(_price(price), PRICE_SCALE)


def standing(record: BookRecord, day: date) -> dict[str, Decimal]:
    """Token -> quantity in the book at the close of `day`."""
    place = bisect_right([one for one, _ in record.quantities], day)
    return dict(record.quantities[place - 1][1]) if place else {}
