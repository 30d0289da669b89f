"""Values that were in force before they were corrected, the corrections themselves, and what happened to a token.

Knowledge time is the wall clock: from when to when our store held a value. It is another clock than market time.
"""

from django.db import models
from django.db.models import F, Q

from signals.models.market import Asset, Candle


class CandleRevision(models.Model):
    """A daily candle as it was known in [known_from, known_until). A trigger writes one whenever a candle changes.

    `known_from` null means from the first moment on that the store had the candle.
    """

    asset = models.ForeignKey(
        Asset, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    interval = models.CharField(max_length=2, choices=Candle.Interval)
    opened_at = models.DateTimeField()
    source = models.CharField(max_length=32)
    open = models.FloatField(null=True)
    high = models.FloatField(null=True)
    low = models.FloatField(null=True)
    close = models.FloatField()
    volume = models.FloatField(null=True)
    market_cap = models.FloatField(null=True)
    known_from = models.DateTimeField(null=True)
    known_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["asset", "interval", "opened_at", "source", "known_until"], name="candle_revision_key"
            ),
            models.CheckConstraint(
                condition=Q(known_from__isnull=True) | Q(known_from__lt=F("known_until")),
                name="candle_revision_known_in_order",
            ),
        ]
        indexes = [models.Index(fields=["known_until"], name="candle_revision_by_end")]
        ordering = ["-known_until"]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.opened_at:%Y-%m-%d} until {self.known_until:%Y-%m-%d %H:%M}"


class Restatement(models.Model):
    """A correction of one daily candle: proposed by one person, approved by another, applied, and public from then on.

    `old` and `new` hold the fields that change, field -> USD. `effects` is what the indices make of it: the preview
    until it is applied, what was changed from then on.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "proposed"
        APPROVED = "approved", "approved"
        APPLIED = "applied", "applied"
        REJECTED = "rejected", "rejected"
        WITHDRAWN = "withdrawn", "withdrawn"

    class Treatment(models.TextChoices):
        RESTATE = "restate", "restate: the candle is corrected and levels are computed again"
        NOTICE = "notice", "notice: the error is published and nothing is changed"

    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    day = models.DateField(help_text="The UTC day of the candle.")
    source = models.CharField(max_length=32, help_text="Whose candle it is.")
    old = models.JSONField(help_text="Field -> value in force when it was proposed, USD.")
    new = models.JSONField(help_text="Field -> corrected value, USD.")
    reason = models.TextField(help_text="What is wrong and how that is known. Published.")
    evidence_url = models.URLField(max_length=500, help_text="Where anybody can see it. Published.")
    status = models.CharField(max_length=12, choices=Status, default=Status.DRAFT)
    treatment = models.CharField(max_length=8, choices=Treatment, blank=True)
    treatment_reason = models.CharField(
        max_length=240, blank=True, help_text="Why the treatment is another one than the policy's. Published."
    )
    proposed_by = models.CharField(max_length=254)
    proposed_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.CharField(max_length=254, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    applied_by = models.CharField(max_length=254, blank=True)
    applied_at = models.DateTimeField(
        null=True, blank=True, help_text="From this moment on the corrected values are the known ones."
    )
    closed_by = models.CharField(max_length=254, blank=True, help_text="Who rejected or withdrew it.")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_why = models.CharField(max_length=240, blank=True)
    effects = models.JSONField(default=dict, blank=True)
    previewed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-proposed_at"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(proposed_by=F("approved_by")), name="restatement_two_persons"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=("approved", "applied"))
                | (~Q(approved_by="") & Q(approved_at__isnull=False) & ~Q(treatment="")),
                name="restatement_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(status="applied", applied_at__isnull=False)
                | (~Q(status="applied") & Q(applied_at__isnull=True)),
                name="restatement_applied_at_a_moment",
            ),
            models.UniqueConstraint(
                fields=["asset", "day", "source"],
                condition=Q(status__in=("draft", "approved")),
                name="restatement_one_open_per_candle",
            ),
        ]
        indexes = [models.Index(fields=["status", "-applied_at"], name="restatement_by_status")]

    def __str__(self) -> str:
        return f"restatement {self.pk}"


class AssetEvent(models.Model):
    """Something that happened to a token besides its price. Written once; a wrong one is withdrawn, never changed.

    `terms` are those of its kind as indices.core.events reads them: a ratio, the token that was handed out, ...
    """

    class Kind(models.TextChoices):
        REDENOMINATION = "redenomination", "redenomination"
        AIRDROP = "airdrop", "airdrop or fork"
        HALT = "halt", "trading halt"
        DELISTING = "delisting", "delisting"

    kind = models.CharField(max_length=16, choices=Kind)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+")
    day = models.DateField(help_text="The UTC day on which it took effect, or on which a halt began.")
    until = models.DateField(null=True, blank=True, help_text="The last day of a halt.")
    into = models.ForeignKey(
        Asset,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What was handed out.",
    )
    terms = models.JSONField(default=dict, blank=True, help_text="Number by name: ratio, units_per_unit, ...")
    source_url = models.URLField(max_length=500, help_text="Where anybody can see it.")
    note = models.CharField(max_length=240, blank=True)
    entered_by = models.CharField(max_length=254)
    known_from = models.DateTimeField(help_text="When it was entered.")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=254, blank=True)
    withdrawn_why = models.CharField(max_length=240, blank=True)

    class Meta:
        ordering = ["-day", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | (~Q(withdrawn_by="") & ~Q(withdrawn_why="")),
                name="asset_event_withdrawal_is_explained",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("day")), name="asset_event_days_in_order"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="asset_event_by_day")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.asset_id} on {self.day}"
