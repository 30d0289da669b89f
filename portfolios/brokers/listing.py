"""The markets of an exchange: their rules and prices, as decimals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portfolios.brokers.client import Client
from portfolios.brokers.decimals import decimals_kept, number

DECIMAL_PLACES, TICK_SIZE = 2, 4


class ListingError(ValueError):
    """The exchange describes its markets in a way that we do not understand."""


@dataclass(frozen=True)
class Listed:
    """One spot market against the quote currency. `price` is the middle of its book, or its last trade; 0 unknown."""

    symbol: str
    base: str
    price: Decimal
    step: Decimal
    tick: Decimal
    least_notional: Decimal
    least_quantity: Decimal
    is_open: bool


@decimals_kept()
def listings(client: Client, quote: str) -> list[Listed]:
    """Every spot market against `quote`, sorted by symbol. Raises BrokerUnreachable and ListingError."""
    markets = client.call("load_markets", reload=True)
    if not isinstance(markets, dict) or not markets:
        raise ListingError("it lists no markets")
    wanted = [market for market in markets.values() if market.get("spot") and market.get("quote") == quote]
    mode = client.raw.precisionMode
    if mode not in (DECIMAL_PLACES, TICK_SIZE):
        raise ListingError(f"it counts precision in a way that we do not know ({mode})")
    symbols = sorted(market["symbol"] for market in wanted)
    tickers = client.call("fetch_tickers", symbols) if symbols else {}
    try:
        return [
            _listed(market, tickers.get(market["symbol"]) or {}, mode)
            for market in sorted(wanted, key=_symbol)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ListingError(f"a market could not be read: {error}") from error


def _listed(market: dict[str, Any], ticker: dict[str, Any], mode: int) -> Listed:
    limits, precision = market.get("limits") or {}, market.get("precision") or {}
    return Listed(
        symbol=market["symbol"],
        base=market["base"],
        price=_price(ticker),
        step=_step(precision["amount"], mode),
        tick=_step(precision["price"], mode),
        least_notional=_least(limits.get("cost")),
        least_quantity=_least(limits.get("amount")),
        is_open=market.get("active") is not False,
    )


def _price(ticker: dict[str, Any]) -> Decimal:
    bid, ask, last = (ticker.get(name) for name in ("bid", "ask", "last"))
    if bid and ask and number(bid, "bid") > 0 and number(ask, "ask") > 0:
        return (number(bid, "bid") + number(ask, "ask")) / 2
    return number(last, "last") if last else Decimal(0)


def _step(value: Any, mode: int) -> Decimal:
    told = number(value, "precision")
    step = Decimal(1).scaleb(-int(told)) if mode == DECIMAL_PLACES else told
    if step <= 0:
        raise ValueError(f"precision: {value!r} is no step")
    return step.normalize()


def _least(limit: dict[str, Any] | None) -> Decimal:
    least = (limit or {}).get("min")
    return Decimal(0) if least is None else max(Decimal(0), number(least, "limit"))


def _symbol(market: dict[str, Any]) -> str:
    return str(market["symbol"])
