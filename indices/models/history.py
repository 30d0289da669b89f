"""What was decided and where it led: decisions, target weights and levels."""

from django.db import models
from django.db.models import Q

from indices.models.rules import Index, RulebookVersion


class Decision(models.Model):
    """Target weights of one index at one `as_of`, made from closes of that day and earlier.

    `epoch` is the calendar period (2022-W23, 2022-06 ...): the database allows one decision per index and epoch.
    `effective_on` is the day at whose close the weights are traded.
    """

    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="decisions")
    rulebook = models.ForeignKey(RulebookVersion, on_delete=models.PROTECT, related_name="decisions")
    as_of = models.DateField()
    effective_on = models.DateField()
    epoch = models.CharField(max_length=10)
    input_hash = models.CharField(max_length=64)
    turnover = models.FloatField(help_text="Sum of |target - drifted| weights, both sides, fraction.")
    reasons = models.JSONField(default=dict, help_text="Asset slug -> why it entered, stayed or left.")
    is_held = models.BooleanField(
        default=False, help_text="The last weights stay: nothing is traded and there are no target weights."
    )
    note = models.CharField(
        max_length=240, blank=True, help_text="Why it is held, or which bound could not be kept."
    )
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-as_of"]
        constraints = [
            models.UniqueConstraint(fields=["index", "as_of"], name="decision_key"),
            models.UniqueConstraint(fields=["index", "epoch"], name="decision_one_per_epoch"),
        ]

    def __str__(self) -> str:
        return f"{self.index_id} {self.as_of}"


class TargetWeight(models.Model):
    """One line of a decision. Weights of a decision sum to exactly 1."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="weights")
    asset = models.ForeignKey("signals.Asset", on_delete=models.PROTECT, related_name="+")
    weight = models.DecimalField(max_digits=19, decimal_places=18)
    rank = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["-weight"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "asset"], name="target_weight_key"),
            models.CheckConstraint(condition=Q(weight__gt=0) & Q(weight__lte=1), name="target_weight_range"),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.weight}"


class IndexLevel(models.Model):
    """The index value at the close of one day, chain-linked from base 1000, net of the rulebook's costs."""

    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="levels")
    date = models.DateField()
    level = models.FloatField()

    class Meta:
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint(fields=["index", "date"], name="index_level_key"),
            models.CheckConstraint(condition=Q(level__gt=0), name="index_level_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.index_id} {self.date} {self.level:.2f}"
