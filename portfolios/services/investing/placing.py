"""Orders as rows: placed with what they set aside, found again by their reference, cancelled until they are dealt."""

import uuid
from decimal import Decimal

from django.db import IntegrityError, transaction

from portfolios.errors import ConflictError, NotCancellable, UnknownOrder
from portfolios.models import Account, LedgerAsset, Order, User
from portfolios.services import accounts, ledger
from signals import selectors as signal_selectors

USED_BEFORE = "Nothing was moved: the reference was used before for another order; use a new one."


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
    # A personal portfolio in a book has no units that a redemption could set aside.
    if order.book_id is None or order.side == Order.Side.INVEST:
        asset, size = order_stake(order)
        ledger.entry_post(
            reference=f"order:{order.pk}:release",
            kind="release",
            effective_at=signal_selectors.market_time(),
            description="Order cancelled",
            legs=_between(accounts.user_reserved(user), accounts.user_cash(user), asset, size),
        )
    order.status = Order.Status.CANCELLED
    order.reason = Order.CANCELLED_BY_OWNER
    order.save(update_fields=["status", "reason"])
    return order


def order_stake(order: Order) -> tuple[LedgerAsset, Decimal]:
    """What an order sets aside: dollars to invest, or units to redeem."""
    if order.side == Order.Side.INVEST and order.amount is not None:
        return accounts.usd(), order.amount
    if order.units is None:
        raise ValueError(f"order {order.pk}: a redemption without units")
    return order.portfolio.units, order.units


def queue(user: User, reference: str | None) -> None:
    """A repeated order waits here for the first one, and then finds it. Without a reference nothing repeats."""
    if reference is not None:
        accounts.user_queue(user)


def order_place(order: Order, asset: LedgerAsset, size: Decimal) -> Order:
    """The order stored with `size` of `asset` set aside, or the one that has its reference already. Raises
    InsufficientFunds, ConflictError."""
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
    def content(order: Order) -> tuple[int, str, Decimal | None, Decimal | None]:
        return order.portfolio_id, order.side, order.amount, order.percent

    if content(stored) != content(wanted):
        raise ConflictError(USED_BEFORE)
    return stored


def _between(source: Account, target: Account, asset: LedgerAsset, amount: Decimal) -> list[ledger.Leg]:
    return [ledger.Leg(source, asset, -amount), ledger.Leg(target, asset, amount)]
