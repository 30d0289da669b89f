"""What portfolios hold and are worth, at marks of one moment."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from indices import selectors as index_selectors
from portfolios.core.allocation import split
from portfolios.core.money import USD_SCALE, from_base, price_base, to_base, value_of
from portfolios.core.valuation import fraction, unit_price
from portfolios.models import Account, Balance, LedgerAsset, NavPoint, Order, Portfolio
from portfolios.selectors.records import NavPointRow, PortfolioValue, Position
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class Line:
    """One asset of a portfolio in base units; `value` in micro-dollars, `price` None where there is no mark."""

    asset: LedgerAsset
    quantity: int
    price: Decimal | None
    value: int


@dataclass(frozen=True)
class Valuation:
    """A portfolio in base units. `value` leaves out `pending`: money that has come in but has no units yet."""

    portfolio_id: int
    at: datetime
    lines: list[Line]
    value: int
    units: int
    pending: int


def portfolio(index_slug: str) -> Portfolio | None:
    """The portfolio that follows an index: the pool of one of ours, its owner's of one that somebody built; None while
    nobody has invested in it."""
    kind = Portfolio.Kind.PERSONAL if index_selectors.is_custom(index_slug) else Portfolio.Kind.POOLED
    return (
        Portfolio.objects.filter(index__slug=index_slug, kind=kind).select_related("index", "units").first()
    )


def portfolio_value(portfolio: Portfolio, *, at: datetime | None = None) -> PortfolioValue:
    """The portfolio at marks of `at` (market time now when None), with its positions, largest first."""
    valuation = valuations([portfolio.pk], at=at)[portfolio.pk]
    return PortfolioValue(
        portfolio_id=portfolio.pk,
        at=valuation.at,
        value_usd=from_base(valuation.value, USD_SCALE),
        units=from_base(valuation.units, portfolio.units.scale),
        unit_price=unit_price(valuation.value, valuation.units),
        pending_usd=from_base(valuation.pending, USD_SCALE),
        positions=look_through(valuation, valuation.units),
    )


def positions(portfolio: Portfolio, *, at: datetime | None = None) -> list[Position]:
    """What the portfolio holds, largest first."""
    return portfolio_value(portfolio, at=at).positions


def nav_history(
    portfolio: Portfolio, *, start: date | None = None, end: date | None = None
) -> list[NavPointRow]:
    """Value per unit at each day's close, oldest first."""
    points = NavPoint.objects.filter(portfolio=portfolio)
    if start is not None:
        points = points.filter(date__gte=start)
    if end is not None:
        points = points.filter(date__lte=end)
    return [NavPointRow(p.date, p.unit_price, p.value, p.units) for p in points.order_by("date")]


def valuations(portfolio_ids: Collection[int], *, at: datetime | None = None) -> dict[int, Valuation]:
    """Portfolio id -> its valuation: the balances of now at marks of `at` (market time now when None)."""
    moment = at if at is not None else signal_selectors.market_time()
    held: dict[int, list[tuple[LedgerAsset, int]]] = defaultdict(list)
    issued: dict[int, int] = {}
    balances = Balance.objects.filter(
        account__portfolio_id__in=portfolio_ids,
        account__kind__in=[Account.Kind.ASSETS, Account.Kind.BOOKS, Account.Kind.ISSUED],
    ).exclude(amount=0)
    for balance in balances.select_related("account", "asset__token"):
        owner = balance.account.portfolio_id
        units = to_base(balance.amount, balance.asset.scale)
        if owner is None:
            continue
        if balance.account.kind == Account.Kind.ISSUED:
            issued[owner] = -units
        else:
            held[owner].append((balance.asset, units))
    slugs = {asset.token.slug for lines in held.values() for asset, _ in lines if asset.token is not None}
    marks = index_selectors.mark_prices(sorted(slugs), at=moment) if slugs else {}
    pending = dict(
        Order.objects.filter(
            portfolio_id__in=portfolio_ids,
            book=None,
            status=Order.Status.DEALING,
            side=Order.Side.INVEST,
            dealing__is_open=True,
        )
        .values_list("portfolio_id")
        .annotate(Sum("amount"))
    )
    return {
        key: _valuation(
            key, moment, held[key], issued.get(key, 0), to_base(pending.get(key, Decimal(0)), 6), marks
        )
        for key in portfolio_ids
    }


def look_through(valuation: Valuation, units: int) -> list[Position]:
    """The share that `units` have in each position, largest first; values sum to the share's value exactly."""
    if valuation.units <= 0 or units <= 0:
        return []
    gross = sum(line.value for line in valuation.lines)
    share = units * valuation.value // valuation.units
    lines = sorted(valuation.lines, key=lambda line: -line.value)
    worth = split(share, [line.value for line in lines]) if gross else [0] * len(lines)
    # Money that has no units yet belongs to nobody's share: quantities are scaled by the part that is owned.
    owned, whole = (valuation.value, gross) if gross else (1, 1)
    return [
        Position(
            token=line.asset.token.slug if line.asset.token is not None else "usd",
            name=line.asset.token.name if line.asset.token is not None else "US dollar",
            symbol=line.asset.token.symbol if line.asset.token is not None else "USD",
            quantity=from_base(line.quantity * units * owned // (valuation.units * whole), line.asset.scale),
            price=line.price,
            value_usd=from_base(value, USD_SCALE),
            weight=fraction(value, share),
        )
        for line, value in zip(lines, worth, strict=True)
    ]


def _valuation(
    portfolio_id: int,
    at: datetime,
    held: list[tuple[LedgerAsset, int]],
    issued: int,
    pending: int,
    marks: Mapping[str, Decimal],
) -> Valuation:
    lines = []
    for asset, quantity in held:
        if asset.token is None:
            lines.append(Line(asset, quantity, Decimal(1), quantity))
            continue
        mark = marks.get(asset.token.slug)
        worth = 0 if mark is None else value_of(quantity, asset.scale, price_base(mark))
        lines.append(Line(asset, quantity, mark, worth))
    value = max(0, sum(line.value for line in lines) - pending)
    return Valuation(portfolio_id, at, lines, value, issued, pending)
