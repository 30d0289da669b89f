"""Orders, balances and rules as Binance's JSON: numbers are strings with eight decimals."""

from decimal import Decimal
from typing import Any

from portfolios.brokers.simulator.exchange import Account, Exchange, Order, Trade
from portfolios.brokers.simulator.market import Market

_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]


def number(value: Decimal) -> str:
    """Plain decimals, as many as needed, at least eight."""
    text = f"{value:.8f}"
    return text if Decimal(text) == value else f"{value.normalize():f}"


def exchange_info(exchange: Exchange, markets: list[Market], now: int) -> dict[str, Any]:
    """GET /api/v3/exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now,
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(market, halted=market.symbol in exchange.halted) for market in markets],
    }


def depth(market: Market, limit: int, update: int) -> dict[str, Any]:
    """GET /api/v3/depth."""
    return {
        "lastUpdateId": update,
        "bids": [[number(level.price), number(level.quantity)] for level in market.book("SELL")[:limit]],
        "asks": [[number(level.price), number(level.quantity)] for level in market.book("BUY")[:limit]],
    }


def ticker(market: Market, now: int) -> dict[str, Any]:
    """GET /api/v3/ticker/24hr, /bookTicker and /price in one: clients take what they know."""
    bids, asks = market.book("SELL"), market.book("BUY")
    bid, ask = (bids[0], asks[0]) if bids and asks else (None, None)
    return {
        "symbol": market.symbol,
        "price": number(market.mid),
        "lastPrice": number(market.mid),
        "lastQty": "0.00000000",
        "bidPrice": number(bid.price if bid else Decimal(0)),
        "bidQty": number(bid.quantity if bid else Decimal(0)),
        "askPrice": number(ask.price if ask else Decimal(0)),
        "askQty": number(ask.quantity if ask else Decimal(0)),
        "openPrice": number(market.mid),
        "highPrice": number(market.mid),
        "lowPrice": number(market.mid),
        "volume": number((market.depth * 1000 / market.mid).quantize(Decimal("1e-8"))),
        "quoteVolume": number(market.depth * 1000),
        "openTime": now - 86_400_000,
        "closeTime": now,
    }


def order(placed: Order) -> dict[str, Any]:
    """An order as GET /api/v3/order tells it."""
    return {
        "symbol": placed.market.symbol,
        "orderId": placed.id,
        "orderListId": -1,
        "clientOrderId": placed.client_id,
        "price": number(placed.price),
        "origQty": number(placed.quantity or placed.executed),
        "executedQty": number(placed.executed),
        "origQuoteOrderQty": number(placed.quote_quantity),
        "cummulativeQuoteQty": number(placed.spent),
        "status": placed.status,
        "timeInForce": placed.time_in_force,
        "type": placed.kind,
        "side": placed.side,
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": placed.time,
        "updateTime": placed.updated,
        "workingTime": placed.time,
        "isWorking": True,
        "selfTradePreventionMode": "NONE",
    }


def order_placed(placed: Order) -> dict[str, Any]:
    """The answer to POST /api/v3/order with newOrderRespType FULL."""
    return {
        **order(placed),
        "transactTime": placed.updated,
        "fills": [
            {
                "price": number(trade.price),
                "qty": number(trade.quantity),
                "commission": number(trade.commission),
                "commissionAsset": trade.commission_asset,
                "tradeId": trade.id,
            }
            for trade in placed.trades
        ],
    }


def trade(made: Trade) -> dict[str, Any]:
    """One line of GET /api/v3/myTrades."""
    return {
        "symbol": made.order.market.symbol,
        "id": made.id,
        "orderId": made.order.id,
        "orderListId": -1,
        "price": number(made.price),
        "qty": number(made.quantity),
        "quoteQty": number(made.price * made.quantity),
        "commission": number(made.commission),
        "commissionAsset": made.commission_asset,
        "time": made.time,
        "isBuyer": made.order.side == "BUY",
        "isMaker": made.maker,
        "isBestMatch": True,
    }


def account(own: Account, now: int) -> dict[str, Any]:
    """GET /api/v3/account."""
    assets = sorted({*own.free, *own.locked})
    zero = Decimal(0)
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "canTrade": own.may_trade,
        "canWithdraw": own.may_withdraw,
        "canDeposit": True,
        "updateTime": now,
        "accountType": "SPOT",
        "balances": [
            {
                "asset": name,
                "free": number(own.free.get(name, zero)),
                "locked": number(own.locked.get(name, zero)),
            }
            for name in assets
        ],
        "permissions": ["SPOT"],
    }


def restrictions(own: Account, now: int) -> dict[str, Any]:
    """GET /sapi/v1/account/apiRestrictions: what the key may do."""
    return {
        "ipRestrict": False,
        "createTime": now,
        "enableReading": True,
        "enableSpotAndMarginTrading": own.may_trade,
        "enableWithdrawals": own.may_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
    }


def coins(exchange: Exchange) -> list[dict[str, Any]]:
    """GET /sapi/v1/capital/config/getall."""
    names = sorted({name for market in exchange.markets.values() for name in (market.base, market.quote)})
    return [
        {
            "coin": name,
            "name": name,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "free": "0",
            "locked": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for name in names
    ]


def _symbol(market: Market, *, halted: bool) -> dict[str, Any]:
    rules = market.rules
    return {
        "symbol": market.symbol,
        "status": "HALT" if halted else "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _TYPES,
        "icebergAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": number(rules.tick),
                "maxPrice": "1000000.00000000",
                "tickSize": number(rules.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": number(rules.min_quantity),
                "maxQty": number(rules.max_quantity),
                "stepSize": number(rules.step),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": number(rules.min_notional),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
    }
