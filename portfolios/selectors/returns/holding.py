"""The steps of one holding: its value around every order, at the unit price it dealt at, and at every close."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.returns import CLOSE, Step
from portfolios.models import NavPoint, Order, Portfolio, User
from signals.core import figures

PRICE_SCALE = 12
BOUGHT, SOLD, BOTH = "invested", "sold", "invested and sold"


@dataclass(frozen=True)
class Flow:
    """One dealing of a holding. Money in micro-dollars, units in base units; `price` is the value per unit that it
    dealt at, 10^-12 USD; `cost` is what trading cost it."""

    day: date
    at: datetime
    dealing_id: int
    money_in: int
    money_out: int
    units: int
    price: int
    cost: int


@dataclass(frozen=True)
class Taken:
    """Something that made every unit worth less: `factor` is what a unit was worth before, over after. `key` is its
    place in time: the moment, then fees before dealings before the close, then the dealing's id."""

    key: tuple[datetime, int, int]
    day: date
    kind: str
    factor: Decimal


@dataclass
class BookRecord:
    """What is known of a personal portfolio besides its steps: its rebalances (`losses`, and `costs` as day ->
    micro-dollars), what it held at each close, its `values` at closes, and its value right after each order."""

    book_id: int
    losses: list[Taken] = field(default_factory=list)
    costs: list[tuple[date, int]] = field(default_factory=list)
    quantities: list[tuple[date, dict[str, Decimal]]] = field(default_factory=list)
    values: dict[date, int] = field(default_factory=dict)
    after_order: dict[str, int] = field(default_factory=dict)


@dataclass
class Holding:
    """A person's holding of one portfolio through time. `closes`: day -> (units, price); `gaps`: days that have no
    value; `prices`: day -> value per unit since the first order, held or not."""

    portfolio_id: int
    index_id: int
    index_slug: str
    index_name: str
    flows: list[Flow]
    steps: list[Step] = field(default_factory=list)
    closes: dict[date, tuple[int, int]] = field(default_factory=dict)
    gaps: list[date] = field(default_factory=list)
    prices: dict[date, int] = field(default_factory=dict)
    book: BookRecord | None = None

    @property
    def key(self) -> str:
        """What names it in an address: the slug of its index, or its book."""
        return self.index_slug if self.book is None else f"book-{self.book.book_id}"


def holdings_through_time(user: User, *, through: date) -> list[Holding]:
    """Every holding of units that the user has or had, by index, with its steps up to the close of `through`."""
    found = _flows(user, through)
    if not found:
        return []
    points: dict[int, dict[date, int]] = defaultdict(dict)
    first = min(flows[0].day for flows in found.values())
    known = NavPoint.objects.filter(portfolio_id__in=found, date__gte=first, date__lte=through)
    for key, day, price in known.values_list("portfolio_id", "date", "unit_price"):
        points[key][day] = price_base12(price)
    names = Portfolio.objects.filter(pk__in=found).select_related("index").order_by("index__slug")
    return [_holding(row, found[row.pk], points[row.pk], through) for row in names]


def worth(units: int, price: int) -> int:
    """Micro-dollars of base units at a price in 10^-12 USD, rounded down."""
    return units * price // 10 ** (UNIT_SCALE + PRICE_SCALE - USD_SCALE)


def price_base12(price: Decimal) -> int:
    """A stored value per unit as a whole number of 10^-12 USD."""
    return to_base(price.quantize(Decimal("1E-12")), PRICE_SCALE)


def _flows(user: User, through: date) -> dict[int, list[Flow]]:
    orders = Order.objects.filter(
        user=user, status=Order.Status.SETTLED, dealing__isnull=False, unit_price__isnull=False
    ).exclude(portfolio__kind=Portfolio.Kind.NOMINEE)
    grouped: dict[tuple[int, int], list[Order]] = defaultdict(list)
    for order in orders.order_by("settled_at", "dealing_id", "created_at"):
        if order.settled_at is not None and figures.market_day(order.settled_at) <= through:
            grouped[order.portfolio_id, order.dealing_id or 0].append(order)
    found: dict[int, list[Flow]] = defaultdict(list)
    for (portfolio_id, dealing_id), together in grouped.items():
        found[portfolio_id].append(_flow(dealing_id, together))
    return dict(found)


def _flow(dealing_id: int, together: Sequence[Order]) -> Flow:
    money_in = money_out = units = cost = 0
    for order in together:
        moved = to_base(order.units or Decimal(0), UNIT_SCALE)
        cost += to_base(order.cost_usd, USD_SCALE)
        if order.side == Order.Side.INVEST:
            money_in += to_base(order.amount or Decimal(0), USD_SCALE)
            units += moved
        else:
            money_out += to_base(order.proceeds or Decimal(0), USD_SCALE)
            units -= moved
    order = together[0]
    if order.settled_at is None or order.unit_price is None:
        raise ValueError(f"order {order.pk}: settled without a time or a price")
    day = figures.market_day(order.settled_at)
    return Flow(
        day, order.settled_at, dealing_id, money_in, money_out, units, price_base12(order.unit_price), cost
    )


def _holding(portfolio: Portfolio, flows: list[Flow], prices: dict[date, int], through: date) -> Holding:
    held = Holding(
        portfolio.pk, portfolio.index_id, portfolio.index.slug, portfolio.index.name, flows, prices=prices
    )
    by_day: dict[date, list[Flow]] = defaultdict(list)
    for flow in flows:
        by_day[flow.day].append(flow)
    units, day = 0, flows[0].day
    while day <= through:
        for flow in by_day.get(day, []):
            held.steps.append(_step(units, flow))
            units += flow.units
        if units > 0:
            if day in prices:
                value = worth(units, prices[day])
                held.closes[day] = (units, prices[day])
                held.steps.append(_close(day, value, units, prices[day]))
            else:
                held.gaps.append(day)
        day += timedelta(days=1)
    return held


def _step(units: int, flow: Flow) -> Step:
    event = BOTH if flow.money_in and flow.money_out else BOUGHT if flow.money_in else SOLD
    after = units + flow.units
    return Step(
        flow.day,
        event,
        worth(units, flow.price),
        flow.money_in,
        flow.money_out,
        worth(after, flow.price),
        from_base(after, UNIT_SCALE),
        from_base(flow.price, PRICE_SCALE),
    )


def _close(day: date, value: int, units: int, price: int) -> Step:
    return Step(day, CLOSE, value, 0, 0, value, from_base(units, UNIT_SCALE), from_base(price, PRICE_SCALE))
