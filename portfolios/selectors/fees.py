"""What the house takes, from whom, and since when: schedules in force, days due, and each holder's part."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Max

from portfolios.core.charges.management import borne
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.models import Account, Balance, Dealing, FeeAccrual, FeeSchedule, Portfolio, Posting, User
from portfolios.selectors.records import Holding as HeldRow
from signals.core import clock, figures


@dataclass(frozen=True)
class FeeLine:
    """One fee of one day as one holder bore it. `units` is the holder's part of the units issued to the house, `usd`
    what they were worth at `unit_price`, the value per unit right after; `held` are the holder's own units."""

    day: date
    index_slug: str
    index_name: str
    portfolio_id: int
    kind: str
    rate: Decimal
    held: Decimal
    issued: Decimal
    issued_to_house: Decimal
    units: Decimal
    unit_price: Decimal
    usd: Decimal
    recorded_at: datetime


@dataclass(frozen=True)
class FeeMonth:
    """The fees of one holding in one calendar month, added up. `days` is how many were charged."""

    month: date
    last_day: date
    index_slug: str
    index_name: str
    portfolio_id: int
    kind: str
    rate: Decimal
    days: int
    units: Decimal
    usd: Decimal
    recorded_at: datetime


@dataclass(frozen=True)
class FeeTerms:
    """What applies to an index on a day, and what has been announced for later (None where nothing)."""

    management_rate: Decimal
    performance_rate: Decimal
    since: date | None
    later: FeeSchedule | None


@dataclass(frozen=True)
class HoldingTerms:
    """The fees of one holding; `a_day` is what the management fee takes of it in a day now, USD."""

    index_slug: str
    index_name: str
    value_usd: Decimal
    terms: FeeTerms
    a_day: Decimal


class Schedules:
    """Every announced schedule, to be asked about any index and day."""

    def __init__(self, rows: Sequence[FeeSchedule]) -> None:
        self._rows = sorted(rows, key=lambda row: row.effective_from)

    @classmethod
    def stored(cls) -> "Schedules":
        """All of them, in one question."""
        return cls(list(FeeSchedule.objects.all()))

    @property
    def any_fee(self) -> bool:
        """Whether anybody is ever charged anything."""
        return any(row.management_rate or row.performance_rate for row in self._rows)

    def on(self, index_id: int, day: date) -> FeeSchedule | None:
        """The schedule in force for an index on a day: its own latest one, else the latest of all indices."""
        begun = [row for row in self._rows if row.effective_from <= day]
        own = [row for row in begun if row.index_id == index_id]
        general = [row for row in begun if row.index_id is None]
        return next(reversed(own or general), None)

    def next(self, index_id: int, day: date) -> FeeSchedule | None:
        """The first one after `day` that would change what `on` says."""
        own_now = any(row.index_id == index_id and row.effective_from <= day for row in self._rows)
        wanted = {index_id} if own_now else {index_id, None}
        return next((row for row in self._rows if row.effective_from > day and row.index_id in wanted), None)


def fee_terms(index_id: int, day: date, *, schedules: Schedules | None = None) -> FeeTerms:
    """What the pool of an index is charged on `day`; nothing where nobody has announced anything."""
    known = schedules or Schedules.stored()
    row = known.on(index_id, day)
    later = known.next(index_id, day)
    if row is None:
        return FeeTerms(Decimal(0), Decimal(0), None, later)
    return FeeTerms(row.management_rate, row.performance_rate, row.effective_from, later)


def fee_days_due(through: date, *, schedules: Schedules | None = None) -> dict[int, list[date]]:
    """Portfolio id -> the days up to `through` whose fee has not been taken yet, oldest first; pooled portfolios that
    somebody holds alone. A portfolio owes nothing for closes before its first units (or since it was empty last)."""
    known = schedules or Schedules.stored()
    if not known.any_fee:
        return {}
    issued = Balance.objects.filter(
        account__kind=Account.Kind.ISSUED, account__portfolio__kind=Portfolio.Kind.POOLED, amount__lt=0
    )
    indices = dict(issued.values_list("account__portfolio_id", "account__portfolio__index_id"))
    begun = _last_filled(indices)
    taken: dict[tuple[int, str], date] = {
        (key, kind): day
        for key, kind, day in FeeAccrual.objects.filter(portfolio_id__in=indices)
        .values_list("portfolio_id", "kind")
        .annotate(last=Max("day"))
    }
    due: dict[int, list[date]] = {}
    for key, index_id in indices.items():
        if key in begun:
            managed, performed = taken.get((key, "management")), taken.get((key, "performance"))
            due[key] = _due(known, index_id, _first_charged(begun[key]), through, managed, performed)
    return {key: days for key, days in due.items() if days}


def charges_on(schedule: FeeSchedule | None, day: date, *, marked: bool) -> tuple[bool, bool]:
    """(management fee, performance fee) that a day brings under a schedule. `marked`: there is a high-water mark; the
    first day without one sets it, after that the last day of a month counts."""
    if schedule is None:
        return False, False
    ends_month = (day + timedelta(days=1)).day == 1
    return bool(schedule.management_rate), bool(schedule.performance_rate) and (ends_month or not marked)


def _due(
    known: Schedules,
    index_id: int,
    first: date,
    through: date,
    managed: date | None,
    performed: date | None,
) -> list[date]:
    begin = first if managed is None else max(first, managed + timedelta(days=1))
    days = [
        day
        for day in (begin + timedelta(days=back) for back in range((through - begin).days + 1))
        if charges_on(known.on(index_id, day), day, marked=True)[0]
    ]
    # A performance fee is priced at a close as it is: one that was missed waits for the next month's end.
    performance = charges_on(known.on(index_id, through), through, marked=performed is not None)[1]
    if performance and first <= through and performed != through and days[-1:] != [through]:
        days.append(through)
    return days


def _last_filled(portfolio_ids: Collection[int]) -> dict[int, datetime]:
    """Portfolio id -> market time at which its first units (since it was last empty) were issued."""
    first = Dealing.objects.filter(portfolio_id__in=portfolio_ids, units_before=0, kind=Dealing.Kind.FLOW)
    return dict(first.values_list("portfolio_id").annotate(Max("cycle__priced_at")))


def _first_charged(filled: datetime) -> date:
    """The day of the first close after that moment."""
    day = figures.market_day(filled)
    return day + timedelta(days=1) if clock.end_of_day(day) == filled else day


def fee_lines(
    user: User, *, start: date | None = None, end: date | None = None, portfolio_id: int | None = None
) -> list[FeeLine]:
    """Every fee that the user's units have borne on the days [start, end], oldest first. The parts of all holders sum
    to what was issued to the house, but for rounding to a base unit each."""
    timelines = _units_by_entry(user)
    if not timelines:
        return []
    rows = FeeAccrual.objects.filter(portfolio__units_id__in=timelines, units__gt=0, entry__isnull=False)
    if start is not None:
        rows = rows.filter(day__gte=start)
    if end is not None:
        rows = rows.filter(day__lte=end)
    if portfolio_id is not None:
        rows = rows.filter(portfolio_id=portfolio_id)
    lines = []
    for row in rows.select_related("portfolio__index").order_by("day", "id"):
        entries, sums = timelines[row.portfolio.units_id]
        place = bisect_right(entries, row.entry_id or 0)
        held = sums[place - 1] if place else 0
        if held > 0:
            lines.append(_line(row, held))
    return lines


def fee_months(
    user: User, *, start: date | None = None, end: date | None = None, portfolio_id: int | None = None
) -> list[FeeMonth]:
    """`fee_lines` added up by month, index and kind, newest first; the rate is the last one of the month."""
    grouped: dict[tuple[date, int, str], list[FeeLine]] = defaultdict(list)
    for line in fee_lines(user, start=start, end=end, portfolio_id=portfolio_id):
        grouped[line.day.replace(day=1), line.portfolio_id, line.kind].append(line)
    months = [
        FeeMonth(
            month=month,
            last_day=lines[-1].day,
            index_slug=lines[-1].index_slug,
            index_name=lines[-1].index_name,
            portfolio_id=key,
            kind=kind,
            rate=lines[-1].rate,
            days=len(lines),
            units=sum((line.units for line in lines), Decimal(0)),
            usd=sum((line.usd for line in lines), Decimal(0)),
            recorded_at=lines[-1].recorded_at,
        )
        for (month, key, kind), lines in grouped.items()
    ]
    return sorted(months, key=lambda row: (row.last_day, row.recorded_at, row.kind), reverse=True)


def holding_terms(held: Sequence[HeldRow], day: date) -> list[HoldingTerms]:
    """For each holding what it is charged on `day`. A portfolio of one's own bears no fee."""
    schedules = Schedules.stored()
    pooled = dict(
        Portfolio.objects.filter(
            pk__in=[row.portfolio_id for row in held], kind=Portfolio.Kind.POOLED
        ).values_list("pk", "index_id")
    )
    none = FeeTerms(Decimal(0), Decimal(0), None, None)
    return [
        HoldingTerms(
            row.index_slug,
            row.index_name,
            row.value_usd,
            terms := (
                fee_terms(pooled[row.portfolio_id], day, schedules=schedules)
                if row.portfolio_id in pooled
                else none
            ),
            (row.value_usd * terms.management_rate / 365).quantize(Decimal("1E-6")),
        )
        for row in held
    ]


def house_units() -> dict[int, Decimal]:
    """Portfolio id -> units that fees have brought the house and that it has not redeemed."""
    rows = Balance.objects.filter(
        account__kind=Account.Kind.FEES, asset__kind="unit", amount__gt=0
    ).values_list("asset__portfolio__id", "amount")
    found: dict[int, Decimal] = defaultdict(Decimal)
    for key, amount in rows:
        found[key] += amount
    return dict(found)


def _line(row: FeeAccrual, held: int) -> FeeLine:
    issued = to_base(row.units_before, UNIT_SCALE)
    part = borne(min(held, issued), to_base(row.units, UNIT_SCALE), issued)
    price = to_base(row.unit_price.quantize(Decimal("1E-12")), 12)
    return FeeLine(
        day=row.day,
        index_slug=row.portfolio.index.slug,
        index_name=row.portfolio.index.name,
        portfolio_id=row.portfolio_id,
        kind=row.kind,
        rate=row.rate,
        held=from_base(held, UNIT_SCALE),
        issued=row.units_before,
        issued_to_house=row.units,
        units=from_base(part, UNIT_SCALE),
        unit_price=row.unit_price,
        usd=from_base(part * price // 10 ** (12 + UNIT_SCALE - USD_SCALE), USD_SCALE),
        recorded_at=row.recorded_at,
    )


def _units_by_entry(user: User) -> dict[int, tuple[list[int], list[int]]]:
    """Unit asset id -> (entry ids, base units held from that entry on). Entries, not times: what a fee diluted is what
    was there when it was posted."""
    rows = (
        Posting.objects.filter(
            account__user=user,
            account__kind__in=[Account.Kind.CASH, Account.Kind.RESERVED],
            asset__kind="unit",
        )
        .order_by("entry_id")
        .values_list("asset_id", "entry_id", "amount", "asset__scale")
    )
    found: dict[int, tuple[list[int], list[int]]] = {}
    for asset, entry, amount, scale in rows:
        entries, sums = found.setdefault(asset, ([], []))
        entries.append(entry)
        sums.append((sums[-1] if sums else 0) + to_base(amount, scale))
    return found
