"""Money in and out, each linked to exactly one external reference, and what providers told about it."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q


class Payment(models.Model):
    """A deposit or a withdrawal. `reference` is ours and is what the provider is asked with; `provider_reference` is
    the provider's own. Both are unique per method.

    A deposit is pending until the provider says that it has the money. A withdrawal is set aside first (held), and
    completed or given back exactly once. `refunded` and `disputed` is what the provider took back of a deposit.
    """

    class Direction(models.TextChoices):
        DEPOSIT = "deposit", "deposit"
        WITHDRAWAL = "withdrawal", "withdrawal"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        HELD = "held", "set aside, about to be sent"
        AWAITING_APPROVAL = "awaiting_approval", "set aside, waiting for approval"
        SENDING = "sending", "being sent"
        COMPLETED = "completed", "completed"
        DISPUTED = "disputed", "disputed"
        REVERSED = "reversed", "taken back"
        FAILED = "failed", "failed"
        EXPIRED = "expired", "expired"
        CANCELLED = "cancelled", "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments")
    direction = models.CharField(max_length=10, choices=Direction)
    method = models.CharField(max_length=16, default="sandbox")
    currency = models.CharField(max_length=8, default="USD")
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    reference = models.CharField(max_length=160)
    provider_reference = models.CharField(max_length=160, blank=True, help_text="The provider's own.")
    session = models.CharField(max_length=160, blank=True, help_text="The provider's page for paying.")
    continue_url = models.TextField(blank=True, help_text="Where the person pays.")
    destination = models.ForeignKey(
        "portfolios.WithdrawalDestination",
        on_delete=models.PROTECT,
        related_name="payments",
        null=True,
        blank=True,
        help_text="Where a withdrawal goes; empty for play money.",
    )
    approvals_needed = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=240, blank=True, help_text="Why it failed or ended, in plain words.")
    refunded = models.DecimalField(max_digits=20, decimal_places=2, default=Decimal(0))
    disputed = models.DecimalField(max_digits=20, decimal_places=2, default=Decimal(0))
    effective_at = models.DateTimeField(help_text="Market time, UTC.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When money set aside is given back.")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the provider was first asked.")
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the provider was last asked.")
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        permissions = [("approve_withdrawal", "Can approve or refuse large withdrawals")]
        constraints = [
            models.UniqueConstraint(fields=["method", "reference"], name="payment_reference"),
            models.UniqueConstraint(
                fields=["method", "provider_reference"],
                condition=~Q(provider_reference=""),
                name="payment_provider_reference",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(refunded__gte=0) & Q(disputed__gte=0), name="payment_taken_back_positive"
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "created_at"],
                condition=Q(status__in=["pending", "held", "awaiting_approval", "sending"]),
                name="payment_open",
            ),
            models.Index(fields=["user", "direction", "-created_at"], name="payment_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.amount} {self.currency}"


class PaymentEvent(models.Model):
    """What a provider told once, or was asked and answered: never changed afterwards.

    `subject` is the provider's reference of the payment it is about. `kind`, `amount` and `item` are what it means for
    the money (see core.cards); all three are empty where it means nothing. Of the message itself only a hash is kept:
    it may carry a cardholder's name.
    """

    provider = models.CharField(max_length=16)
    event_id = models.CharField(max_length=128)
    type = models.CharField(max_length=80)
    subject = models.CharField(max_length=160, blank=True)
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        related_name="events",
        null=True,
        blank=True,
        help_text="Named by it.",
    )
    kind = models.CharField(max_length=24, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    item = models.CharField(max_length=160, blank=True, help_text="The dispute it is about.")
    detail = models.CharField(max_length=240, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the message.")
    occurred_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="payment_event_key")]
        indexes = [models.Index(fields=["provider", "subject"], name="payment_event_subject")]

    def __str__(self) -> str:
        return f"{self.provider} {self.type} {self.event_id}"
