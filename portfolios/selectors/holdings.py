"""What a person owns: units, what they are worth, what they cost, and the tokens behind them."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from portfolios.core.money import USD_SCALE, from_base, to_base
from portfolios.core.valuation import fraction, unit_price, units_value
from portfolios.models import Account, Balance, LedgerAsset, Order, Portfolio, User
from portfolios.selectors.personal.books import book_holdings
from portfolios.selectors.records import Holding
from portfolios.selectors.valuations import look_through, valuations


def holdings(user: User, *, at: datetime | None = None) -> list[Holding]:
    """The user's holdings at marks of `at` (market time now when None), largest first: units of portfolios, and
    personal portfolios in books. Units that wait for a redemption are still theirs and are included. The number of
    queries does not grow with the number of holdings."""
    units: dict[int, int] = defaultdict(int)
    waiting: dict[int, int] = defaultdict(int)
    balances = Balance.objects.filter(
        account__user=user,
        account__kind__in=[Account.Kind.CASH, Account.Kind.RESERVED],
        asset__kind=LedgerAsset.Kind.UNIT,
        amount__gt=0,
    ).select_related("account", "asset__portfolio__index")
    portfolios: dict[int, Portfolio] = {}
    for balance in balances:
        owner = balance.asset.portfolio
        portfolios[owner.pk] = owner
        amount = to_base(balance.amount, balance.asset.scale)
        units[owner.pk] += amount
        if balance.account.kind == Account.Kind.RESERVED:
            waiting[owner.pk] += amount
    result = book_holdings(user, at=at)
    if not portfolios:
        return result
    worth = valuations(list(portfolios), at=at)
    basis = _cost_basis(user, list(portfolios))
    scale = {key: balance.asset.scale for balance in balances for key in [balance.asset.portfolio.pk]}
    for key, owner in portfolios.items():
        valuation = worth[key]
        value = units_value(units[key], valuation.value, valuation.units)
        invested = basis.get(key, 0)
        result.append(
            Holding(
                portfolio_id=key,
                index_slug=owner.index.slug,
                index_name=owner.index.name,
                units=from_base(units[key], scale[key]),
                reserved_units=from_base(waiting[key], scale[key]),
                unit_price=unit_price(valuation.value, valuation.units),
                value_usd=from_base(value, USD_SCALE),
                invested_usd=from_base(invested, USD_SCALE),
                gain_usd=from_base(value - invested, USD_SCALE),
                gain=fraction(value - invested, invested) if invested else None,
                positions=look_through(valuation, units[key]),
            )
        )
    return sorted(result, key=lambda holding: (-holding.value_usd, holding.index_slug))


def holding(user: User, index_slug: str, *, at: datetime | None = None) -> Holding | None:
    """The user's units of one index, or None."""
    held = (item for item in holdings(user, at=at) if item.book_id is None)
    return next((item for item in held if item.index_slug == index_slug), None)


def _cost_basis(user: User, portfolio_ids: list[int]) -> dict[int, int]:
    """Portfolio id -> micro-dollars paid for the units still held, at average cost."""
    units: dict[int, int] = defaultdict(int)
    basis: dict[int, int] = defaultdict(int)
    settled = Order.objects.filter(user=user, portfolio_id__in=portfolio_ids, status=Order.Status.SETTLED)
    for key, side, amount, moved in settled.order_by("settled_at", "dealing_id", "created_at").values_list(
        "portfolio_id", "side", "amount", "units"
    ):
        quantity = to_base(moved or Decimal(0), 12)
        if side == Order.Side.INVEST:
            units[key] += quantity
            basis[key] += to_base(amount or Decimal(0), USD_SCALE)
        elif units[key] > 0:
            basis[key] -= basis[key] * min(quantity, units[key]) // units[key]
            units[key] -= min(quantity, units[key])
    return dict(basis)
