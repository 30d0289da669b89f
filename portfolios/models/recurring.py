"""Plans that invest the same amount again and again, and what became of each date."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class RecurringPlan(models.Model):
    """An amount that goes into one index on every due date. `next_due` is the first date without a run, empty once
    the plan is over. Dates are days of market time."""

    class Frequency(models.TextChoices):
        DAILY = "daily", "every day"
        WEEKLY = "weekly", "every week"
        MONTHLY = "monthly", "every month"

    class Status(models.TextChoices):
        ACTIVE = "active", "active"
        PAUSED = "paused", "paused"
        CANCELLED = "cancelled", "cancelled"
        ENDED = "ended", "ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    index = models.ForeignKey("indices.Index", on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=20, decimal_places=2, help_text="USD.")
    frequency = models.CharField(max_length=8, choices=Frequency)
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 is Monday.")
    day = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Of the month; a shorter month's last day stands for it."
    )
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="The last day that may be due.")
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    next_due = models.DateField(null=True, blank=True)
    reference = models.CharField(max_length=128, null=True, blank=True, help_text="The caller's own.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "reference"], name="recurring_reference"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="recurring_amount_positive"),
            models.CheckConstraint(
                condition=Q(frequency="daily", weekday__isnull=True, day__isnull=True)
                | Q(frequency="weekly", weekday__lte=6, day__isnull=True)
                | Q(frequency="monthly", weekday__isnull=True, day__gte=1, day__lte=31),
                name="recurring_rule",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="recurring_dates"
            ),
            models.CheckConstraint(
                condition=~Q(status="active") | Q(next_due__isnull=False), name="recurring_active_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["next_due"], condition=Q(status="active"), name="recurring_due"),
        ]

    def __str__(self) -> str:
        return f"{self.frequency} {self.amount} {self.index_id}"


class RecurringRun(models.Model):
    """What became of one due date of a plan: an order, or the reason why there is none. It happens once."""

    class Status(models.TextChoices):
        ORDERED = "ordered", "ordered"
        SKIPPED = "skipped", "skipped"

    plan = models.ForeignKey(RecurringPlan, on_delete=models.PROTECT, related_name="runs")
    due_on = models.DateField()
    status = models.CharField(max_length=8, choices=Status)
    order = models.OneToOneField(
        "portfolios.Order", on_delete=models.PROTECT, related_name="recurring_run", null=True, blank=True
    )
    reason = models.CharField(max_length=240, blank=True, help_text="Why it was skipped.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-due_on"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "due_on"], name="recurring_run_key"),
            models.CheckConstraint(
                condition=Q(status="ordered", order__isnull=False, reason="")
                | (Q(status="skipped", order__isnull=True) & ~Q(reason="")),
                name="recurring_run_explained",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.due_on} {self.status}"
