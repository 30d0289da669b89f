"""What a user pays for: plans as data that an operator edits, and the user's contract for one of them."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Plan(models.Model):
    """Free, Silver, Gold, Platinum ... `rank` orders them; a plan lists the indices whose holders it admits."""

    slug = models.SlugField(max_length=32, unique=True)
    name = models.CharField(max_length=48)
    rank = models.PositiveSmallIntegerField(unique=True)
    summary = models.CharField(max_length=240, blank=True)
    monthly_price = models.DecimalField(max_digits=10, decimal_places=2, help_text="USD a month.")
    api_requests_per_minute = models.PositiveIntegerField()
    custom_indices = models.PositiveSmallIntegerField(
        default=1, help_text="How many indices of one's own it lets a person keep."
    )
    all_indices = models.BooleanField(default=False, help_text="Admits to every published index.")
    indices = models.ManyToManyField("indices.Index", related_name="+", blank=True)
    is_offered = models.BooleanField(default=True)

    class Meta:
        ordering = ["rank"]
        constraints = [
            models.CheckConstraint(condition=Q(monthly_price__gte=0), name="plan_price_not_negative")
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A user's contract for one plan. A user without an active one is on the plan of rank 0."""

    class Status(models.TextChoices):
        ACTIVE = "active", "active"
        ENDED = "ended", "ended"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    next_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    billing_day = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Day of the month, 1 to 31; a shorter month pays on its last."
    )
    cancel_at_period_end = models.BooleanField(default=False)
    provider = models.CharField(max_length=16, default="sandbox")
    provider_reference = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(status="active"), name="subscription_one_active"
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=models.F("period_start")), name="subscription_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.plan_id} {self.status}"


class Invoice(models.Model):
    """One charge for one period of a subscription. `reference` makes a second run of the same charge harmless."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        PAID = "paid", "paid"
        FAILED = "failed", "failed"

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="invoices")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(max_length=96, unique=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    provider_reference = models.CharField(max_length=128, blank=True)
    effective_at = models.DateTimeField(help_text="Market time, UTC.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.reference
