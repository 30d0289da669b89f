"""A slow second engine, written from the words of docs/methodology.md and ADR 4 and from nothing else: dicts, floats,
one day after another. It shares no line with indices.core; what both say is what the words mean.
"""

import math
import statistics
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from signals.core.panel import Panel

Weights = dict[str, float]
DAY = timedelta(days=1)


@dataclass
class History:
    """Level by day; and by the day of each trade what was bought, the turnover and the cost."""

    level: dict[date, float] = field(default_factory=dict)
    weights: dict[date, Weights] = field(default_factory=dict)
    turnover: dict[date, float] = field(default_factory=dict)
    cost: dict[date, float] = field(default_factory=dict)


@dataclass
class Market:
    """What is known: asset -> day -> number, a day without one has no entry."""

    close: dict[str, dict[date, float]]
    cap: dict[str, dict[date, float]]
    volume: dict[str, dict[date, float]]
    days: list[date]

    @classmethod
    def of(cls, panel: Panel) -> "Market":
        days = [stamp.date() for stamp in panel.dates]

        def known(values: Any) -> dict[str, dict[date, float]]:
            lines = zip(panel.assets, values.T.tolist(), strict=True)
            return {
                asset: {day: number for day, number in zip(days, line, strict=True) if not math.isnan(number)}
                for asset, line in lines
            }

        return cls(known(panel.close), known(panel.market_cap), known(panel.volume), days)

    def last(self, numbers: dict[date, float], day: date, within: int) -> float | None:
        """The number of `day`, or of the nearest of the `within` days before it."""
        return next(
            (numbers[day - back * DAY] for back in range(within + 1) if day - back * DAY in numbers), None
        )

    def silence(self, asset: str, day: date) -> int:
        """Days since the last close."""
        return next(back for back in range(100_000) if day - back * DAY in self.close[asset])

    def price(self, asset: str, day: date) -> float:
        """The last close at or before `day`."""
        return self.close[asset][day - self.silence(asset, day) * DAY]

    def median_volume(self, asset: str, day: date) -> float:
        """Of the last 30 days; a day without data counts as zero."""
        return statistics.median(self.volume[asset].get(day - back * DAY, 0.0) for back in range(30))


def ends_period(day: date, calendar: dict[str, Any]) -> bool:
    tomorrow = day + DAY
    return {
        "daily": True,
        "weekly": day.strftime("%A").lower() == calendar["weekday"],
        "monthly": tomorrow.month != day.month,
        "quarterly": tomorrow.month != day.month and tomorrow.month in (1, 4, 7, 10),
    }[calendar["frequency"]]


def passes(market: Market, asset: str, day: date, rules: dict[str, Any], incumbent: bool) -> bool:
    screens = rules["screens"]
    price = market.last(market.close[asset], day, screens["max_stale_days"])
    cap = market.last(market.cap[asset], day, screens["max_stale_days"])
    if price is None or cap is None:
        return False
    if (day - min(market.close[asset])).days < screens["min_age_days"]:
        return False
    door = "stay" if incumbent else "enter"
    least_cap, least_volume = screens["min_market_cap"], screens["min_median_volume_30d"]
    if least_cap and cap < least_cap[door]:
        return False
    return not (least_volume and market.median_volume(asset, day) < least_volume[door])


def members(market: Market, day: date, rules: dict[str, Any], held: Weights) -> Weights:
    """Who is chosen, with the cap that ranks and weighs it."""
    stale, selection = rules["screens"]["max_stale_days"], rules["selection"]
    caps = {
        asset: market.last(market.cap[asset], day, stale) or 0.0
        for asset in market.close
        if passes(market, asset, day, rules, asset in held)
    }
    ranked = sorted(caps, key=lambda asset: (-caps[asset], asset))
    near = ranked[: selection["count"] + selection["buffer"]]
    staying = [asset for asset in near if asset in held][: selection["count"]]
    if not selection["buffer"]:
        staying = []
    others = [asset for asset in ranked if asset not in held] if selection["buffer"] else ranked
    return {asset: caps[asset] for asset in [*staying, *others[: selection["count"] - len(staying)]]}


def weighted(market: Market, day: date, rules: dict[str, Any], caps: Weights) -> Weights:
    clause = rules["weighting"]
    scheme, low, high = clause["scheme"], clause["min_weight"], clause["max_weight"]
    if scheme == "inverse_volatility":
        raw = inverse_volatility(market, day, list(caps), clause["window_days"])
    else:
        form = {"market_cap": lambda cap: cap, "sqrt_market_cap": math.sqrt, "equal": lambda _: 1.0}[scheme]
        raw = {asset: form(cap) for asset, cap in caps.items()}
    if len(raw) * high <= 1 or len(raw) * low >= 1:
        return dict.fromkeys(raw, 1 / len(raw))

    def bounded(scale: float) -> Weights:
        return {asset: min(max(scale * value, low), high) for asset, value in raw.items()}

    # The one scale at which the bounded weights sum to 1, by halving.
    below, above = 0.0, 1.0
    while sum(bounded(above).values()) < 1:
        above *= 2
    for _ in range(200):
        middle = (below + above) / 2
        below, above = (middle, above) if sum(bounded(middle).values()) < 1 else (below, middle)
    found = bounded(above)
    return {asset: value / sum(found.values()) for asset, value in found.items()}


def inverse_volatility(market: Market, day: date, assets: list[str], window: int) -> Weights:
    deviations: dict[str, float | None] = {}
    days = [day - back * DAY for back in range(window, -1, -1) if day - back * DAY >= market.days[0]]
    for asset in assets:
        closes = market.close[asset]
        moves, real, last = [], 0, closes.get(days[0])
        for yesterday, today in pairwise(days):
            price = closes.get(today, last)
            moves.append(price / last - 1 if last is not None and price is not None else 0.0)
            real += yesterday in closes and today in closes
            last = price
        spread = statistics.stdev(moves)
        deviations[asset] = spread if real >= 20 and spread > 0 else None
    measured = [spread for spread in deviations.values() if spread is not None]
    if not measured:
        return dict.fromkeys(assets, 1.0)
    return {asset: 1 / (spread or max(measured)) for asset, spread in deviations.items()}


def amount(target: Weights, held: Weights) -> float:
    return math.fsum(abs(target.get(asset, 0.0) - held.get(asset, 0.0)) for asset in {*target, *held})


def worth_trading(target: Weights, held: Weights, rules: dict[str, Any]) -> Weights | None:
    """The target as far as the trading rules let it go; None where nothing is traded."""
    trading = rules["trading"]
    if not held:
        return target
    if trading["drift_band"] and amount(target, held) / 2 <= trading["drift_band"]:
        return None
    if trading["min_trade_usd"]:
        least = trading["min_trade_usd"] / rules["costs"]["capital_usd"]
        small = {a for a in {*target, *held} if abs(target.get(a, 0.0) - held.get(a, 0.0)) < least}
        rest = 1 - sum(held.get(asset, 0.0) for asset in small)
        wanted = sum(weight for asset, weight in target.items() if asset not in small)
        if wanted <= 0 or rest <= 0:
            return None
        target = {asset: weight * rest / wanted for asset, weight in target.items() if asset not in small}
        target |= {asset: held[asset] for asset in small if asset in held}
    most = trading["max_turnover"]
    if most is not None and amount(target, held) > most:
        part = most / amount(target, held)
        target = {
            asset: held.get(asset, 0.0) + (target.get(asset, 0.0) - held.get(asset, 0.0)) * part
            for asset in {*target, *held}
        }
    return {asset: weight for asset, weight in target.items() if weight > 0}


def cost_of(market: Market, day: date, target: Weights, held: Weights, costs: dict[str, Any]) -> float:
    total = (costs["fee_bps"] + costs["half_spread_bps"]) / 10_000 * amount(target, held)
    for asset in {*target, *held} if costs["impact"] else ():
        size = abs(target.get(asset, 0.0) - held.get(asset, 0.0))
        volume = market.median_volume(asset, day)
        part = size * costs["capital_usd"] / volume if volume > 0 else 1.0
        total += size * costs["impact"] * math.sqrt(part)
    return min(total, 1.0)


@dataclass
class Book:
    """What is held: asset -> (weight when bought, price then, what is left of it after a death); dead ones stay dead.

    In shares of what the index was worth at the purchase, so that an index worth nothing still has weights.
    """

    market: Market
    rules: dict[str, Any]
    lots: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    bought: date = date.min
    paid: float = 0.0

    def pass_day(self, day: date) -> None:
        """Whoever has been silent for a day too long today returns what the rulebook says."""
        gone = self.rules["delisting"]
        for asset, (weight, price, left) in self.lots.items():
            if day > self.bought and self.market.silence(asset, day) == gone["after_missing_days"] + 1:
                self.lots[asset] = (weight, price, left * (1 + gone["return"]))

    def worth(self, day: date) -> Weights:
        return {
            asset: weight * self.market.price(asset, day) / price * left
            for asset, (weight, price, left) in self.lots.items()
        }

    def buy(self, weights: Weights, value: float, day: date) -> None:
        self.bought, self.paid = day, value
        self.lots = {a: (weight, self.market.price(a, day), 1.0) for a, weight in weights.items()}


def reference(panel: Panel, rules: dict[str, Any], *, start: date, end: date) -> History:
    """The history of the rulebook with the canonical form `rules` from `start` to `end`."""
    market, history, lag = Market.of(panel), History(), rules["calendar"]["lag_days"]
    book, value, begun = Book(market, rules), rules["base"]["level"], False
    waiting: dict[date, Weights] = {}

    def held_on(day: date) -> Weights:
        worth = book.worth(day)
        total = sum(worth.values())
        return {asset: part / total for asset, part in worth.items() if part > 0} if total > 0 else {}

    def trade(day: date) -> None:
        nonlocal value
        target = waiting.pop(day, {})
        longest = rules["delisting"]["after_missing_days"]
        target = {asset: weight for asset, weight in target.items() if market.silence(asset, day) <= longest}
        if not target:
            return
        target = {asset: weight / sum(target.values()) for asset, weight in target.items()}
        held = held_on(day)
        cost = cost_of(market, day, target, held, rules["costs"])
        history.weights[day], history.turnover[day] = target, amount(target, held)
        history.cost[day] = cost
        value *= 1 - cost
        book.buy(target, value, day)

    for day in market.days:
        if day > end or day < start - lag * DAY:
            continue
        book.pass_day(day)
        if book.lots:
            value = book.paid * sum(book.worth(day).values())
        trade(day)
        if not begun or ends_period(day, rules["calendar"]):
            held = held_on(day)
            chosen = members(market, day, rules, held)
            target = worth_trading(weighted(market, day, rules, chosen), held, rules) if chosen else None
            if target is not None:
                begun = True
                waiting[max(day + lag * DAY, start)] = target
            trade(day)
        if day >= start:
            history.level[day] = value
    return history
