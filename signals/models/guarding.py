"""What the price guard remembers of each asset, and every freeze there ever was (ADR 7)."""

from django.db import models
from django.db.models import Q

from signals.models.market import Asset


class GuardRecord(models.Model):
    """The guard's state of one asset between two rounds."""

    asset = models.OneToOneField(Asset, on_delete=models.PROTECT, related_name="+")
    stepped_at = models.DateTimeField(help_text="Moment of the last round.")
    state = models.JSONField(default=dict, help_text="Fields of signals.core.guard.GuardState.")
    peg = models.JSONField(null=True, help_text="Fields of signals.core.guard.PegState, for a stablecoin.")
    status = models.CharField(max_length=16, help_text="The last verdict.")
    mark = models.FloatField(null=True, help_text="Last accepted mark, USD.")
    marked_at = models.DateTimeField(null=True)
    verdict = models.JSONField(
        default=dict, help_text="The last round: cause, candidate, reasons, and each source's price."
    )

    def __str__(self) -> str:
        return f"{self.asset_id}: {self.status}"


class Freeze(models.Model):
    """A mark that was refused until confirmed: from when, why, and what or who ended it."""

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    began_at = models.DateTimeField()
    last_mark = models.FloatField(null=True, help_text="USD.")
    candidate = models.FloatField(null=True, help_text="The price that waits, USD.")
    reasons = models.JSONField(default=list)
    sources = models.JSONField(default=dict, help_text="Source -> price when it began.")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=254, blank=True, help_text="`sources`, or the operator's email.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset"], condition=Q(ended_at__isnull=True), name="freeze_one_open_per_asset"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | ~Q(ended_by=""), name="freeze_end_is_explained"
            ),
        ]
        ordering = ["-began_at"]

    def __str__(self) -> str:
        return f"{self.asset_id} since {self.began_at:%Y-%m-%d %H:%M}"
