"""The simulated exchange itself: accounts, orders, matching. In memory, one lock, Decimals; time comes from outside."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from portfolios.brokers.simulator.market import BPS, Market, in_steps

FEE_BPS = Decimal(10)
OPEN = ("NEW", "PARTIALLY_FILLED")


class Refused(Exception):
    """What Binance answers with a code and a message; `status` is the HTTP status."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Account:
    """One key: its secret, what it may do, and what it owns (free and locked, by asset)."""

    key: str
    secret: str
    free: dict[str, Decimal]
    locked: dict[str, Decimal] = field(default_factory=dict)
    may_trade: bool = True
    may_withdraw: bool = False
    fee_asset: str = ""
    """Which asset pays fees: empty for what a trade brings in, else one of the market's or a third one."""

    def hold(self, asset: str, amount: Decimal) -> None:
        """`amount` set aside. Refused where it is not there."""
        if self.free.get(asset, Decimal(0)) < amount:
            raise Refused(-2010, "Account has insufficient balance for requested action.")
        self.free[asset] -= amount
        self.locked[asset] = self.locked.get(asset, Decimal(0)) + amount

    def release(self, asset: str, amount: Decimal) -> None:
        """`amount` of what was set aside is free again."""
        self.locked[asset] -= amount
        self.free[asset] = self.free.get(asset, Decimal(0)) + amount


@dataclass
class Trade:
    """One execution."""

    id: int
    order: "Order"
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    maker: bool


@dataclass
class Order:
    """One order of one account; `held` is what is still set aside for it."""

    id: int
    client_id: str
    account: Account
    market: Market
    side: str
    kind: str
    time_in_force: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    time: int
    status: str = "NEW"
    updated: int = 0
    held: Decimal = Decimal(0)
    trades: list[Trade] = field(default_factory=list)

    @property
    def executed(self) -> Decimal:
        """Base asset so far."""
        return sum((trade.quantity for trade in self.trades), Decimal(0))

    @property
    def spent(self) -> Decimal:
        """Quote asset so far."""
        return sum((trade.quantity * trade.price for trade in self.trades), Decimal(0))

    @property
    def held_asset(self) -> str:
        """What this order sets aside."""
        return self.market.quote if self.side == "BUY" else self.market.base


class Exchange:
    """Markets, accounts and orders. Every public method is one step that others see whole or not at all."""

    def __init__(
        self, markets: Iterable[Market], accounts: Iterable[Account], *, now: Callable[[], int]
    ) -> None:
        self.markets = {market.symbol: market for market in markets}
        self.accounts = {account.key: account for account in accounts}
        self.orders: dict[int, Order] = {}
        self.trades: list[Trade] = []
        self.now = now
        self.lock = threading.RLock()
        self.halted: set[str] = set()

    def market(self, symbol: str) -> Market:
        """The market, or Refused."""
        if symbol not in self.markets:
            raise Refused(-1121, "Invalid symbol.")
        return self.markets[symbol]

    def advance(self) -> None:
        """Every market moves on, and resting orders that it crosses are filled at their limit."""
        with self.lock:
            for market in self.markets.values():
                market.advance()
            for order in self.orders.values():
                if order.status in OPEN:
                    self._match(order, maker=True)

    def place(self, account: Account, asked: dict[str, Any]) -> Order:
        """The order accepted and matched as far as it goes. Refused as Binance would."""
        with self.lock:
            order = self._checked(account, asked)
            account.hold(order.held_asset, order.held)
            self.orders[order.id] = order
            self._match(order, maker=False)
            self._settle_rest(order)
            return order

    def cancel(self, order: Order) -> Order:
        """The open rest of the order is given up. Refused where nothing is open."""
        with self.lock:
            if order.status not in OPEN:
                raise Refused(-2011, "Unknown order sent.")
            self._close(order, "CANCELED")
            return order

    def order(self, account: Account, symbol: str, *, order_id: int | None, client_id: str | None) -> Order:
        """The newest order of that id. Refused where this account has none."""
        with self.lock:
            for order in reversed(self.orders.values()):
                mine = order.account is account and order.market.symbol == symbol
                if mine and (order.id == order_id or (order_id is None and order.client_id == client_id)):
                    return order
        raise Refused(-2013, "Order does not exist.")

    def orders_of(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Oldest first."""
        with self.lock:
            return [
                order
                for order in self.orders.values()
                if order.account is account and symbol in (None, order.market.symbol)
            ]

    def _checked(self, account: Account, asked: dict[str, Any]) -> Order:
        market = self.market(asked["symbol"])
        if not account.may_trade:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        if market.symbol in self.halted:
            raise Refused(-1013, "Market is closed.")
        order = Order(
            id=len(self.orders) + 1,
            client_id=asked["client_id"],
            account=account,
            market=market,
            side=asked["side"],
            kind=asked["kind"],
            time_in_force=asked["time_in_force"],
            price=asked["price"],
            quantity=asked["quantity"],
            quote_quantity=asked["quote_quantity"],
            time=self.now(),
            updated=self.now(),
        )
        if any(
            other.client_id == order.client_id and other.status in OPEN for other in self.orders_of(account)
        ):
            raise Refused(-2010, "Duplicate order sent.")
        _check_filters(order)
        if order.kind == "LIMIT_MAKER" and _crosses(order):
            raise Refused(-2010, "Order would immediately match and take.")
        if order.side == "SELL":
            order.held = order.quantity or _affordable(order)[0]
        else:
            order.held = order.quote_quantity or _affordable(order)[1]
            extra = order.held * FEE_BPS / BPS if account.fee_asset == market.quote else Decimal(0)
            if account.free.get(market.quote, Decimal(0)) < order.held + extra:
                raise Refused(-2010, "Account has insufficient balance for requested action.")
        return order

    def _match(self, order: Order, *, maker: bool) -> None:
        if order.kind == "LIMIT" and order.time_in_force == "FOK" and _affordable(order)[0] < order.quantity:
            return
        for level in order.market.book(order.side):
            if order.kind != "MARKET" and not _within(order, level.price):
                break
            quantity = _wanted(order, level.price, level.quantity)
            if quantity <= 0:
                break
            order.market.take(order.side, quantity)
            self._fill(order, order.price if maker else level.price, quantity, maker=maker)

    def _fill(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool) -> None:
        account, market = order.account, order.market
        notional = price * quantity
        gives, gets = (market.quote, market.base) if order.side == "BUY" else (market.base, market.quote)
        out, into = (notional, quantity) if order.side == "BUY" else (quantity, notional)
        paid_in = account.fee_asset or gets
        fee = (self._in(paid_in, market, notional, quantity) * FEE_BPS / BPS).quantize(Decimal("1e-8"))
        account.locked[gives] -= out
        order.held -= out
        account.free[gets] = account.free.get(gets, Decimal(0)) + into
        account.free[paid_in] = account.free.get(paid_in, Decimal(0)) - fee
        trade = Trade(len(self.trades) + 1, order, price, quantity, fee, paid_in, self.now(), maker)
        self.trades.append(trade)
        order.trades.append(trade)
        order.updated = self.now()
        full = order.quantity > 0 and order.executed >= order.quantity
        order.status = "FILLED" if full else "PARTIALLY_FILLED"
        if full:
            self._close(order, "FILLED")

    def _in(self, asset: str, market: Market, notional: Decimal, quantity: Decimal) -> Decimal:
        """The trade's worth in `asset`."""
        if asset == market.base:
            return quantity
        if asset == market.quote:
            return notional
        return notional / self.market(asset + market.quote).mid

    def _settle_rest(self, order: Order) -> None:
        if order.status == "FILLED":
            return
        if order.kind == "MARKET":
            self._close(order, "FILLED" if order.quote_quantity and order.trades else "EXPIRED")
        elif order.time_in_force in ("IOC", "FOK"):
            self._close(order, "EXPIRED")

    def _close(self, order: Order, status: str) -> None:
        order.account.release(order.held_asset, order.held)
        order.held, order.status, order.updated = Decimal(0), status, self.now()


def _within(order: Order, price: Decimal) -> bool:
    return price <= order.price if order.side == "BUY" else price >= order.price


def _crosses(order: Order) -> bool:
    book = order.market.book(order.side)
    return bool(book) and _within(order, book[0].price)


def _wanted(order: Order, price: Decimal, there: Decimal) -> Decimal:
    """How much of a level the order takes, in whole steps."""
    if order.quantity:
        return min(there, order.quantity - order.executed)
    return min(there, in_steps((order.quote_quantity - order.spent) / price, order.market.rules.step))


def _affordable(order: Order) -> tuple[Decimal, Decimal]:
    """(base, quote) that the order would take of the book as it stands; for a resting limit order all of it."""
    if order.kind != "MARKET" and order.time_in_force != "FOK":
        return order.quantity, order.quantity * order.price
    base = quote = Decimal(0)
    for level in order.market.book(order.side):
        if order.kind != "MARKET" and not _within(order, level.price):
            break
        left = (
            order.quantity - base
            if order.quantity
            else in_steps((order.quote_quantity - quote) / level.price, order.market.rules.step)
        )
        taken = min(level.quantity, left)
        base, quote = base + taken, quote + taken * level.price
    if order.kind != "MARKET":
        return base, order.quantity * order.price
    return base, quote


def _check_filters(order: Order) -> None:
    rules = order.market.rules
    if order.kind != "MARKET" and (order.price <= 0 or order.price % rules.tick):
        raise Refused(-1013, "Filter failure: PRICE_FILTER")
    if order.quantity:
        inside = rules.min_quantity <= order.quantity <= rules.max_quantity
        if not inside or order.quantity % rules.step:
            raise Refused(-1013, "Filter failure: LOT_SIZE")
    elif not order.quote_quantity:
        raise Refused(-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.")
    price = order.price if order.kind != "MARKET" else order.market.mid
    if (order.quote_quantity or order.quantity * price) < rules.min_notional:
        raise Refused(-1013, "Filter failure: NOTIONAL")
