"""Money in and out, each linked to exactly one external reference."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Payment(models.Model):
    """A deposit or a withdrawal. `reference` is the provider's own and unique per provider."""

    class Direction(models.TextChoices):
        DEPOSIT = "deposit", "deposit"
        WITHDRAWAL = "withdrawal", "withdrawal"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        COMPLETED = "completed", "completed"
        FAILED = "failed", "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments")
    direction = models.CharField(max_length=10, choices=Direction)
    method = models.CharField(max_length=16, default="sandbox")
    currency = models.CharField(max_length=8, default="USD")
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reference = models.CharField(max_length=160)
    effective_at = models.DateTimeField(help_text="Market time, UTC.")
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["method", "reference"], name="payment_reference"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.amount} {self.currency}"
