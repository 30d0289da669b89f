"""What the same money would have become elsewhere, on the same days: in Bitcoin, in the passive twin, in the market,
without costs, and without what the person did by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from portfolios.core.counterfactual import Flow, Replay, replayed
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.returns import OPENING, Step
from portfolios.models import Order, User
from portfolios.selectors.returns.gross import gross_prices, taken
from portfolios.selectors.returns.holding import PRICE_SCALE, Holding, price_base12, worth
from signals.core import figures

BITCOIN, TWIN, MARKET, FREE, HANDS_OFF = "bitcoin", "twin", "market", "without_costs", "hands_off"
MARKET_INDEX = "global-100"

TITLES = {
    BITCOIN: "In Bitcoin",
    TWIN: "In the passive twin",
    MARKET: "In the market",
    FREE: "Without fees and trading costs",
    HANDS_OFF: "Without what you did by hand",
}
WORDS = {
    BITCOIN: (
        "Every dollar that you invested buys Bitcoin at the close of that day, every dollar that a sale paid you sells "
        "some. No cost is charged for it, which flatters it a little."
    ),
    TWIN: (
        "The same, in the passive twin of each index: the same universe and rules without the AI's tilt, at its "
        "published levels, which bear the rulebook's own trading costs."
    ),
    MARKET: (
        "The same, in Bellwether Global 100, which stands for the market as a whole, at its published levels."
    ),
    FREE: (
        "The same, in your own portfolio, had nothing been taken from it: each rebalance and each fee is added back to "
        "the value per unit on the day it was taken, and your orders deal without cost."
    ),
    HANDS_OFF: (
        "Your holding at the start of the period, your first order in each index, and every order of a recurring plan, "
        "as they were dealt. Left out is everything that you did by hand: every other investment and every sale. "
        "Money that was then not invested earns nothing."
    ),
}
FORMULAS = {
    BITCOIN: "quantity += in / price; quantity -= out / price; gain = quantity x last price + out - in",
    TWIN: "quantity += in / level; quantity -= out / level; gain = quantity x last level + out - in",
    MARKET: "quantity += in / level; quantity -= out / level; gain = quantity x last level + out - in",
    FREE: "as above with price = value per unit x product of (before / after) of everything that was taken",
    HANDS_OFF: "gain = (units at the start + units of kept orders) x last value per unit - value at the start - in",
}
LINE_COLUMNS = ("day", "money_in_usd", "money_out_usd", "unpaid_usd", "price_usd", "quantity_after")


@dataclass(frozen=True)
class Alternative:
    """One alternative to one holding, or to all together. `gain` and `difference` (it less the real gain) are None
    where a price is missing; `reason` says which. `unpaid` is what it could not have paid out."""

    key: str
    title: str
    gain: Decimal | None
    difference: Decimal | None
    value: Decimal | None
    unpaid: Decimal
    reason: str
    lines: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    last_price: Decimal | None = None


@dataclass(frozen=True)
class Span:
    """The steps of a holding inside a period that ends with the close of `end`: an opening value (where there is one)
    and the steps after it, which begin at place `first` of all its steps."""

    held: Holding
    steps: Sequence[Step]
    first: int
    end: date

    @property
    def has_opening(self) -> bool:
        """Whether something was held when the period began."""
        return self.steps[0].event == OPENING


def span_of(held: Holding, steps: Sequence[Step], *, start: date | None, end: date) -> Span:
    """Where the steps of a period, which are not empty, stand among all of the holding's."""
    first = 0 if start is None else sum(1 for step in held.steps if step.day <= start)
    return Span(held, steps, first, end)


def alternatives_of(
    span: Span,
    gain: int,
    *,
    orders: Sequence[Order],
    prices: Mapping[str, Mapping[date, Decimal]],
    twin: str | None,
) -> list[Alternative]:
    """Every alternative to one holding. `prices`: BITCOIN, the market index and the twin -> day -> USD or level."""
    own_twin = prices.get(twin, {}) if twin else {}
    no_twin = "" if twin else "This index is passive itself: it has no twin."
    return [
        _elsewhere(BITCOIN, span, gain, prices.get(BITCOIN, {}), "Bitcoin"),
        _elsewhere(TWIN, span, gain, own_twin, "The twin", reason=no_twin),
        _elsewhere(MARKET, span, gain, prices.get(MARKET_INDEX, {}), "The market index"),
        _without_costs(span, gain),
        _hands_off(span, gain, orders),
    ]


def summed(rows: Sequence[Sequence[Alternative]], gain: int) -> list[Alternative]:
    """The alternatives of all holdings together; one without a figure for a holding has none for all."""
    result = []
    for key, title in TITLES.items():
        parts = [row for one in rows for row in one if row.key == key]
        lacking = [row for row in parts if row.gain is None]
        if lacking or not parts:
            reason = lacking[0].reason if lacking else "Nothing was held."
            result.append(Alternative(key, title, None, None, None, Decimal(0), reason))
            continue
        total = sum((row.gain for row in parts if row.gain is not None), Decimal(0))
        result.append(
            Alternative(
                key,
                title,
                total,
                total - from_base(gain, USD_SCALE),
                sum((row.value for row in parts if row.value is not None), Decimal(0)),
                sum((row.unpaid for row in parts), Decimal(0)),
                "",
            )
        )
    return result


def own_orders(user: User, portfolio_ids: Sequence[int]) -> dict[tuple[int, int | None], list[Order]]:
    """(portfolio id, book id) -> the user's settled orders, oldest first."""
    rows = Order.objects.filter(user=user, portfolio_id__in=portfolio_ids, status=Order.Status.SETTLED)
    found: dict[tuple[int, int | None], list[Order]] = {}
    for order in rows.select_related("recurring_run").order_by("settled_at", "dealing_id", "created_at"):
        found.setdefault((order.portfolio_id, order.book_id), []).append(order)
    return found


def is_by_rule(order: Order, first: Order) -> bool:
    """Whether an order was the first in its index or a recurring plan's: everything else was done by hand."""
    return order.side == Order.Side.INVEST and (order.pk == first.pk or hasattr(order, "recurring_run"))


def _elsewhere(
    key: str, span: Span, gain: int, prices: Mapping[date, Decimal], name: str, *, reason: str = ""
) -> Alternative:
    moved = []
    for step in _moves(span):
        price = _standing(prices, step.day)
        if price is None:
            return _without(key, reason or f"{name} has no price on {step.day:%-d %b %Y}.")
        moved.append(_flow(step, price))
    last = _standing(prices, span.end)
    if last is None:
        return _without(key, reason or f"{name} has no price on {span.end:%-d %b %Y}.")
    return _alternative(key, replayed(moved, price=last), gain)


def _without_costs(span: Span, gain: int) -> Alternative:
    priced = gross_prices(span.held, taken(span.held))
    begin = span.first - 1 if span.has_opening else span.first
    moved, last = [], None
    for step, price in zip(span.steps, priced[begin : begin + len(span.steps)], strict=True):
        if price is None or step.price is None:
            return _without(FREE, f"A unit was worth nothing on {step.day:%-d %b %Y}.")
        if _is_move(step):
            moved.append(_flow(step, price))
        last = price / step.price * (_last_price(span) or step.price)
    if last is None:
        return _without(FREE, "Nothing was held.")
    return _alternative(FREE, replayed(moved, price=last), gain)


def _hands_off(span: Span, gain: int, orders: Sequence[Order]) -> Alternative:
    price = _last_price(span)
    if price is None:
        return _without(HANDS_OFF, "The holding has no value per unit at the end.")
    opening = span.steps[0] if span.has_opening else None
    units = 0 if opening is None or opening.units is None else to_base(opening.units, UNIT_SCALE)
    start = 0 if opening is None else opening.before
    money_in, lines = 0, []
    for order in orders:
        if order.settled_at is None or order.amount is None or not is_by_rule(order, orders[0]):
            continue
        day = figures.market_day(order.settled_at)
        if day > span.end or (opening is not None and day <= opening.day) or day < span.steps[0].day:
            continue
        units += _units_of(order, span.held)
        money_in += to_base(order.amount, USD_SCALE)
        held = f"{from_base(units, UNIT_SCALE):f}"
        lines.append(
            (day.isoformat(), f"{order.amount:f}", "0.00", "0.00", f"{_price_of(order, span.held):f}", held)
        )
    value = worth(units, price_base12(price))
    result = value - start - money_in
    return Alternative(
        HANDS_OFF,
        TITLES[HANDS_OFF],
        from_base(result, USD_SCALE),
        from_base(result - gain, USD_SCALE),
        from_base(value, USD_SCALE),
        Decimal(0),
        "",
        tuple(lines),
        price,
    )


def _units_of(order: Order, held: Holding) -> int:
    if order.units is not None:
        return to_base(order.units, UNIT_SCALE)
    return next((flow.units for flow in held.flows if flow.dealing_id == order.dealing_id), 0)


def _price_of(order: Order, held: Holding) -> Decimal:
    if order.unit_price is not None:
        return order.unit_price
    found = (flow.price for flow in held.flows if flow.dealing_id == order.dealing_id)
    return from_base(next(found, 0), PRICE_SCALE)


def _last_price(span: Span) -> Decimal | None:
    """Value per unit at the end of the period, whether the person still holds any or not: the last close there is."""
    known = [day for day in span.held.prices if day <= span.end]
    if known and max(known) >= span.steps[-1].day:
        return from_base(span.held.prices[max(known)], PRICE_SCALE)
    return span.steps[-1].price


def _standing(prices: Mapping[date, Decimal], day: date) -> Decimal | None:
    """The price of a day, or the last one of the seven days up to it."""
    back = (day - timedelta(days=age) for age in range(7))
    return next((prices[one] for one in back if one in prices), None)


def _without(key: str, reason: str) -> Alternative:
    return Alternative(key, TITLES[key], None, None, None, Decimal(0), reason)


def _moves(span: Span) -> list[Step]:
    return [step for step in span.steps if _is_move(step)]


def _is_move(step: Step) -> bool:
    return bool(step.money_in or step.money_out) or step.event == OPENING


def _flow(step: Step, price: Decimal) -> Flow:
    # What was there at the start is put in like any other money: the gain is that of the period.
    if step.event == OPENING:
        return Flow(step.day, step.before, 0, price)
    return Flow(step.day, step.money_in, step.money_out, price)


def _alternative(key: str, replay: Replay, gain: int) -> Alternative:
    return Alternative(
        key,
        TITLES[key],
        from_base(replay.gain, USD_SCALE),
        from_base(replay.gain - gain, USD_SCALE),
        from_base(replay.value, USD_SCALE),
        from_base(replay.unpaid, USD_SCALE),
        "",
        tuple(
            (
                line.day.isoformat(),
                f"{from_base(line.money_in, USD_SCALE):f}",
                f"{from_base(line.money_out, USD_SCALE):f}",
                f"{from_base(line.unpaid, USD_SCALE):f}",
                f"{line.price:f}",
                f"{line.quantity:f}",
            )
            for line in replay.lines
        ),
        replay.price,
    )
