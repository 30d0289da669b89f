"""A person's recurring plans, and what became of their dates."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import cast
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from portfolios.models import RecurringPlan, RecurringRun, User

SHOWN_RUNS = 12


@dataclass(frozen=True)
class RecurringRunRow:
    """One due date: an order, or the reason why there is none."""

    due_on: date
    status: str
    order_id: UUID | None
    reason: str


@dataclass(frozen=True)
class RecurringRow:
    """A plan as its owner sees it, with its newest dates. `rhythm` says the rule in words."""

    id: UUID
    index_slug: str
    index_name: str
    amount: Decimal
    frequency: str
    weekday: int | None
    day: int | None
    rhythm: str
    starts_on: date
    ends_on: date | None
    status: str
    next_due: date | None
    created_at: datetime
    runs: list[RecurringRunRow] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it can be changed: neither cancelled nor at its end."""
        return self.status in ("active", "paused")


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def rhythm(frequency: str, weekday: int | None, day: int | None) -> str:
    """`every day`, `every Monday`, `every month on the 31st, or its last day`."""
    if weekday is not None:
        return f"every {_WEEKDAYS[weekday]}"
    if day is not None:
        ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")
        return f"every month on the {day}{ending}" + (", or its last day" if day > 28 else "")
    return "every day"


def recurring_queryset(user: User) -> QuerySet[RecurringPlan]:
    """The user's plans, newest first, ready for `recurring_row`."""
    newest = RecurringRun.objects.order_by("-due_on")
    return (
        RecurringPlan.objects.filter(user=user)
        .select_related("index")
        .prefetch_related(Prefetch("runs", queryset=newest[:SHOWN_RUNS], to_attr="newest_runs"))
        .order_by("-created_at", "-id")
    )


def recurring(user: User, plan_id: UUID) -> RecurringRow | None:
    """One plan of this user, or None when there is no such plan of theirs."""
    row = recurring_queryset(user).filter(pk=plan_id).first()
    return None if row is None else recurring_row(row)


def recurring_row(row: RecurringPlan) -> RecurringRow:
    """A plan in the form in which its owner sees it."""
    return RecurringRow(
        id=row.pk,
        index_slug=row.index.slug,
        index_name=row.index.name,
        amount=row.amount,
        frequency=row.frequency,
        weekday=row.weekday,
        day=row.day,
        rhythm=rhythm(row.frequency, row.weekday, row.day),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        status=row.status,
        next_due=row.next_due,
        created_at=row.created_at,
        runs=[
            RecurringRunRow(run.due_on, run.status, run.order_id, run.reason)
            for run in cast(list[RecurringRun], vars(row)["newest_runs"])
        ],
    )
