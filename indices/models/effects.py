"""Why a level moved as it did: derived from decisions, levels and candles, and made anew where those have changed."""

from django.db import models

from indices.models.history import Decision
from indices.models.rules import Index


class IndexEffect(models.Model):
    """One day of an index against its reference: returns, and the four parts that sum to their difference.

    Returns and effects are simple daily fractions. `level` and `reference_level` are what they were computed from;
    `own_cost` is what costs took of the index alone, `cash` the share in shelter as the day began.
    """

    index = models.ForeignKey(Index, on_delete=models.CASCADE, related_name="effects")
    date = models.DateField()
    reference = models.CharField(
        max_length=64, help_text="Slug of the reference index, or of a single asset."
    )
    level = models.FloatField()
    reference_level = models.FloatField()
    result = models.FloatField()
    reference_result = models.FloatField()
    selection = models.FloatField()
    weighting = models.FloatField()
    overlay = models.FloatField()
    cost = models.FloatField()
    own_cost = models.FloatField()
    cash = models.FloatField()

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["index", "date"], name="index_effect_key")]

    def __str__(self) -> str:
        return f"{self.index_id} {self.date}"


class RebalanceCost(models.Model):
    """What a decision cost when it was traded, and what it would at another size: fixed + slope x sqrt(USD).

    All are fractions of the index; `turnover` is the sum of |target - drifted| at the close it was traded at.
    """

    decision = models.OneToOneField(
        Decision, on_delete=models.CASCADE, related_name="traded_cost", primary_key=True
    )
    traded_on = models.DateField()
    turnover = models.FloatField()
    paid = models.FloatField()
    fixed = models.FloatField()
    slope = models.FloatField()

    class Meta:
        ordering = ["traded_on"]

    def __str__(self) -> str:
        return f"{self.decision_id} {self.paid:.6f}"
