"""One wish with two legs: out of one index and into another."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Switch(models.Model):
    """Units of one index are redeemed, and exactly what they bring is invested in another.

    `selling` while the redemption is under way, `buying` while the investment is, `done` when both are settled;
    `cancelled` before dealing began; `stopped` where the money stays cash, and why.
    """

    class Status(models.TextChoices):
        SELLING = "selling", "selling"
        BUYING = "buying", "buying"
        DONE = "done", "done"
        CANCELLED = "cancelled", "cancelled"
        STOPPED = "stopped", "stopped half-way"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    target = models.ForeignKey("indices.Index", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=9, choices=Status, default=Status.SELLING)
    redeem = models.OneToOneField("portfolios.Order", on_delete=models.PROTECT, related_name="switch_out")
    invest = models.OneToOneField(
        "portfolios.Order", on_delete=models.PROTECT, related_name="switch_in", null=True, blank=True
    )
    reason = models.CharField(max_length=240, blank=True, help_text="Why it stopped or was cancelled.")
    reference = models.CharField(
        max_length=128, null=True, blank=True, help_text="The caller's own; the same one twice is one switch."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock, UTC.")

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "switches"
        constraints = [
            models.UniqueConstraint(fields=["user", "reference"], name="switch_reference"),
            models.CheckConstraint(
                condition=(
                    Q(status__in=["selling", "cancelled"], invest__isnull=True)
                    | Q(status__in=["buying", "done"], invest__isnull=False)
                    | (Q(status="stopped") & ~Q(reason=""))
                ),
                name="switch_legs",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(status__in=["selling", "buying"]), name="switch_open"
            ),
        ]

    def __str__(self) -> str:
        return f"switch {self.pk} {self.status}"
