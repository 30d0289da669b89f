"""The house's fees: announced, taken day by day as units, redeemed by an operator, collected as income."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.core.charges.management import accrued
from portfolios.core.charges.performance import LOW_DAYS, Crystallised, crystallised
from portfolios.core.money import UNIT_SCALE, from_base, to_base
from portfolios.core.valuation import unit_price
from portfolios.errors import ConflictError, FeeRefused
from portfolios.models import (
    Account,
    Dealing,
    Entry,
    FeeAccrual,
    FeeSchedule,
    LedgerAsset,
    NavPoint,
    NoticeKind,
    Order,
    Portfolio,
)
from portfolios.models.fees import MOST_MANAGEMENT, MOST_PERFORMANCE
from portfolios.selectors.fees import Schedules, charges_on, fee_days_due
from portfolios.services import accounts, investing, ledger
from portfolios.services.execution.books import planning_lock
from portfolios.services.faultpoints import fault_point
from portfolios.services.notices import announce
from signals import selectors as signal_selectors
from signals.core import clock, figures

NOTICE_DAYS = 30
"""Market days that holders have to leave before a fee rises."""
_HOLDERS = """
SELECT DISTINCT c.user_id, '' FROM portfolios_balance b
JOIN portfolios_account c ON c.id = b.account_id AND c.kind IN ('cash', 'reserved')
JOIN portfolios_user u ON u.id = c.user_id AND u.is_active
JOIN portfolios_portfolio f ON f.units_id = b.asset_id AND f.kind = 'pooled'
WHERE b.amount > 0 AND (%(index)s::bigint IS NULL OR f.index_id = %(index)s::bigint)
"""
_NO_INDEX = 0
_RATE_SCALE = 6
_PRICE_SCALE = 12


def announcement_checked(
    index_slug: str, *, management_rate: Decimal, performance_rate: Decimal, effective_from: date
) -> int | None:
    """The index's id (None for all of ours) where these fees may be announced now. Raises FeeRefused."""
    today = signal_selectors.last_closed_day()
    for field, rate, most in (
        ("management_rate", management_rate, MOST_MANAGEMENT),
        ("performance_rate", performance_rate, MOST_PERFORMANCE),
    ):
        if not rate.is_finite() or not 0 <= rate <= most or rate != rate.quantize(Decimal("1E-6")):
            raise FeeRefused(
                f"Nothing was announced: {field} is {rate}; give a fraction from 0 to {most}, six decimals at most.",
                field=field,
            )
    index_id = _index_id(index_slug)
    rises = _rises(index_id, management_rate, performance_rate, before=effective_from)
    least = today + timedelta(days=NOTICE_DAYS if rises else 1)
    if effective_from < least:
        raise FeeRefused(
            f"Nothing was announced: these fees can apply from {least} at the earliest; a fee that rises is announced "
            f"{NOTICE_DAYS} days before.",
            field="effective_from",
        )
    return index_id


@transaction.atomic
def schedule_announce(
    index_slug: str,
    *,
    management_rate: Decimal,
    performance_rate: Decimal = Decimal(0),
    effective_from: date,
    by: str,
) -> FeeSchedule:
    """New fees of one index (of all indices of ours where the slug is empty) from `effective_from` on.

    A fee that rises needs NOTICE_DAYS of notice, one that falls a day; holders are told at once. Raises FeeRefused
    naming the field, and ConflictError where that day has a schedule already.
    """
    index_id = announcement_checked(
        index_slug,
        management_rate=management_rate,
        performance_rate=performance_rate,
        effective_from=effective_from,
    )
    try:
        with transaction.atomic():
            schedule = FeeSchedule.objects.create(
                index_id=index_id,
                management_rate=management_rate,
                performance_rate=performance_rate,
                announced_on=signal_selectors.last_closed_day(),
                effective_from=effective_from,
                announced_by=by,
            )
    except IntegrityError as error:
        raise ConflictError(
            f"Nothing was announced: there is a schedule from {effective_from} already; call that one off first."
        ) from error
    name = "every index" if index_id is None else index_selectors.index(index_slug).name
    _holders_tell(
        schedule,
        key=f"fee:{schedule.pk}",
        title=f"Fees of {name} from {effective_from:%-d %B %Y}",
        text=fee_words(name, schedule),
    )
    return schedule


@transaction.atomic
def schedule_call_off(schedule: FeeSchedule) -> None:
    """A schedule that does not apply yet is gone. Raises FeeRefused once its first day has closed."""
    if schedule.effective_from <= signal_selectors.last_closed_day() or schedule.accruals.exists():
        raise FeeRefused(
            "Nothing was called off: these fees apply already. Announce other ones.", field="schedule"
        )
    _holders_tell(
        schedule,
        key=f"fee:{schedule.pk}:off",
        title=f"Fees announced for {schedule.effective_from:%-d %B %Y} are called off",
        text="The fees that were announced for that day will not be taken. What applied before goes on.",
    )
    schedule.delete()


def fee_words(name: str, schedule: FeeSchedule) -> str:
    """What a schedule takes, in the words that holders read."""
    text = (
        f"From {schedule.effective_from:%-d %B %Y} {name} costs {figures.percent(schedule.management_rate, 2)} a year "
        "of what you hold, taken every day. "
    )
    if schedule.performance_rate:
        text += (
            f"Once a month {figures.percent(schedule.performance_rate, 1)} of what a unit has gained above its "
            "high-water mark is taken too. "
        )
    return f"{text}You may sell before then as always."


def _holders_tell(schedule: FeeSchedule, *, key: str, title: str, text: str) -> None:
    announce(
        _HOLDERS,
        {"index": schedule.index_id},
        kind=NoticeKind.FEE,
        key=key,
        title=title,
        text=text,
        url="/fees/",
    )


def fees_accrue(through: date) -> int:
    """Every fee of every day up to `through` taken that was not: units issued to the house, day by day. How many rows.

    Each day of each portfolio is a transaction of its own. A portfolio that is being dealt waits; a second run adds
    nothing. Call it before a dealing opens, so that nobody pays for a close before they came.
    """
    schedules = Schedules.stored()
    made = 0
    for portfolio_id, days in fee_days_due(through, schedules=schedules).items():
        for day in days:
            rows = _day_accrue(portfolio_id, day, schedules, is_last=day == through)
            if rows is None:
                break
            made += rows
            fault_point("fee accrued")
    return made


@transaction.atomic
def house_redeem(index_slug: str, *, by: str) -> Order:
    """An ordinary order for all units that fees have brought the house in an index. It is dealt and priced with
    everybody else's, and bears its own cost; `fees_collect` then takes the proceeds.

    Raises FeeRefused where there are none, and whatever `investing.redeem` refuses.
    """
    portfolio = selectors.portfolio(index_slug)
    house = accounts.house_user()
    accounts.user_queue(house)
    if portfolio is None:
        raise FeeRefused(f"Nothing was moved: nobody holds {index_slug!r}.", field="index")
    mark = uuid.uuid4()
    moved = 0
    for kind in FeeAccrual.Kind.values:
        source = accounts.fee_units(kind)
        units = ledger.balance_of(source, portfolio.units)
        if units:
            moved += units
            ledger.entry_post(
                reference=f"fee:handed:{kind}:{portfolio.pk}:{mark}",
                kind="fee_handed",
                effective_at=signal_selectors.market_time(),
                description=f"Units of the {kind} fee to be redeemed, by {by}"[:240],
                legs=_moved(source, accounts.user_cash(house), portfolio.units, units),
            )
    left = ledger.balance_of(accounts.user_cash(house), portfolio.units)
    if not moved and not left:
        raise FeeRefused("Nothing was moved: the house holds no units of this index.", field="index")
    fault_point("fees handed over")
    return investing.redeem(house, index_slug, all=True, reference=f"fee:{mark}")


def fees_collect() -> int:
    """Proceeds of the house's settled redemptions become income, each once; how many."""
    known = Order.objects.filter(
        user__email=accounts.HOUSE_EMAIL, side=Order.Side.REDEEM, status=Order.Status.SETTLED, proceeds__gt=0
    )
    collected = 0
    for order in known.order_by("settled_at"):
        collected += _collect(order)
    return collected


@transaction.atomic
def _collect(order: Order) -> int:
    reference = f"fee:collected:{order.pk}"
    if (
        order.proceeds is None
        or order.settled_at is None
        or Entry.objects.filter(reference=reference).exists()
    ):
        return 0
    usd = accounts.usd()
    amount = to_base(order.proceeds, usd.scale)
    ledger.entry_post(
        reference=reference,
        kind="fee_collected",
        effective_at=order.settled_at,
        description="Fee units redeemed",
        legs=_moved(accounts.user_cash(order.user), accounts.fee_revenue(), usd, amount),
    )
    fault_point("fees collected")
    return 1


@transaction.atomic
def _day_accrue(portfolio_id: int, day: date, schedules: Schedules, *, is_last: bool) -> int | None:
    """The rows made; None while the portfolio is being dealt."""
    planning_lock()
    if Dealing.objects.filter(portfolio_id=portfolio_id, is_open=True).exists():
        return None
    portfolio = Portfolio.objects.select_related("units").get(pk=portfolio_id)
    schedule = schedules.on(portfolio.index_id, day)
    rows = FeeAccrual.objects.filter(portfolio=portfolio)
    marked = rows.filter(kind=FeeAccrual.Kind.PERFORMANCE).exists()
    management, performance = charges_on(schedule, day, marked=marked)
    if schedule is None:
        return 0
    made = 0
    if management and not rows.filter(kind=FeeAccrual.Kind.MANAGEMENT, day=day).exists():
        made += _management(portfolio, schedule, day)
    if performance and is_last and not rows.filter(kind=FeeAccrual.Kind.PERFORMANCE, day=day).exists():
        made += _performance(portfolio, schedule, day)
    return made


def _management(portfolio: Portfolio, schedule: FeeSchedule, day: date) -> int:
    last = (
        FeeAccrual.objects.filter(portfolio=portfolio, kind=FeeAccrual.Kind.MANAGEMENT)
        .order_by("-day")
        .first()
    )
    value, issued = _worth(portfolio, day)
    fee = accrued(
        issued,
        to_base(schedule.management_rate, _RATE_SCALE),
        carry=0 if last is None else int(last.carry),
        carried_at=None if last is None else to_base(last.rate, _RATE_SCALE),
    )
    _store(
        FeeAccrual(
            portfolio=portfolio,
            schedule=schedule,
            kind=FeeAccrual.Kind.MANAGEMENT,
            day=day,
            rate=schedule.management_rate,
            carry=Decimal(fee.carry),
        ),
        value,
        issued,
        fee.units,
    )
    return 1


def _performance(portfolio: Portfolio, schedule: FeeSchedule, day: date) -> int:
    value, issued = _worth(portfolio, day)
    price = to_base(unit_price(value, issued), _PRICE_SCALE)
    last = (
        FeeAccrual.objects.filter(portfolio=portfolio, kind=FeeAccrual.Kind.PERFORMANCE)
        .order_by("-day")
        .first()
    )
    row = FeeAccrual(
        portfolio=portfolio,
        schedule=schedule,
        kind=FeeAccrual.Kind.PERFORMANCE,
        day=day,
        rate=schedule.performance_rate,
    )
    if last is None or last.mark_after is None:
        row.mark_after = from_base(price, _PRICE_SCALE)
        _store(row, value, issued, 0)
        return 1
    mark = to_base(last.mark_after, _PRICE_SCALE)
    prices = [*_closes(portfolio, day), price]
    # Without three closes in a row there is no low: no fee this month, and the mark stays.
    result = Crystallised(0, 0, mark)
    if len(prices) == LOW_DAYS:
        row.low = from_base(min(prices), _PRICE_SCALE)
        result = crystallised(
            issued=issued, prices=prices, mark=mark, rate=to_base(schedule.performance_rate, _RATE_SCALE)
        )
    row.mark_before, row.mark_after = last.mark_after, from_base(result.mark, _PRICE_SCALE)
    _store(row, value, issued, result.units)
    return 1


def _closes(portfolio: Portfolio, day: date) -> Sequence[int]:
    """Values per unit at the closes right before `day`, oldest first, as many as the low needs beside that day's."""
    days = [day - timedelta(days=back) for back in range(LOW_DAYS - 1, 0, -1)]
    points = dict(
        NavPoint.objects.filter(portfolio=portfolio, date__in=days).values_list("date", "unit_price")
    )
    return [to_base(points[one], _PRICE_SCALE) for one in days if one in points]


def _worth(portfolio: Portfolio, day: date) -> tuple[int, int]:
    valuation = selectors.valuations([portfolio.pk], at=clock.end_of_day(day))[portfolio.pk]
    return valuation.value, valuation.units


def _store(row: FeeAccrual, value: int, issued: int, units: int) -> None:
    if units:
        row.entry = ledger.entry_post(
            reference=f"fee:{row.kind}:{row.portfolio_id}:{row.day.isoformat()}",
            kind="fee",
            effective_at=clock.end_of_day(row.day),
            description=f"{FeeAccrual.Kind(row.kind).label.capitalize()} of {row.day}",
            legs=_moved(
                accounts.portfolio_issued(row.portfolio),
                accounts.fee_units(row.kind),
                row.portfolio.units,
                units,
            ),
        )
    row.units_before = from_base(issued, UNIT_SCALE)
    row.units = from_base(units, UNIT_SCALE)
    row.unit_price = unit_price(value, issued + units)
    row.save(force_insert=True)


def _moved(source: Account, target: Account, asset: LedgerAsset, units: int) -> list[ledger.Leg]:
    amount = from_base(units, asset.scale)
    return [ledger.Leg(source, asset, -amount), ledger.Leg(target, asset, amount)]


def _index_id(slug: str) -> int | None:
    if not slug:
        return None
    if index_selectors.is_custom(slug):
        raise FeeRefused("Nothing was announced: an index of a person's own bears no fee.", field="index")
    try:
        return index_selectors.index(slug).pk
    except index_selectors.IndexNotFound as error:
        raise FeeRefused(f"Nothing was announced: there is no index {slug!r}.", field="index") from error


def _rises(index_id: int | None, management: Decimal, performance: Decimal, *, before: date) -> bool:
    """Whether holders would pay more than on the day before. A schedule of all indices is held against that of all."""
    known = Schedules.stored()
    now = known.on(index_id if index_id is not None else _NO_INDEX, before - timedelta(days=1))
    if now is None:
        return bool(management or performance)
    return management > now.management_rate or performance > now.performance_rate
