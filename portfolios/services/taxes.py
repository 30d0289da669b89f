"""What a person decides about a tax year: its rule, the lots of a redemption, and that it is closed for good."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portfolios.core.money import UNIT_SCALE, amount_parse, to_base
from portfolios.core.taxlots import Method
from portfolios.errors import InvalidLots, TaxYearClosed, TaxYearOpen, UnknownOrder
from portfolios.models import Entry, LotChoice, Order, TaxYear, User
from portfolios.selectors.taxes import lots_for, tax_digest, tax_report, year_of
from portfolios.services import accounts
from signals import selectors as signal_selectors
from signals.core import figures


@transaction.atomic
def tax_method_set(user: User, year: int, method: str) -> TaxYear:
    """The user's lots of that calendar year are matched by this rule. Raises TaxYearClosed, InvalidLots."""
    if method not in [known.value for known in Method]:
        raise InvalidLots(
            f"Nothing was changed: there is no rule {method!r}; use {', '.join(Method)}.", field="method"
        )
    row = _year(user, year)
    if row.closed_at is not None:
        raise TaxYearClosed(f"Nothing was changed: {year} is closed.")
    row.method = method
    row.save(update_fields=["method"])
    return row


@transaction.atomic
def lots_choose(user: User, order_id: UUID | str, lots: Mapping[int, Decimal | str]) -> list[LotChoice]:
    """The order's units come from these lots: ledger entry -> units. It replaces an earlier choice, and an empty one
    takes it back. The order's year (this one while it has not settled) is matched by chosen lots from now on.

    Raises UnknownOrder, TaxYearClosed, and InvalidLots where a lot is not the user's or holds less.
    """
    order = _redemption(user, order_id)
    year = year_of(order.settled_at or signal_selectors.market_time())
    row = _year(user, year)
    if row.closed_at is not None:
        raise TaxYearClosed(f"Nothing was changed: {year} is closed, and its choices with it.")
    wanted = _checked(user, order, lots)
    LotChoice.objects.filter(order=order).delete()
    made = [
        LotChoice.objects.create(user=user, order=order, lot=entry, units=units) for entry, units in wanted
    ]
    if made and row.method != Method.SPECIFIC:
        row.method = Method.SPECIFIC
        row.save(update_fields=["method"])
    return made


@transaction.atomic
def tax_year_close(user: User, year: int) -> TaxYear:
    """Rule and choices of the year stay as they are for good, and the digest of its report is kept. A second call
    changes nothing. Raises TaxYearOpen while the year is not over."""
    row = _year(user, year)
    if row.closed_at is not None:
        return row
    report = tax_report(user, year)
    if not report.is_over:
        raise TaxYearOpen(f"Nothing was closed: {year} is not over yet.")
    row.digest = tax_digest(report)
    row.closed_at = timezone.now()
    row.save(update_fields=["digest", "closed_at"])
    return row


def _year(user: User, year: int) -> TaxYear:
    accounts.user_queue(user)
    current = signal_selectors.last_closed_day().year
    if not 2000 <= year <= current + 1:
        raise InvalidLots(f"Nothing was changed: {year} is no year of this account.", field="year")
    TaxYear.objects.get_or_create(user=user, year=year)
    return TaxYear.objects.select_for_update().get(user=user, year=year)


def _redemption(user: User, order_id: UUID | str) -> Order:
    try:
        key = UUID(str(order_id))
    except ValueError as error:
        raise UnknownOrder("Nothing was changed: you have no such order.") from error
    order = (
        Order.objects.filter(pk=key, user=user, side=Order.Side.REDEEM, book__isnull=True)
        .exclude(status=Order.Status.CANCELLED)
        .select_related("portfolio__units")
        .first()
    )
    if order is None:
        raise UnknownOrder("Nothing was changed: you have no such redemption.")
    return order


def _checked(user: User, order: Order, lots: Mapping[int, Decimal | str]) -> list[tuple[Entry, Decimal]]:
    settled = Entry.objects.filter(reference=f"order:{order.pk}:settle").values_list("pk", flat=True).first()
    there = {
        int(lot.acquired.key): lot.quantity
        for lot in lots_for(user, order.portfolio.units.code, before=settled)
    }
    wanted, whole = [], 0
    entries = Entry.objects.in_bulk(list(lots))
    for key, text in lots.items():
        try:
            units = amount_parse(text, decimals=UNIT_SCALE)
        except ValueError as error:
            raise InvalidLots(f"Nothing was changed. {error}", field="lots") from error
        if to_base(units, UNIT_SCALE) > there.get(key, 0):
            raise InvalidLots(
                f"Nothing was changed: lot No. {key} does not hold {figures.quantity(units, 12)} units.",
                field="lots",
            )
        whole += to_base(units, UNIT_SCALE)
        wanted.append((entries[key], units))
    if order.units is not None and whole > to_base(order.units, UNIT_SCALE):
        raise InvalidLots("Nothing was changed: that is more than the order redeems.", field="lots")
    return wanted
