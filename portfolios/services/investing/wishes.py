"""What an investor asks for: checked, its money or units set aside, and waiting for the next dealing."""

from decimal import Decimal
from typing import Any

from django.db import transaction

from portfolios import selectors
from portfolios.core.money import UNIT_SCALE, from_base
from portfolios.errors import BelowMinimum, ConflictError, InsufficientFunds, InsufficientUnits, InvalidAmount
from portfolios.models import Order, User
from portfolios.selectors.admission import (
    admitted,
    enough_checked,
    open_to,
    percent_checked,
    units_asked,
    units_free,
)
from portfolios.selectors.minimums import MINIMUM_INVESTMENT
from portfolios.services import accounts
from portfolios.services.investing.placing import USED_BEFORE, order_place, queue
from portfolios.services.payments import checked_amount


@transaction.atomic
def invest(user: User, index_slug: str, amount: Decimal | str, *, reference: str | None = None) -> Order:
    """An accepted order with its money set aside. The same `reference` twice is one order.

    Raises InvalidAmount, BelowMinimum, UnknownIndex, IndexNotReady, PlanRequired, InsufficientFunds, ConflictError.
    """
    usd_amount = _large_enough(amount)
    queue(user, reference)
    index, owner = admitted(user, index_slug)
    enough_checked(index, usd_amount)
    return invest_admitted(user, index, owner, usd_amount, reference)


def investable(user: User, index_slug: str, amount: Decimal | str) -> Decimal:
    """`amount` in whole cents, if `invest` would take it from this person for this index were the money there; nothing
    is moved. Raises what `invest` raises but for the money."""
    usd_amount = _large_enough(amount)
    index, _ = admitted(user, index_slug)
    enough_checked(index, usd_amount)
    return usd_amount


def invest_admitted(
    user: User, index: Any, owner: User | None, amount: Decimal, reference: str | None
) -> Order:
    """The order for an index that `admitted` has let this person into. Raises InsufficientFunds, ConflictError."""
    portfolio = accounts.portfolio_ensure(index.id, index.slug, owner=owner)
    order = Order(user=user, portfolio=portfolio, side=Order.Side.INVEST, amount=amount, reference=reference)
    try:
        return order_place(order, accounts.usd(), amount)
    except InsufficientFunds as error:
        have = selectors.cash(user)
        raise InsufficientFunds(
            f"Nothing was moved: ${have:,.2f} is free and ${amount:,.2f} was asked for. Deposit the difference, or "
            "invest less."
        ) from error


@transaction.atomic
def redeem(
    user: User,
    index_slug: str,
    *,
    units: Decimal | str | None = None,
    amount: Decimal | str | None = None,
    percent: Decimal | str | None = None,
    all: bool = False,  # noqa: A002 - the word the caller thinks in
    reference: str | None = None,
) -> Order:
    """An accepted order with its units set aside; exactly one of `units`, `amount` (USD at the unit price of now),
    `percent` (of the free units, above 0 and up to 100 with two decimals) and `all` says how much. What is paid out
    depends on the price at the dealing. Where less than a cent's worth of free units would be left they are redeemed
    too: nobody could ever be paid for them. The same `reference` twice is one order.

    Raises InvalidAmount, UnknownIndex, InsufficientUnits, InsufficientFunds (an amount above the holding's value),
    ConflictError.
    """
    if (units is not None) + (amount is not None) + (percent is not None) + bool(all) != 1:
        raise InvalidAmount(
            "Nothing was moved: say how much by exactly one of units, amount, percent or all."
        )
    asked = checked_amount(amount) if amount is not None else None
    part = percent_checked(percent) if percent is not None else None
    queue(user, reference)
    if reference is not None:
        # An order that is here already has taken its units: the amount asked for would no longer be found.
        repeated = Order.objects.filter(user=user, reference=reference, side=Order.Side.REDEEM).first()
        if repeated is not None:
            stored = (repeated.portfolio.index.slug, repeated.amount, repeated.percent)
            if stored == (index_slug, asked, part):
                return repeated
            raise ConflictError(USED_BEFORE)
    portfolio = selectors.portfolio(index_slug)
    if portfolio is None:
        open_to(user, index_slug)
        raise InsufficientUnits("Nothing was moved: you hold no units of this index.")
    free = units_free(user, portfolio)
    wanted = units_asked(portfolio, free, units=units, amount=asked, percent=part)
    order = Order(
        user=user,
        portfolio=portfolio,
        side=Order.Side.REDEEM,
        amount=asked,
        percent=part,
        units=from_base(wanted, UNIT_SCALE),
        reference=reference,
    )
    try:
        return order_place(order, portfolio.units, from_base(wanted, UNIT_SCALE))
    except InsufficientFunds as error:
        raise InsufficientUnits("Nothing was moved: those units are no longer free to redeem.") from error


def _large_enough(amount: Decimal | str) -> Decimal:
    usd_amount = checked_amount(amount)
    if usd_amount < MINIMUM_INVESTMENT:
        raise BelowMinimum(f"Nothing was moved: the smallest investment is ${MINIMUM_INVESTMENT:,.2f}.")
    return usd_amount
