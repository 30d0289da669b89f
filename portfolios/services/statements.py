"""Statements: issued once a month for everybody, frozen, and corrected only by a further version."""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max
from django.urls import reverse

from portfolios.core.money import USD_SCALE, from_base
from portfolios.core.sheets import Sheet, digest, from_body, to_body
from portfolios.core.statement import bounds, month_of, next_month
from portfolios.models import Statement, User
from portfolios.selectors.statements import Account, MonthReport, statement_sheet
from portfolios.selectors.statements.prices import unit_prices
from portfolios.services.notices import notice_send
from portfolios.services.papers import sheet_pdf
from signals.core import clock, figures

AT_ONCE = 500
"""People whose statements one tick issues; the next one goes on."""
PATIENCE = timedelta(days=1)
"""How long after a month's end a holding without that day's price is waited for."""
LATE = "Movements of this month reached the books after the statement was issued."
_USD2 = Decimal("0.01")


def statements_issue(now: datetime, *, limit: int = AT_ONCE) -> int:
    """Statements for every month that is over at market time `now`, for people who have none of it yet; how many.

    A month is stated once the clock has passed its end, every order of it has settled and its last close is priced. A
    second run adds nothing. People whose account was switched off get none.
    """
    month = last_month(now)
    return sum(_user_issue(user, month, now) for user in _waiting(month, limit))


@transaction.atomic
def statement_correct(user: User, month: date, *, note: str, now: datetime) -> Statement:
    """The next version of a month's statement, as the books say it today, and of every later month that it changes.

    Raises ValueError where the month was never stated, or without a note.
    """
    if not note.strip():
        raise ValueError("note: say what the correction is about")
    _queue(user.pk)
    stated = list(
        Statement.objects.filter(user=user, month__gte=month)
        .order_by("month")
        .values_list("month", flat=True)
    )
    if month not in stated:
        raise ValueError(f"month: there is no statement of {month:%Y-%m} to correct")
    account = Account(user)
    first = _store(account.month(month), now, note=note.strip())
    for later in sorted(set(stated) - {month}):
        report, latest = account.month(later), _latest(user.pk, later)
        if latest is not None and latest.opening != _usd(report.sums.opening):
            _store(report, now, note=f"The statement of {month:%B %Y} was corrected: {note.strip()}"[:240])
    return first


def statement_pdf(statement: Statement) -> bytes:
    """The statement on paper: the same bytes whenever it is asked for."""
    return _pdf(from_body(statement.body), statement.digest)


def last_month(now: datetime) -> date:
    """First day of the last month whose end lies before `now`: at midnight itself a month is not over yet, for what
    happens at that very moment belongs to it."""
    day = figures.market_day(now)
    return month_of(month_of(day) - timedelta(days=1))


def _waiting(month: date, limit: int) -> Iterator[User]:
    """People with money moved by the end of `month`, without its statement, and with no order of it being dealt."""
    through = bounds(month)[1]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT u.id FROM portfolios_user u WHERE u.is_active
               AND NOT EXISTS (SELECT 1 FROM portfolios_statement s WHERE s.user_id = u.id AND s.month = %(month)s)
               AND EXISTS (SELECT 1 FROM portfolios_account a JOIN portfolios_posting p ON p.account_id = a.id
                 JOIN portfolios_entry e ON e.id = p.entry_id
                 WHERE a.user_id = u.id AND e.effective_at <= %(through)s)
               AND NOT EXISTS (SELECT 1 FROM portfolios_order o JOIN portfolios_dealing d ON d.id = o.dealing_id
                 JOIN portfolios_dealingcycle c ON c.id = d.cycle_id
                 WHERE o.user_id = u.id AND o.status = 'dealing' AND c.priced_at <= %(through)s)
               ORDER BY u.id LIMIT %(limit)s""",
            {"month": month, "through": through, "limit": limit},
        )
        ids = [key for (key,) in cursor.fetchall()]
    yield from User.objects.filter(pk__in=ids).order_by("pk")


@transaction.atomic
def _user_issue(user: User, month: date, now: datetime) -> int:
    """Every month up to `month` that this person has no statement of; how many."""
    _queue(user.pk)
    account = Account(user)
    begun = account.began
    if begun is None or not _priced(account, month, now):
        return 0
    known = dict(Statement.objects.filter(user=user).values_list("month").annotate(Max("version")))
    made, wanted = 0, begun
    while wanted <= month:
        if wanted not in known:
            report = account.month(wanted)
            _repair(account, report, now)
            _store(report, now)
            made += 1
        wanted = next_month(wanted)
    return made


def _repair(account: Account, report: MonthReport, now: datetime) -> None:
    """The month before is issued again where the ledger has since heard more of it: a statement opens as the last one
    closed."""
    before = month_of(report.month - timedelta(days=1))
    latest = _latest(account.user.pk, before)
    if latest is None:
        return
    again = account.month(before)
    if latest.entries_digest != again.entries_digest or latest.closing != _usd(report.sums.opening):
        statement_correct(account.user, before, note=LATE, now=now)


def _priced(account: Account, month: date, now: datetime) -> bool:
    through = bounds(month)[1]
    if now >= through + PATIENCE:
        return True
    held = [account.portfolios[code].pk for code in account.units_at(through)]
    prices = unit_prices(held, through)
    last = clock.last_closed_day(through)
    return all(key in prices and prices[key].day == last for key in held)


def _store(report: MonthReport, now: datetime, *, note: str = "") -> Statement:
    latest = _latest(report.user.pk, report.month)
    version = 1 if latest is None else latest.version + 1
    if not report.sums.adds_up:
        raise ValueError(f"statement {report.month:%Y-%m}: its lines do not lead to the closing value")
    body = to_body(statement_sheet(report, version=version, note=note))
    mark = digest(body)
    sums = report.sums
    made = Statement(
        user=report.user,
        month=report.month,
        version=version,
        note=note,
        opening=_usd(sums.opening),
        deposits=_usd(sums.deposits),
        withdrawals=_usd(sums.withdrawals),
        other=_usd(sums.other),
        gains=_usd(sums.gains),
        costs=_usd(sum(sums.costs)),
        closing=_usd(sums.closing),
        body=body,
        digest=mark,
        pdf_digest=hashlib.sha256(_pdf(from_body(body), mark)).hexdigest(),
        entries_digest=report.entries_digest,
        as_of=now,
    )
    made.save(force_insert=True)
    name = f"{report.month:%B %Y}"
    again = f" It replaces the one you had: {note}" if version > 1 else ""
    notice_send(
        report.user,
        kind="statement",
        key=f"statement:{report.month:%Y-%m}:{version}",
        title=f"Your statement for {name} is ready"
        if version == 1
        else f"Your statement for {name} was corrected",
        text=f"At the close of the month you had {figures.usd(made.closing)}.{again}",
        url=reverse("portfolios:statement", args=[f"{report.month:%Y-%m}"]),
    )
    return made


def _pdf(sheet: Sheet, mark: str) -> bytes:
    return sheet_pdf(sheet, owner=sheet.facts["owner"], footer=f"fingerprint {mark[:16]}")


def _latest(user_id: int, month: date) -> Statement | None:
    return Statement.objects.filter(user_id=user_id, month=month).order_by("-version").defer("body").first()


def _queue(user_id: int) -> None:
    """One issuer per person at a time; whoever comes second finds what the first has stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('statements'), %s)", [user_id])


def _usd(micro: int) -> Decimal:
    return from_base(micro, USD_SCALE).quantize(_USD2)
