"""An investor's wishes: each is checked, its money is set aside, and it waits for the next dealing."""

import uuid
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.core.money import CENT, UNIT_SCALE, USD_SCALE, amount_parse, from_base, to_base
from portfolios.core.valuation import units_value
from portfolios.errors import (
    BelowMinimum,
    ConflictError,
    IndexNotReady,
    InsufficientFunds,
    InsufficientUnits,
    InvalidAmount,
    NotCancellable,
    PlanRequired,
    UnknownIndex,
    UnknownOrder,
)
from portfolios.models import Account, LedgerAsset, Order, Portfolio, User
from portfolios.services import accounts, ledger
from portfolios.services.payments import checked_amount
from signals import selectors as signal_selectors

MINIMUM_INVESTMENT = selectors.MINIMUM_INVESTMENT
_USED_BEFORE = "Nothing was moved: the reference was used before for another order; use a new one."


@transaction.atomic
def invest(user: User, index_slug: str, amount: Decimal | str, *, reference: str | None = None) -> Order:
    """An accepted order with its money set aside. The same `reference` twice is one order.

    Raises InvalidAmount, BelowMinimum, UnknownIndex, IndexNotReady, PlanRequired, InsufficientFunds, ConflictError.
    """
    usd_amount = checked_amount(amount)
    _queue(user, reference)
    if usd_amount < MINIMUM_INVESTMENT:
        raise BelowMinimum(f"Nothing was moved: the smallest investment is ${MINIMUM_INVESTMENT:,.2f}.")
    index, owner = _open_to(user, index_slug)
    if not selectors.index_allowed(user, index.slug):
        needed = selectors.plan_needed(index.slug)
        which = f"the {needed.name} plan or a larger one" if needed is not None else "another plan"
        raise PlanRequired(f"Nothing was moved: {index.name} needs {which}.")
    today = signal_selectors.last_closed_day()
    if index_selectors.decision_in_force(index, as_of=today) is None:
        raise IndexNotReady(
            f"Nothing was moved: {index.name} has no target weights in force yet; try again later."
        )
    portfolio = accounts.portfolio_ensure(index.id, index.slug, owner=owner)
    order = Order(
        user=user, portfolio=portfolio, side=Order.Side.INVEST, amount=usd_amount, reference=reference
    )
    try:
        return _place(order, accounts.usd(), usd_amount)
    except InsufficientFunds as error:
        have = selectors.cash(user)
        raise InsufficientFunds(
            f"Nothing was moved: ${have:,.2f} is free and ${usd_amount:,.2f} was asked for. Deposit the difference, or "
            "invest less."
        ) from error


@transaction.atomic
def redeem(
    user: User,
    index_slug: str,
    *,
    units: Decimal | str | None = None,
    amount: Decimal | str | None = None,
    all: bool = False,  # noqa: A002 - the word the caller thinks in
    reference: str | None = None,
) -> Order:
    """An accepted order with its units set aside; exactly one of `units`, `amount` (USD at the unit price of now) and
    `all` says how much. What is paid out depends on the price at the dealing. Where less than a cent's worth of free
    units would be left they are redeemed too: nobody could ever be paid for them. The same `reference` twice is one
    order.

    Raises InvalidAmount, UnknownIndex, InsufficientUnits, InsufficientFunds (an amount above the holding's value),
    ConflictError.
    """
    if (units is not None) + (amount is not None) + bool(all) != 1:
        raise InvalidAmount("Nothing was moved: say how much by exactly one of units, amount or all.")
    asked = checked_amount(amount) if amount is not None else None
    _queue(user, reference)
    if reference is not None:
        # An order that is here already has taken its units: the amount asked for would no longer be found.
        repeated = Order.objects.filter(user=user, reference=reference, side=Order.Side.REDEEM).first()
        if repeated is not None:
            if (repeated.portfolio.index.slug, repeated.amount) == (index_slug, asked):
                return repeated
            raise ConflictError(_USED_BEFORE)
    portfolio = selectors.portfolio(index_slug)
    if portfolio is None:
        _open_to(user, index_slug)
        raise InsufficientUnits("Nothing was moved: you hold no units of this index.")
    free = ledger.balance_of(accounts.user_cash(user), portfolio.units)
    if all:
        wanted = free
    elif units is not None:
        try:
            wanted = to_base(amount_parse(units, decimals=UNIT_SCALE), UNIT_SCALE)
        except ValueError as error:
            raise InvalidAmount(f"Nothing was moved. {error}", field="units") from error
    else:
        wanted = _units_for(portfolio, asked or Decimal(0), free)
    if wanted <= 0 or wanted > free:
        have = f"{from_base(free, UNIT_SCALE):f}"
        raise InsufficientUnits(f"Nothing was moved: {have} units are free to redeem.")
    order = Order(user=user, portfolio=portfolio, side=Order.Side.REDEEM, amount=asked, reference=reference)
    order.units = from_base(_without_dust(portfolio, wanted, free), UNIT_SCALE)
    try:
        return _place(order, portfolio.units, order.units)
    except InsufficientFunds as error:
        raise InsufficientUnits("Nothing was moved: those units are no longer free to redeem.") from error


@transaction.atomic
def order_cancel(user: User, order_id: uuid.UUID | str) -> Order:
    """The order cancelled and what was set aside for it free again; a second call changes nothing.

    Raises UnknownOrder where this user has no such order, NotCancellable once it is being dealt.
    """
    try:
        key = uuid.UUID(str(order_id))
    except ValueError as error:
        raise UnknownOrder("Nothing was moved: you have no such order.") from error
    order = Order.objects.select_for_update().filter(pk=key, user=user).first()
    if order is None:
        raise UnknownOrder("Nothing was moved: you have no such order.")
    if order.status == Order.Status.CANCELLED:
        return order
    if order.status != Order.Status.ACCEPTED:
        raise NotCancellable("The order was not cancelled: it is being dealt or has been settled.")
    asset, size = order_stake(order)
    ledger.entry_post(
        reference=f"order:{order.pk}:release",
        kind="release",
        effective_at=signal_selectors.market_time(),
        description="Order cancelled",
        legs=_between(accounts.user_reserved(user), accounts.user_cash(user), asset, size),
    )
    order.status = Order.Status.CANCELLED
    order.reason = "Cancelled by the investor."
    order.save(update_fields=["status", "reason"])
    return order


def order_stake(order: Order) -> tuple[LedgerAsset, Decimal]:
    """What an order sets aside: dollars to invest, or units to redeem."""
    if order.side == Order.Side.INVEST and order.amount is not None:
        return accounts.usd(), order.amount
    if order.units is None:
        raise ValueError(f"order {order.pk}: a redemption without units")
    return order.portfolio.units, order.units


def _queue(user: User, reference: str | None) -> None:
    """A repeated order waits here for the first one, and then finds it. Without a reference nothing repeats."""
    if reference is not None:
        accounts.user_queue(user)


def _place(order: Order, asset: LedgerAsset, size: Decimal) -> Order:
    if order.reference is not None:
        repeated = Order.objects.filter(user=order.user, reference=order.reference).first()
        if repeated is not None:
            return _same_order(repeated, order)
    order.placed_at = signal_selectors.market_time()
    ledger.entry_post(
        reference=f"order:{order.pk}:hold",
        kind="hold",
        effective_at=order.placed_at,
        description=f"Set aside to {order.side}",
        legs=_between(accounts.user_cash(order.user), accounts.user_reserved(order.user), asset, size),
    )
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError as error:
        raise ConflictError(
            "Nothing was moved: another order used this reference at the same moment."
        ) from error
    return order


def _same_order(stored: Order, wanted: Order) -> Order:
    def content(order: Order) -> tuple[int, str, Decimal | None]:
        return order.portfolio_id, order.side, order.amount

    if content(stored) != content(wanted):
        raise ConflictError(_USED_BEFORE)
    return stored


def _units_for(portfolio: Portfolio, amount: Decimal, free: int) -> int:
    valuation = selectors.valuations([portfolio.pk])[portfolio.pk]
    worth = units_value(free, valuation.value, valuation.units)
    micro = to_base(amount, USD_SCALE)
    if worth <= 0 or micro > worth:
        raise InsufficientFunds(
            f"Nothing was moved: what you may redeem is worth ${from_base(worth, USD_SCALE):,.2f} now. "
            "Ask for less, or redeem everything."
        )
    return min(free, -(-micro * valuation.units // valuation.value))


def _without_dust(portfolio: Portfolio, wanted: int, free: int) -> int:
    if wanted == free:
        return wanted
    valuation = selectors.valuations([portfolio.pk])[portfolio.pk]
    left = units_value(free - wanted, valuation.value, valuation.units)
    return free if valuation.value > 0 and left < CENT else wanted


def _open_to(user: User, index_slug: str) -> tuple[Any, User | None]:
    """The index, if this user may invest in it, and whose personal portfolio follows it: the user's own for an index
    that they built, nobody's for one of ours. Raises UnknownIndex."""
    if index_selectors.is_custom(index_slug):
        own = selectors.custom_index(user, index_slug)
        if own is None:
            raise UnknownIndex(f"Nothing was moved: you have no index {index_slug!r}.")
        return own.index, user
    index = next((row for row in index_selectors.index_list() if row.slug == index_slug), None)
    if index is None:
        raise UnknownIndex(f"Nothing was moved: there is no index {index_slug!r}.")
    return index, None


def _between(source: Account, target: Account, asset: LedgerAsset, amount: Decimal) -> list[ledger.Leg]:
    return [ledger.Leg(source, asset, -amount), ledger.Leg(target, asset, amount)]
