"""Recurring plans: made and changed by their owner, carried out by the clock of the market, one order per due date."""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.urls import reverse

from indices import selectors as index_selectors
from portfolios.core.recurrence import Recurrence, due_after, due_from
from portfolios.errors import ConflictError, InvalidSchedule, MoneyError, PlanOver, UnknownRecurring
from portfolios.models import NoticeKind, RecurringPlan, RecurringRun, User
from portfolios.selectors.pauses import pauses
from portfolios.services import accounts, investing
from portfolios.services.faultpoints import fault_point
from portfolios.services.notices import notice_send
from signals import selectors as signal_selectors
from signals.core import figures

LATEST = timedelta(days=3)
"""A date that was missed for longer (nothing ran) is skipped: who saves by the month does not want it weeks late."""

_ACTIVE, _PAUSED = RecurringPlan.Status.ACTIVE, RecurringPlan.Status.PAUSED


def today() -> date:
    """The day of market time that recurring plans go by."""
    return figures.market_day(signal_selectors.market_time())


@transaction.atomic
def recurring_create(
    user: User,
    index_slug: str,
    amount: Decimal | str,
    *,
    frequency: str,
    weekday: int | None = None,
    day: int | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
    reference: str | None = None,
) -> RecurringPlan:
    """An active plan; nothing is moved until its first due date, today at the soonest. Without `starts_on` it starts
    today. The same `reference` twice is one plan.

    Raises InvalidSchedule, InvalidAmount, BelowMinimum, UnknownIndex, IndexNotReady, PlanRequired, ConflictError.
    """
    first = today() if starts_on is None else starts_on
    rule = _rule(frequency, first, ends_on, weekday, day)
    if reference is not None:
        accounts.user_queue(user)
        repeated = (
            RecurringPlan.objects.filter(user=user, reference=reference).select_related("index").first()
        )
        if repeated is not None:
            return _same(repeated, index_slug, amount, rule)
    usd_amount = investing.investable(user, index_slug, amount)
    next_due = due_from(rule, today())
    if next_due is None:
        raise InvalidSchedule(
            "Nothing was set up: no day is due between the first and the last.", field="ends_on"
        )
    return RecurringPlan.objects.create(
        user=user,
        index_id=index_selectors.index(index_slug).pk,
        amount=usd_amount,
        frequency=frequency,
        weekday=weekday,
        day=day,
        starts_on=first,
        ends_on=ends_on,
        next_due=next_due,
        reference=reference,
    )


@dataclass(frozen=True)
class _Unchanged:
    """Stands for a field that is left as it is: None means something else."""


UNCHANGED = _Unchanged()


@transaction.atomic
def recurring_change(
    user: User,
    plan_id: uuid.UUID | str,
    *,
    amount: Decimal | str | None = None,
    ends_on: date | _Unchanged | None = UNCHANGED,
    paused: bool | None = None,
) -> RecurringPlan:
    """The plan with another amount or last day, paused, or going on. Dates that passed while it was paused are not made
    up for. Raises UnknownRecurring, PlanOver, InvalidSchedule and what `recurring_create` raises for an amount."""
    plan = _own(user, plan_id)
    if plan.status not in (_ACTIVE, _PAUSED):
        raise PlanOver("Nothing was changed: the plan is over. Set up a new one.")
    if amount is not None:
        plan.amount = investing.investable(user, plan.index.slug, amount)
    if not isinstance(ends_on, _Unchanged):
        plan.ends_on = ends_on
    if paused is not None:
        plan.status = _PAUSED if paused else _ACTIVE
    rule = recurrence(plan)
    done = plan.runs.order_by("-due_on").values_list("due_on", flat=True).first()
    earliest = today() if done is None else max(today(), done + timedelta(days=1))
    # What is due and not yet carried out stays due, unless the plan rested when it came.
    going_on = paused is False or plan.next_due is None
    plan.next_due = due_from(rule, earliest if going_on else min(earliest, plan.next_due or earliest))
    if plan.next_due is None:
        raise InvalidSchedule(
            "Nothing was changed: no day would be due any more. To end the plan, cancel it.", field="ends_on"
        )
    plan.save(update_fields=["amount", "ends_on", "status", "next_due"])
    return plan


@transaction.atomic
def recurring_cancel(user: User, plan_id: uuid.UUID | str) -> RecurringPlan:
    """The plan is over; orders that it has placed go on. A second call changes nothing. Raises UnknownRecurring."""
    plan = _own(user, plan_id)
    if plan.status in (_ACTIVE, _PAUSED):
        plan.status, plan.next_due = RecurringPlan.Status.CANCELLED, None
        plan.save(update_fields=["status", "next_due"])
    return plan


def recurring_run(*, through: date) -> int:
    """Every date due up to `through` has its run: an order, or a reason why not. How many were new. Any number of
    processes may do it at once, at any time after: a run happens once."""
    made = 0
    due = RecurringPlan.objects.filter(status=_ACTIVE, next_due__lte=through)
    for pk in due.order_by("next_due", "created_at").values_list("pk", flat=True):
        while _run_next(pk, through):
            made += 1
            fault_point("recurring run made")
    return made


def recurrence(plan: RecurringPlan) -> Recurrence:
    """The rule of a stored plan. Raises InvalidSchedule."""
    return _rule(plan.frequency, plan.starts_on, plan.ends_on, plan.weekday, plan.day)


@transaction.atomic
def _run_next(pk: uuid.UUID, through: date) -> bool:
    plan = (
        RecurringPlan.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("user", "index")
        .filter(pk=pk, status=_ACTIVE, next_due__lte=through)
        .first()
    )
    if plan is None or plan.next_due is None:
        return False
    due = plan.next_due
    run = RecurringRun(plan=plan, due_on=due)
    reason = _why_not(plan, through)
    if not reason:
        try:
            with transaction.atomic():
                run.order = investing.invest(
                    plan.user, plan.index.slug, plan.amount, reference=f"recurring:{plan.pk}:{due}"
                )
        except MoneyError as error:
            reason = error.message.removeprefix("Nothing was moved: ")
    run.status = RecurringRun.Status.SKIPPED if reason else RecurringRun.Status.ORDERED
    run.reason = reason[:240]
    run.save(force_insert=True)
    if reason:
        _skipped(plan, due, reason)
    plan.next_due = due_after(recurrence(plan), due)
    if plan.next_due is None:
        plan.status = RecurringPlan.Status.ENDED
    plan.save(update_fields=["next_due", "status"])
    return True


def _why_not(plan: RecurringPlan, through: date) -> str:
    """Why nothing is even tried, or empty."""
    if plan.next_due is not None and through - plan.next_due > LATEST:
        return f"The platform stood still on that day, and it was more than {LATEST.days} days ago when it went on."
    if not plan.user.is_active:
        return "The account is closed."
    paused = pauses().reason_for(side="buy", index=plan.index.slug)
    return f"Buying is paused: {paused}" if paused else ""


def _skipped(plan: RecurringPlan, due: date, reason: str) -> None:
    following = due_after(recurrence(plan), due)
    then = (
        f"The plan goes on: it is due next on {following:%-d %B %Y}." if following else "It was the last one."
    )
    notice_send(
        plan.user,
        kind=NoticeKind.RECURRING,
        key=f"recurring:{plan.pk}:{due}",
        title=f"{figures.usd(plan.amount)} were not invested in {plan.index.name}",
        text=f"Nothing was moved for {due:%-d %B %Y}: {reason} {then}",
        url=reverse("portfolios:recurring"),
    )


def _own(user: User, plan_id: uuid.UUID | str) -> RecurringPlan:
    try:
        key = uuid.UUID(str(plan_id))
    except ValueError as error:
        raise UnknownRecurring("Nothing was changed: you have no such plan.") from error
    plan = (
        RecurringPlan.objects.select_for_update(of=("self",))
        .select_related("index")
        .filter(pk=key, user=user)
        .first()
    )
    if plan is None:
        raise UnknownRecurring("Nothing was changed: you have no such plan.")
    return plan


def _rule(
    frequency: str, starts_on: date, ends_on: date | None, weekday: int | None, day: int | None
) -> Recurrence:
    try:
        return Recurrence(frequency, starts_on, ends_on, weekday, day)
    except ValueError as error:
        field, _, told = str(error).partition(": ")
        raise InvalidSchedule(f"Nothing was set up: {told}.", field=field) from error


def _same(stored: RecurringPlan, index_slug: str, amount: Decimal | str, rule: Recurrence) -> RecurringPlan:
    same_amount = investing.checked_amount(amount) == stored.amount
    if stored.index.slug != index_slug or not same_amount or recurrence(stored) != rule:
        raise ConflictError(
            "Nothing was set up: the reference was used before for another plan; use a new one."
        )
    return stored
