"""The kill switch: what nobody may deal in for now, why, and who said so."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Pause(models.Model):
    """One stop. While `ended_at` is empty nothing in its scope is sent to a venue or paid out; what waits keeps its
    place. `target` is a token's or an index's slug or a venue's name, and empty for the other scopes."""

    class Scope(models.TextChoices):
        ALL = "all", "everything"
        BUYS = "buys", "purchases"
        SELLS = "sells", "sales"
        WITHDRAWALS = "withdrawals", "withdrawals"
        ASSET = "asset", "one token"
        INDEX = "index", "one index"
        VENUE = "venue", "one venue"

    scope = models.CharField(max_length=12, choices=Scope)
    target = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=240, help_text="For investors: a sentence in plain words.")
    started_at = models.DateTimeField(help_text="Wall clock, UTC.")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Empty where the platform stopped itself.",
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock, UTC.")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    told_at = models.DateTimeField(null=True, blank=True, help_text="When those it touches were told.")

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "target"], condition=Q(ended_at__isnull=True), name="pause_one_open"
            ),
            models.CheckConstraint(
                condition=(Q(scope__in=["asset", "index", "venue"]) & ~Q(target=""))
                | (Q(scope__in=["all", "buys", "sells", "withdrawals"]) & Q(target="")),
                name="pause_target",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="pause_reason"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="pause_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.target}".strip()
