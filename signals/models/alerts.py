"""What an operator must be told."""

from django.db import models
from django.db.models import Q


class Alert(models.Model):
    """Something is wrong and something safe was done instead; it stays open until it is right again."""

    kind = models.CharField(
        max_length=32, help_text="missing_features, feature_drift, no_model, stale_grades ..."
    )
    as_of = models.DateField(help_text="The market day it was noticed at.")
    text = models.TextField(help_text="What is wrong, what was done, what to do.")
    details = models.JSONField(default=dict, blank=True)
    raised_at = models.DateTimeField(auto_now_add=True)
    cleared_on = models.DateField(
        null=True, blank=True, help_text="The market day at which it was right again."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(cleared_on__isnull=True), name="alert_one_open_per_kind"
            )
        ]
        ordering = ["-raised_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.as_of}"
