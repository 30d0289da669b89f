"""One market of the simulated exchange: a mid price that wanders by a seed, and the book around it."""

import random
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

LEVELS = 50
BPS = Decimal(10_000)
_GROWTH = Decimal("1.25")


@dataclass(frozen=True)
class Rules:
    """What an order must keep: Binance's PRICE_FILTER, LOT_SIZE and NOTIONAL."""

    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal


@dataclass(frozen=True)
class Level:
    """Some of the base asset to be had at one price."""

    price: Decimal
    quantity: Decimal


@dataclass
class Market:
    """BASE against QUOTE. `depth` is what stands at the best price, in quote; each level further away has a quarter
    more. What an order takes is gone until the market moves on."""

    base: str
    quote: str
    mid: Decimal
    rules: Rules
    spread_bps: Decimal
    depth: Decimal
    volatility_bps: int
    seed: int
    step: int = 0
    taken: dict[str, Decimal] = field(default_factory=lambda: {"BUY": Decimal(0), "SELL": Decimal(0)})

    @property
    def symbol(self) -> str:
        """BTCUSDT."""
        return self.base + self.quote

    def advance(self) -> None:
        """The next moment: the mid has moved by at most `volatility_bps`, and the book is full again."""
        self.step += 1
        moved = random.Random(f"{self.seed}:{self.symbol}:{self.step}").randint(  # noqa: S311 - repeats itself on purpose
            -self.volatility_bps, self.volatility_bps
        )
        self.mid = max(self.rules.tick, self.mid * (BPS + moved) / BPS).quantize(Decimal("1e-12"))
        self.taken = {"BUY": Decimal(0), "SELL": Decimal(0)}

    def book(self, side: str) -> list[Level]:
        """What a taker on `side` finds, best price first; what was taken since the last move is missing."""
        buying = side == "BUY"
        away = self.spread_bps / 2
        size = self.depth
        gone = self.taken[side]
        levels = []
        for _ in range(LEVELS):
            raw = self.mid * (BPS + away if buying else BPS - away) / BPS
            price = max(self.rules.tick, in_steps(raw, self.rules.tick, up=buying))
            quantity = in_steps(size / price, self.rules.step)
            left = max(Decimal(0), quantity - gone)
            gone = max(Decimal(0), gone - quantity)
            if left > 0:
                levels.append(Level(price, left))
            away += self.spread_bps
            size *= _GROWTH
        return levels

    def take(self, side: str, quantity: Decimal) -> None:
        """`quantity` of the base asset is gone from the side that a taker on `side` looks at."""
        self.taken[side] += quantity


def in_steps(amount: Decimal, step: Decimal, *, up: bool = False) -> Decimal:
    """`amount` as a whole number of steps."""
    steps = (amount / step).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR)
    return steps * step


def standard_markets(seed: int = 1) -> list[Market]:
    """A dozen well-known coins against USDT at round prices: enough for a first try."""
    prices = {
        "BTC": "60000", "ETH": "3000", "BNB": "550", "SOL": "150", "XRP": "0.55", "ADA": "0.45", "DOGE": "0.12",
        "AVAX": "28", "LINK": "14", "DOT": "6", "UNI": "8", "USDC": "1",
    }  # fmt: skip
    return [market(base, Decimal(price), seed=seed) for base, price in prices.items()]


def market(
    base: str,
    price: Decimal,
    *,
    quote: str = "USDT",
    spread_bps: Decimal = Decimal(4),
    depth: Decimal = Decimal(20_000),
    volatility_bps: int = 5,
    seed: int = 1,
) -> Market:
    """A market whose steps suit its price: five digits of price, a cent or less of quantity."""
    magnitude = price.adjusted()
    tick = Decimal(1).scaleb(magnitude - 5)
    step = Decimal(1).scaleb(-(magnitude + 2)) if magnitude >= -2 else Decimal(1)
    rules = Rules(tick, step, step, Decimal(9_000_000_000), Decimal(5))
    return Market(base, quote, price, rules, spread_bps, depth, volatility_bps, seed)
