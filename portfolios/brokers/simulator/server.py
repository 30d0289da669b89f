"""The simulated exchange over HTTP: the routes, signatures and errors that a Binance client knows."""

import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from portfolios.brokers.simulator import shapes
from portfolios.brokers.simulator.exchange import OPEN, Account, Exchange, Order, Refused
from portfolios.brokers.simulator.faults import Faults

Answer = dict[str, Any] | list[Any]
RECV_WINDOW = 5_000
LARGEST_BODY = 65_536
WEIGHT_A_MINUTE = 6_000
_CLIENT_ID = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}")


class Dropped(Exception):
    """The connection is closed without an answer."""


class SimulatorServer(ThreadingHTTPServer):
    """An exchange at an address of this machine. `port` 0 takes a free one."""

    daemon_threads = True

    def __init__(self, exchange: Exchange, *, port: int = 0, faults: Faults | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.exchange = exchange
        self.faults = faults or Faults({})
        self.requests_seen: deque[int] = deque()

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT"""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Request:
    """One call: who asks, with which parameters."""

    def __init__(self, exchange: Exchange, parameters: dict[str, str], account: Account | None) -> None:
        self.exchange, self.parameters, self._account = exchange, parameters, account

    @property
    def account(self) -> Account:
        if self._account is None:
            raise Refused(-2014, "API-key format invalid.", 401)
        return self._account

    def text(self, name: str, default: str | None = None) -> str:
        value = self.parameters.get(name) or default
        if value is None:
            raise Refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return value

    def decimal(self, name: str) -> Decimal:
        try:
            value = Decimal(self.parameters.get(name, "0"))
        except InvalidOperation as error:
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'.") from error
        if not value.is_finite() or value < 0:
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'.")
        return value

    def whole(self, name: str) -> int | None:
        text = self.parameters.get(name)
        if text is None:
            return None
        if not text.isdigit():
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'.")
        return int(text)


def _place(request: _Request) -> Answer:
    return shapes.order_placed(request.exchange.place(request.account, _asked(request)))


def _asked(request: _Request) -> dict[str, Any]:
    kind, side = request.text("type"), request.text("side")
    if kind not in ("MARKET", "LIMIT", "LIMIT_MAKER"):
        raise Refused(-1116, "Invalid orderType.")
    if side not in ("BUY", "SELL"):
        raise Refused(-1117, "Invalid side.")
    lasting = request.text("timeInForce", "GTC" if kind != "LIMIT" else None)
    if lasting not in ("GTC", "IOC", "FOK"):
        raise Refused(-1115, "Invalid timeInForce.")
    client_id = request.text(
        "newClientOrderId", f"sim-{request.exchange.now()}-{len(request.exchange.orders)}"
    )
    if not _CLIENT_ID.fullmatch(client_id):
        raise Refused(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
    return {
        "symbol": request.text("symbol"),
        "client_id": client_id,
        "side": side,
        "kind": kind,
        "time_in_force": lasting,
        "price": request.decimal("price"),
        "quantity": request.decimal("quantity"),
        "quote_quantity": request.decimal("quoteOrderQty") if kind == "MARKET" else Decimal(0),
    }


def _one(request: _Request) -> Order:
    order_id, client_id = request.whole("orderId"), request.parameters.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise Refused(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return request.exchange.order(
        request.account, request.text("symbol"), order_id=order_id, client_id=client_id
    )


def _cancel(request: _Request) -> Answer:
    return shapes.order(request.exchange.cancel(_one(request)))


def _open_orders(request: _Request) -> Answer:
    orders = request.exchange.orders_of(request.account, request.parameters.get("symbol"))
    return [shapes.order(order) for order in orders if order.status in OPEN]


def _all_orders(request: _Request) -> Answer:
    orders = request.exchange.orders_of(request.account, request.text("symbol"))
    since = request.whole("startTime") or 0
    return [shapes.order(order) for order in orders if order.time >= since][
        -(request.whole("limit") or 500) :
    ]


def _trades(request: _Request) -> Answer:
    symbol, since, order_id = (
        request.text("symbol"),
        request.whole("startTime") or 0,
        request.whole("orderId"),
    )
    first = request.whole("fromId") or 0
    found = [
        shapes.trade(trade)
        for order in request.exchange.orders_of(request.account, symbol)
        for trade in order.trades
        if trade.time >= since and order_id in (None, order.id) and trade.id >= first
    ]
    limit = request.whole("limit") or 500
    found.sort(key=lambda line: line["id"])
    return found[:limit] if first else found[-limit:]


def _info(request: _Request) -> Answer:
    one = request.parameters.get("symbol")
    markets = [request.exchange.market(one)] if one else list(request.exchange.markets.values())
    return shapes.exchange_info(request.exchange, markets, request.exchange.now())


def _depth(request: _Request) -> Answer:
    market = request.exchange.market(request.text("symbol"))
    return shapes.depth(market, request.whole("limit") or 100, market.step + len(request.exchange.trades))


def _ticker(request: _Request) -> Answer:
    now, one = request.exchange.now(), request.parameters.get("symbol")
    if one:
        return shapes.ticker(request.exchange.market(one), now)
    return [shapes.ticker(market, now) for market in request.exchange.markets.values()]


ROUTES: dict[tuple[str, str], tuple[Callable[[_Request], Answer], bool]] = {
    ("GET", "/api/v3/ping"): (lambda _: {}, False),
    ("GET", "/api/v3/time"): (lambda request: {"serverTime": request.exchange.now()}, False),
    ("GET", "/api/v3/exchangeInfo"): (_info, False),
    ("GET", "/api/v3/depth"): (_depth, False),
    ("GET", "/api/v3/ticker/24hr"): (_ticker, False),
    ("GET", "/api/v3/ticker/price"): (_ticker, False),
    ("GET", "/api/v3/ticker/bookTicker"): (_ticker, False),
    ("POST", "/api/v3/order"): (_place, True),
    ("GET", "/api/v3/order"): (lambda request: shapes.order(_one(request)), True),
    ("DELETE", "/api/v3/order"): (_cancel, True),
    ("GET", "/api/v3/openOrders"): (_open_orders, True),
    ("GET", "/api/v3/allOrders"): (_all_orders, True),
    ("GET", "/api/v3/myTrades"): (_trades, True),
    ("GET", "/api/v3/account"): (
        lambda request: shapes.account(request.account, request.exchange.now()),
        True,
    ),
    ("GET", "/sapi/v1/account/apiRestrictions"): (
        lambda request: shapes.restrictions(request.account, request.exchange.now()),
        True,
    ),
    ("GET", "/sapi/v1/capital/config/getall"): (lambda request: shapes.coins(request.exchange), True),
    # What general clients look for first; there is no margin and there are no futures here.
    ("GET", "/sapi/v1/margin/allPairs"): (lambda _: [], True),
    ("GET", "/sapi/v1/margin/allAssets"): (lambda _: [], True),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): (lambda _: [], True),
    ("GET", "/fapi/v1/exchangeInfo"): (lambda _: {"symbols": []}, False),
    ("GET", "/dapi/v1/exchangeInfo"): (lambda _: {"symbols": []}, False),
    ("GET", "/sapi/v1/system/status"): (lambda _: {"status": 0, "msg": "normal"}, False),
}
"""(method, path) -> what answers, and whether it has to be signed."""


class _Handler(BaseHTTPRequestHandler):
    server: SimulatorServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Every method goes one way."""
        with suppress(Dropped):
            self._answer(*self._handled())

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names of the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Quiet: a test that trades a thousand times needs no thousand lines."""

    def _handled(self) -> tuple[int, Answer | str, dict[str, str]]:
        address = urlsplit(self.path)
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST_BODY)).decode()
        payload = "&".join(part for part in (address.query, body) if part)
        try:
            self._limited()
            known = ROUTES.get((self.command, address.path))
            if known is None:
                return 404, {"code": -1000, "msg": f"There is no {self.command} {address.path} here."}, {}
            act, signed = known
            request = _Request(
                self.server.exchange,
                dict(parse_qsl(payload, keep_blank_values=True)),
                self._signed(payload) if signed else None,
            )
            return self._acted(act, request)
        except Refused as refusal:
            extra = {"Retry-After": "1"} if refusal.status in (418, 429) else {}
            return refusal.status, {"code": refusal.code, "msg": refusal.message}, extra

    def _acted(
        self, act: Callable[[_Request], Answer], request: _Request
    ) -> tuple[int, Answer | str, dict[str, str]]:
        fault = self.server.faults.next()
        if fault == "rate-limit":
            raise Refused(-1003, "Too much request weight used; the limit is 6000 a minute.", 429)
        if fault == "server-error":
            raise Refused(
                -1006,
                "An unexpected response was received. Execution status unknown.",
                503,
            )
        if fault == "html-error":
            return 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", {}
        if fault == "reject" and self.command == "POST":
            raise Refused(-2010, "Order was rejected for no reason but bad luck.")
        if fault == "drop-before":
            self._drop()
        answer = act(request)
        if fault == "drop-after":
            self._drop()
        return 200, answer, {}

    def _limited(self) -> None:
        seen, now = self.server.requests_seen, self.server.exchange.now()
        while seen and seen[0] <= now - 60_000:
            seen.popleft()
        seen.append(now)
        if len(seen) > WEIGHT_A_MINUTE:
            raise Refused(-1003, "Too many requests.", 429)

    def _signed(self, payload: str) -> Account:
        account = self.server.exchange.accounts.get(self.headers.get("X-MBX-APIKEY", ""))
        if account is None:
            raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        query, _, signature = payload.rpartition("&signature=")
        expected = hmac.new(account.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise Refused(-1022, "Signature for this request is not valid.")
        parameters = dict(parse_qsl(query))
        sent, window = parameters.get("timestamp", ""), parameters.get("recvWindow", str(RECV_WINDOW))
        if not sent.isdigit() or not window.isdigit():
            raise Refused(
                -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
            )
        now = self.server.exchange.now()
        if int(sent) > now + 1_000 or now - int(sent) > int(window):
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")
        return account

    def _answer(self, status: int, answer: Answer | str, extra: dict[str, str]) -> None:
        page = isinstance(answer, str)
        content = answer if isinstance(answer, str) else json.dumps(answer)
        raw = content.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if page else "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(raw)))
        for name, value in extra.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def _drop(self) -> None:
        self.close_connection = True
        raise Dropped
