"""Switches: what an index pays out goes into another. One row carries the wish from leg to leg, so that whoever finds
it next goes on from where it stands."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portfolios import selectors
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.valuation import units_value
from portfolios.errors import (
    BelowMinimum,
    ConflictError,
    InvalidAmount,
    MoneyError,
    NotCancellable,
    UnknownSwitch,
)
from portfolios.models import NoticeKind, Order, Switch, User
from portfolios.selectors.admission import admitted
from portfolios.selectors.minimums import index_minimum
from portfolios.services import accounts
from portfolios.services.faultpoints import fault_point
from portfolios.services.investing.placing import order_cancel
from portfolios.services.investing.wishes import invest_admitted, redeem
from portfolios.services.notices import notice_send
from signals.core import figures

_OPEN = (Switch.Status.SELLING, Switch.Status.BUYING)


@transaction.atomic
def switch(
    user: User,
    index_slug: str,
    into_slug: str,
    *,
    units: Decimal | str | None = None,
    amount: Decimal | str | None = None,
    percent: Decimal | str | None = None,
    all: bool = False,  # noqa: A002 - the word the caller thinks in
    reference: str | None = None,
) -> Switch:
    """A switch whose units are set aside: they are redeemed at the next dealing, and exactly what they bring is
    invested in `into_slug` at the one after. How much is said as for `redeem`. The same `reference` twice is one.

    Raises what `redeem` raises, what `invest` raises of the index that is to be bought, and BelowMinimum where what
    the units are worth now is too little for it.
    """
    if index_slug == into_slug:
        raise InvalidAmount("Nothing was moved: choose another index than the one you hold.", field="into")
    if reference is not None:
        accounts.user_queue(user)
        repeated = (
            Switch.objects.filter(user=user, reference=reference).select_related("target", "redeem").first()
        )
        if repeated is not None:
            return _same(repeated, index_slug, into_slug, amount, percent)
    try:
        index, _ = admitted(user, into_slug)
    except MoneyError as error:
        error.field = "into" if error.field == "index" else error.field
        raise
    order = redeem(user, index_slug, units=units, amount=amount, percent=percent, all=all)
    worth, least = _worth(order), index_minimum(index)
    if worth < least:
        raise BelowMinimum(
            f"Nothing was moved: the smallest investment in {index.name} is ${least:,.2f}, and these units are worth "
            f"${worth:,.2f} now."
        )
    return Switch.objects.create(user=user, target_id=index.id, redeem=order, reference=reference)


@transaction.atomic
def switch_cancel(user: User, switch_id: uuid.UUID | str) -> Switch:
    """The switch cancelled and its units free again, or its money where they are sold already and not yet being
    invested; a second call changes nothing. Raises UnknownSwitch, and NotCancellable while a leg is being dealt."""
    row = _own(user, switch_id)
    if row.status not in _OPEN:
        if row.status == Switch.Status.DONE:
            raise NotCancellable("The switch was not cancelled: it is done.")
        return row
    leg = row.redeem if row.invest is None else row.invest
    if row.invest is None and leg.status == Order.Status.SETTLED:
        raise NotCancellable(
            "The switch was not cancelled: the units are sold and the money is being placed."
        )
    cancelled = order_cancel(user, leg.pk)
    if row.invest is None:
        row.redeem = cancelled
        row.status, row.reason = Switch.Status.CANCELLED, Order.CANCELLED_BY_OWNER
    else:
        row.invest = cancelled
        row.status, row.reason = Switch.Status.STOPPED, "You cancelled it when the units had been sold."
    row.finished_at = timezone.now()
    row.save(update_fields=["status", "reason", "finished_at"])
    return row


def switches_advance(*, now: datetime) -> int:
    """Every switch taken as far as its orders allow; how many second legs were placed. Any number of processes may do
    it at once, at any time after."""
    placed = 0
    for pk in list(
        Switch.objects.filter(status__in=_OPEN).order_by("created_at").values_list("pk", flat=True)
    ):
        placed += _advance(pk, now)
        fault_point("switch advanced")
    return placed


@transaction.atomic
def _advance(pk: uuid.UUID, now: datetime) -> bool:
    row = (
        Switch.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("user", "target", "redeem__portfolio__index", "invest")
        .filter(pk=pk, status__in=_OPEN)
        .first()
    )
    if row is None:
        return False
    leg = row.redeem if row.invest is None else row.invest
    if leg.status == Order.Status.CANCELLED:
        _ended(row, leg, now)
        return False
    if leg.status != Order.Status.SETTLED:
        return False
    if row.invest is not None:
        _finish(row, Switch.Status.DONE, "", now)
        return False
    return _buy(row, now)


def _buy(row: Switch, now: datetime) -> bool:
    """The second leg, for exactly what the first paid out. Its size was weighed against the smallest investment when
    the wish was taken: that prices have moved since is no reason to leave somebody half-way."""
    proceeds = row.redeem.proceeds or Decimal(0)
    try:
        if proceeds <= 0:
            raise InvalidAmount("the sale brought nothing that could be invested.")
        with transaction.atomic():
            accounts.user_queue(row.user)
            index, owner = admitted(row.user, row.target.slug)
            row.invest = invest_admitted(row.user, index, owner, proceeds, f"switch:{row.pk}:invest")
    except MoneyError as error:
        reason = error.message.removeprefix("Nothing was moved: ")
        _finish(row, Switch.Status.STOPPED, reason, now)
        return False
    row.status = Switch.Status.BUYING
    row.save(update_fields=["status", "invest"])
    return True


def _ended(row: Switch, leg: Order, now: datetime) -> None:
    status = Switch.Status.CANCELLED if row.invest is None else Switch.Status.STOPPED
    _finish(row, status, leg.reason, now)


def _finish(row: Switch, status: Switch.Status, reason: str, now: datetime) -> None:
    row.status, row.reason, row.finished_at = status, reason[:240], now
    row.save(update_fields=["status", "reason", "finished_at"])
    if reason == Order.CANCELLED_BY_OWNER:
        return
    source, target = row.redeem.portfolio.index.name, row.target.name
    if status == Switch.Status.DONE:
        title, text = f"Switched from {source} to {target}", _done(row)
    elif status == Switch.Status.CANCELLED:
        title = f"The switch from {source} to {target} was not begun"
        text = f"Your units are yours as before. {reason}"
    else:
        title = f"The switch to {target} stopped half-way"
        paid = figures.usd(row.redeem.proceeds)
        text = f"{paid} from {source} is in your cash and was not invested: {reason}"
    notice_send(
        row.user,
        kind=NoticeKind.ORDER_EXECUTED if status == Switch.Status.DONE else NoticeKind.ORDER_SKIPPED,
        key=f"switch:{row.pk}",
        title=title,
        text=text,
        url=reverse("portfolios:order", args=[(row.invest or row.redeem).pk]),
    )


def _done(row: Switch) -> str:
    if row.invest is None:
        raise ValueError(f"switch {row.pk}: done without its second leg")
    cost = row.redeem.cost_usd + row.invest.cost_usd
    return (
        f"{figures.quantity(row.redeem.units, 9)} units brought {figures.usd(row.redeem.proceeds)}, which became "
        f"{figures.quantity(row.invest.units, 9)} units of {row.target.name}. Trading cost you "
        f"{figures.usd_exact(cost)} for both, already taken off."
    )


def _worth(order: Order) -> Decimal:
    valuation = selectors.valuations([order.portfolio_id])[order.portfolio_id]
    units = to_base(order.units or Decimal(0), UNIT_SCALE)
    return from_base(units_value(units, valuation.value, valuation.units), USD_SCALE)


def _own(user: User, switch_id: uuid.UUID | str) -> Switch:
    try:
        key = uuid.UUID(str(switch_id))
    except ValueError as error:
        raise UnknownSwitch("Nothing was moved: you have no such switch.") from error
    rows = Switch.objects.select_for_update(of=("self",)).select_related("redeem", "invest")
    row = rows.filter(pk=key, user=user).first()
    if row is None:
        raise UnknownSwitch("Nothing was moved: you have no such switch.")
    return row


def _same(
    stored: Switch,
    index_slug: str,
    into_slug: str,
    amount: Decimal | str | None,
    percent: Decimal | str | None,
) -> Switch:
    known = (stored.redeem.portfolio.index.slug, stored.target.slug)
    sizes = (stored.redeem.amount, stored.redeem.percent)
    asked = tuple(None if size is None else Decimal(size) for size in (amount, percent))
    if known != (index_slug, into_slug) or sizes != asked:
        raise ConflictError(
            "Nothing was moved: the reference was used before for another switch; use a new one."
        )
    return stored
