"""What is read off the market day by day: observations beside the candles, features, grades, the regime."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from signals.models.learning import ModelRun
from signals.models.market import Asset


class Observation(models.Model):
    """What one source said of one asset (null: of the whole market) on one day, besides prices. Append-only.

    A revised value is a further row with a later `known_at`; the one that counts at a moment is the latest known then.
    """

    class Family(models.TextChoices):
        ONCHAIN = "onchain", "on-chain"
        DERIVATIVES = "derivatives", "derivatives"
        SENTIMENT = "sentiment", "sentiment"

    asset = models.ForeignKey(Asset, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    family = models.CharField(max_length=16, choices=Family)
    day = models.DateField(help_text="The UTC day that the values speak of.")
    source = models.CharField(max_length=32)
    known_at = models.DateTimeField(help_text="From when on the values could be known, UTC.")
    values = models.JSONField(help_text="Metric -> number; a metric that is not known is left out.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "family", "day", "source", "known_at"],
                name="observation_key",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["family", "day"], name="observation_by_day")]

    def __str__(self) -> str:
        return f"{self.family} {self.asset_id or 'market'} {self.day}"


class FeatureVector(models.Model):
    """All features of one asset at the close of one day, in the order of their set; NaN is missing."""

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    as_of = models.DateField()
    set_version = models.CharField(max_length=16, help_text="Digest of the names and their order.")
    values = ArrayField(models.FloatField())
    known = models.PositiveSmallIntegerField(help_text="How many of the values are known.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "as_of", "set_version"], name="feature_vector_key")
        ]
        indexes = [models.Index(fields=["as_of"], name="feature_vector_by_day")]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.as_of}: {self.known} known"


class Grade(models.Model):
    """What a model thinks of one asset at the close of one day.

    `trader_grade` speaks of the next week, `investor_grade` of the next four: in percent, how often tokens with such a
    score did better than the median token.
    """

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    as_of = models.DateField()
    model = models.ForeignKey(ModelRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    trader_grade = models.FloatField()
    investor_grade = models.FloatField()
    signal = models.SmallIntegerField()
    confidence = models.FloatField(help_text="0 to 1.")
    coverage = models.FloatField(help_text="Share of the model's features that are known, 0 to 1.")
    contributions = models.JSONField(default=list, help_text="[[feature, rank, share of the grade], ...]")
    sentences = models.JSONField(default=list, help_text="Two plain sentences.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "as_of", "model"], name="grade_key"),
            models.CheckConstraint(
                condition=Q(trader_grade__range=(0, 100), investor_grade__range=(0, 100)),
                name="grade_in_range",
            ),
            models.CheckConstraint(condition=Q(signal__in=(-1, 0, 1)), name="grade_signal"),
            models.CheckConstraint(
                condition=Q(confidence__range=(0, 1), coverage__range=(0, 1)), name="grade_shares"
            ),
        ]
        indexes = [models.Index(fields=["as_of", "-trader_grade"], name="grade_by_day")]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.as_of}: {self.trader_grade:.0f}"


class Regime(models.Model):
    """The market's regime at the close of one day: how much of an index stands in the market."""

    as_of = models.DateField()
    rules_version = models.CharField(max_length=16, help_text="Digest of the rules.")
    risk_share = models.PositiveSmallIntegerField(help_text="Percent: 0, 25, 50, 75 or 100.")
    wanted = models.FloatField(null=True, help_text="Share before rounding and hysteresis, 0 to 1.")
    moved_on = models.DateField(null=True, help_text="Day of the last move of the share.")
    readings = models.JSONField(default=dict, help_text="Reading -> value on the day.")
    ledger = models.JSONField(default=dict, help_text="Figure -> running total through the day.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["as_of", "rules_version"], name="regime_key"),
            models.CheckConstraint(condition=Q(risk_share__in=(0, 25, 50, 75, 100)), name="regime_share"),
        ]

    def __str__(self) -> str:
        return f"{self.as_of}: {self.risk_share} %"
