"""Any spot exchange that ccxt knows, as a venue.

Only immediate-or-cancel limit orders are sent: at most `cap` away from the mark, sized so that a purchase can never
cost more than its budget. Rules of the venue (least size, steps) are kept before anything is sent.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any

from portfolios.brokers.base import (
    BrokerConfused,
    BrokerFill,
    BrokerOrder,
    BrokerReport,
    BrokerUnreachable,
    Depth,
    VenueBooks,
    VenueTrade,
)
from portfolios.brokers.client import Client, NotThere, Refused
from portfolios.brokers.decimals import decimals_kept, number
from portfolios.brokers.sizing import MarketRule, distance, in_steps, sized, within

MICRO = Decimal("0.000001")
SMALLEST_PRICE = Decimal("1e-18")
BOOK_LEVELS = 100
PAGE = 500
_FINAL = {"closed", "canceled", "expired"}


class ExchangeBroker:
    """One account. `markets` maps a token's slug to its market there: only these are ever traded."""

    def __init__(
        self,
        name: str,
        client: Client,
        *,
        markets: Mapping[str, MarketRule],
        quote: str,
        fee: Decimal,
        tokens: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.client = name, client
        self.markets, self.quote, self.fee = dict(markets), quote, fee
        self.tokens = {rule.base: slug for slug, rule in self.markets.items()} | dict(tokens or {})
        self._slugs = {rule.symbol: slug for slug, rule in self.markets.items()}
        self._read: dict[str, Any] = {}

    @decimals_kept()
    def order_ready(self, order: BrokerOrder) -> None:
        """The order's book, read now. Raises BrokerUnreachable where the venue cannot be asked."""
        if order.token in self.markets:
            self._read[order.client_id] = self._book(order.token)

    @decimals_kept()
    def depth(self, order: BrokerOrder) -> Depth | None:
        """The side that the order would take, within its cap, in USD. Raises BrokerUnreachable."""
        rule = self.markets.get(order.token)
        if rule is None:
            return None
        levels = within(self._side(self._book(order.token), order), order)
        held = self.balances()
        one = Decimal(10) ** order.scale
        free = held.get(rule.base, Decimal(0)) * one if order.side == "sell" else (
            held.get(self.quote, Decimal(0)) * order.rate / MICRO
        )  # fmt: skip
        return Depth(
            levels=[(int(price * order.rate * 10**24), int(quantity * one)) for price, quantity in levels],
            fee=int(self.fee * 10**9),
            step=max(1, int(rule.step * one)),
            least_quantity=int((rule.least_quantity * one).to_integral_value(ROUND_CEILING)),
            least_notional=int((rule.least_notional * order.rate / MICRO).to_integral_value(ROUND_CEILING)),
            available=int(free),
        )

    @decimals_kept()
    def order_place(self, order: BrokerOrder) -> BrokerReport:
        """Sent as an IOC limit, with the fills that it has by now; refused here where the venue would refuse it."""
        rule = self.markets.get(order.token)
        if rule is None:
            return BrokerReport("rejected", [], f"{self.name} does not trade {order.token}.")
        book = self._read.pop(order.client_id, None) or self._book(order.token)
        wish = sized(order, rule, self._side(book, order), venue=self.name, quote=self.quote, fee=self.fee)
        if wish.refusal:
            return BrokerReport("rejected", [], wish.refusal)
        if wish.nothing:
            return BrokerReport("done", [], wish.nothing)
        try:
            placed = self.client.call(
                "create_order",
                rule.symbol,
                "limit",
                order.side,
                f"{wish.quantity:f}",
                f"{wish.limit:f}",
                {"timeInForce": "IOC", "clientOrderId": client_id(order)},
            )
        except Refused as refusal:
            return BrokerReport("rejected", [], f"{self.name}: {refusal}"[:240])
        except NotThere as odd:
            raise BrokerUnreachable(str(odd)) from odd
        if not isinstance(placed, dict) or not placed.get("id"):
            raise BrokerUnreachable(f"{self.name}: the answer to an order has no id")
        try:
            return self._report(order, rule, self._order(str(placed["id"]), rule) or placed)
        except BrokerUnreachable:
            # It has been accepted; what became of it is asked next time.
            return BrokerReport("open", [], reference=str(placed["id"]))

    @decimals_kept()
    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        """By our id: in open orders, in closed ones, in trades. None only where all of them answered."""
        rule = self.markets.get(order.token)
        if rule is None:
            return BrokerReport("rejected", [], f"{self.name} does not trade {order.token}.")
        found = self._order(order.reference, rule) if order.reference else self._search(order, rule)
        return None if found is None else self._report(order, rule, found)

    @decimals_kept()
    def balances(self) -> Mapping[str, Decimal]:
        """Currency -> free and locked together. Raises BrokerUnreachable."""
        answer = self._asked("fetch_balance")
        totals = answer.get("total") if isinstance(answer, dict) else None
        if not isinstance(totals, dict):
            raise BrokerUnreachable(f"{self.name}: the answer about balances has none")
        try:
            return {code: number(amount, code) for code, amount in totals.items() if amount is not None}
        except ValueError as error:
            raise BrokerUnreachable(f"{self.name}: {error}") from error

    @decimals_kept()
    def books(self, since: datetime) -> VenueBooks:
        """All of it, or BrokerUnreachable."""
        trades: list[VenueTrade] = []
        waiting: list[tuple[str, str]] = []
        for slug, rule in sorted(self.markets.items()):
            trades += [
                VenueTrade(
                    _trade_id(trade),
                    str(trade.get("order") or ""),
                    slug,
                    datetime.fromtimestamp(int(trade["timestamp"]) / 1000, tz=since.tzinfo),
                )
                for trade in self._trades(rule, since)
            ]
            waiting += [
                (str(line.get("id")), str(line.get("clientOrderId") or ""))
                for line in self._lines("fetch_open_orders", rule.symbol)
            ]
        return VenueBooks(self.balances(), trades, waiting, dict(self.tokens), self.quote)

    @decimals_kept()
    def order_client_id(self, token: str, reference: str) -> str:
        """The client id of an order on the account, "" where it has none. Raises BrokerUnreachable."""
        found = self._order(reference, self.markets[token])
        return "" if found is None else str(found.get("clientOrderId") or "")

    @decimals_kept()
    def fills_of(self, order: BrokerOrder) -> list[BrokerFill]:
        """The fills that the venue has of an order with a known reference. Raises BrokerUnreachable."""
        rule = self.markets[order.token]
        return self._fills(order, rule, order.reference)

    def _report(self, order: BrokerOrder, rule: MarketRule, found: Mapping[str, Any]) -> BrokerReport:
        reference = str(found.get("id") or order.reference)
        status = found.get("status")
        if status == "rejected":
            return BrokerReport("rejected", [], f"{self.name} refused it.", reference)
        fills = self._fills(order, rule, reference)
        got = sum((fill.quantity for fill in fills), Decimal(0))
        filled = _told(found.get("filled"))
        if status not in _FINAL or (filled is not None and got < filled):
            # Trades can come later than the order that they belong to.
            return BrokerReport("open", fills, reference=reference)
        amount = _told(found.get("amount"))
        reason = ""
        if amount is not None and got < amount:
            there, wanted = got.normalize(), amount.normalize()
            reason = f"{there:f} of {wanted:f} filled within {distance(order)} of the mark."
        return BrokerReport("done", fills, reason, reference)

    def _fills(self, order: BrokerOrder, rule: MarketRule, reference: str) -> list[BrokerFill]:
        since = None if order.sent_at is None else order.sent_at - timedelta(seconds=60)
        if self.client.can("fetchOrderTrades"):
            lines = self._lines("fetch_order_trades", reference, rule.symbol)
        else:
            lines = self._trades(rule, since)
        mine = [line for line in lines if str(line.get("order")) == reference]
        return [self._fill(order, rule, line) for line in mine]

    def _fill(self, order: BrokerOrder, rule: MarketRule, line: Mapping[str, Any]) -> BrokerFill:
        try:
            quantity = number(line["amount"], "amount")
            price = number(line["price"], "price")
            spent = quantity * price if line.get("cost") is None else number(line["cost"], "cost")
            fees = line.get("fees") or ([line["fee"]] if line.get("fee") else [])
            sums: dict[str, Decimal] = {}
            for fee in fees:
                if fee.get("cost") is not None and number(fee["cost"], "fee"):
                    code = str(fee.get("currency") or "")
                    sums[code] = sums.get(code, Decimal(0)) + number(fee["cost"], "fee")
        except (KeyError, ValueError, AttributeError) as error:
            raise BrokerUnreachable(f"{self.name}: a trade could not be read: {error}") from error
        if quantity <= 0 or price <= 0 or spent <= 0:
            raise BrokerUnreachable(f"{self.name}: a trade of {quantity} at {price}")
        if quantity != in_steps(quantity, Decimal(1).scaleb(-order.scale)):
            raise BrokerConfused(f"{self.name}: {quantity} {rule.base} is finer than our books count it")
        if len(sums) > 1:
            raise BrokerConfused(f"{self.name}: trade {line.get('id')} has fees in {', '.join(sorted(sums))}")
        rounding = ROUND_CEILING if order.side == "buy" else ROUND_FLOOR
        [(code, size)] = sums.items() or [(self.quote, Decimal(0))]
        in_quote = code == self.quote
        if not in_quote and code not in self.tokens:
            raise BrokerConfused(
                f"{self.name}: a fee was taken in {code!r}, which is no token that we know; map it to one first"
            )
        return BrokerFill(
            trade_id=_trade_id(line),
            quantity=quantity,
            price=max(SMALLEST_PRICE, (price * order.rate).quantize(SMALLEST_PRICE, ROUND_DOWN)),
            notional=(spent * order.rate).quantize(MICRO, rounding),
            fee=(size * order.rate).quantize(MICRO, ROUND_CEILING) if in_quote else Decimal(0),
            fee_token="" if in_quote else self.tokens[code],
            fee_quantity=Decimal(0) if in_quote else size,
            quote_amount=spent,
            quote_fee=size if in_quote else Decimal(0),
        )

    def _search(self, order: BrokerOrder, rule: MarketRule) -> Mapping[str, Any] | None:
        since = None if order.sent_at is None else order.sent_at - timedelta(seconds=60)
        start = None if since is None else _ms(since)
        ours = {client_id(order), order.client_id}
        kinds = ["fetch_open_orders"]
        if self.client.can("fetchOrders"):
            kinds.append("fetch_orders")
        else:
            kinds += [
                method
                for ability, method in (
                    ("fetchClosedOrders", "fetch_closed_orders"),
                    ("fetchCanceledOrders", "fetch_canceled_orders"),
                )
                if self.client.can(ability)
            ]
        for kind in kinds:
            for line in self._lines(kind, rule.symbol, start):
                if str(line.get("clientOrderId") or "") in ours:
                    return line
        for trade in self._trades(rule, since):
            if ours & {str(value) for value in (trade.get("info") or {}).values()}:
                return self._order(str(trade["order"]), rule)
        return None

    def _order(self, reference: str, rule: MarketRule) -> Mapping[str, Any] | None:
        try:
            found = self._asked("fetch_order", reference, rule.symbol)
        except NotThere:
            return None
        if not isinstance(found, dict):
            raise BrokerUnreachable(f"{self.name}: the answer about an order is none")
        return found

    def _trades(self, rule: MarketRule, since: datetime | None) -> list[dict[str, Any]]:
        """Every trade in one market from `since` on, page by page."""
        found: dict[str, dict[str, Any]] = {}
        start = None if since is None else _ms(since)
        while True:
            page = self._lines("fetch_my_trades", rule.symbol, start, PAGE)
            if any(not line.get("id") or not line.get("timestamp") for line in page):
                raise BrokerUnreachable(f"{self.name}: a trade has no id or no time")
            fresh = [line for line in page if _trade_id(line) not in found]
            found.update({_trade_id(line): line for line in fresh})
            if len(page) < PAGE or not fresh or start is None:
                return list(found.values())
            start = max(int(line["timestamp"]) for line in page)

    def _book(self, token: str) -> Any:
        return self._asked("fetch_order_book", self.markets[token].symbol, BOOK_LEVELS)

    def _side(self, book: Any, order: BrokerOrder) -> list[tuple[Decimal, Decimal]]:
        buying = order.side == "buy"
        try:
            lines = [
                (number(line[0], "price"), number(line[1], "quantity"))
                for line in book["asks" if buying else "bids"]
            ]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BrokerUnreachable(f"{self.name}: the order book could not be read: {error}") from error
        return sorted(line for line in lines if min(line) > 0) if buying else sorted(
            (line for line in lines if min(line) > 0), reverse=True
        )  # fmt: skip

    def _lines(self, method: str, *arguments: Any) -> list[dict[str, Any]]:
        answer = self._asked(method, *arguments)
        if not isinstance(answer, list) or any(not isinstance(line, dict) for line in answer):
            raise BrokerUnreachable(f"{self.name}: {method} gave no list")
        return answer

    def _asked(self, method: str, *arguments: Any) -> Any:
        """A question; a refusal to answer is no answer."""
        try:
            return self.client.call(method, *arguments)
        except Refused as refusal:
            raise BrokerUnreachable(f"{self.name}: {refusal}") from refusal


def client_id(order: BrokerOrder) -> str:
    """Our id as venues take it: 32 letters and digits."""
    return order.client_id.replace("-", "")


def _trade_id(line: Mapping[str, Any]) -> str:
    # Venues count the trades of each market on their own.
    return f"{line.get('symbol')}:{line.get('id')}"


def _told(value: Any) -> Decimal | None:
    try:
        return None if value is None else number(value, "filled")
    except ValueError:
        return None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
