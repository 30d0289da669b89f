"""What the house takes for running an index: announced in schedules, taken as units, one row per portfolio and day."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

MOST_MANAGEMENT = Decimal("0.05")
MOST_PERFORMANCE = Decimal("0.5")
_AMOUNT: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}
_RATE: dict[str, Any] = {"max_digits": 7, "decimal_places": 6}


class FeeSchedule(models.Model):
    """The fees of an index (of every index of ours without one of its own, where `index` is empty) from a day on, until
    a later schedule takes its place. Announced before it applies, never changed; one that does not apply yet may be
    called off by deleting it."""

    index = models.ForeignKey(
        "indices.Index",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Leave empty for every index of ours that has no schedule of its own.",
    )
    management_rate = models.DecimalField(
        **_RATE, default=0, help_text="Fraction of the holding a year: 0.005 is half a percent. At most 0.05."
    )
    performance_rate = models.DecimalField(
        **_RATE, default=0, help_text="Fraction of the gain above the high-water mark: 0 is off. At most 0.5."
    )
    announced_on = models.DateField(help_text="Market day on which holders could first read it.")
    effective_from = models.DateField(help_text="The first market day it is taken for.")
    announced_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-effective_from", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["index", "effective_from"], name="fee_schedule_key", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(management_rate__gte=0, management_rate__lte=MOST_MANAGEMENT)
                & Q(performance_rate__gte=0, performance_rate__lte=MOST_PERFORMANCE),
                name="fee_schedule_rates",
            ),
            models.CheckConstraint(
                condition=Q(effective_from__gt=models.F("announced_on")), name="fee_schedule_announced_before"
            ),
        ]

    def __str__(self) -> str:
        return f"fees {self.index_id or 'of all'} from {self.effective_from}"


class FeeAccrual(models.Model):
    """One fee of one portfolio for one day: units issued to the house, and every number they follow from.

    Management fee: `units` and `carry` divide `units_before` x rate + the carry before by 365 x 10^6 - rate, the
    rate in millionths. Performance fee: `low` above `mark_before` is what was gained; one row a month, and one at
    the start that sets the mark.
    """

    class Kind(models.TextChoices):
        MANAGEMENT = "management", "management fee"
        PERFORMANCE = "performance", "performance fee"

    portfolio = models.ForeignKey(
        "portfolios.Portfolio", on_delete=models.PROTECT, related_name="fee_accruals"
    )
    schedule = models.ForeignKey(FeeSchedule, on_delete=models.PROTECT, related_name="accruals")
    kind = models.CharField(max_length=12, choices=Kind)
    day = models.DateField(help_text="Market day that it is taken for, at its close.")
    rate = models.DecimalField(**_RATE)
    units_before = models.DecimalField(**_AMOUNT, help_text="Units issued before it.")
    units = models.DecimalField(**_AMOUNT, help_text="Units issued to the house for it.")
    carry = models.DecimalField(
        max_digits=20, decimal_places=0, default=0, help_text="What division left for the next day."
    )
    unit_price = models.DecimalField(**_AMOUNT, help_text="Value per unit right after it, USD.")
    low = models.DecimalField(**_AMOUNT, null=True, blank=True, help_text="Lowest close of three days, USD.")
    mark_before = models.DecimalField(**_AMOUNT, null=True, blank=True, help_text="High-water mark, USD.")
    mark_after = models.DecimalField(
        **_AMOUNT, null=True, blank=True, help_text="High-water mark from now on."
    )
    entry = models.OneToOneField(
        "portfolios.Entry", on_delete=models.PROTECT, related_name="fee_accrual", null=True, blank=True
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-day", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "kind", "day"], name="fee_accrual_key"),
            models.CheckConstraint(
                condition=Q(units__gte=0) & Q(carry__gte=0) & Q(units_before__gt=0),
                name="fee_accrual_positive",
            ),
            models.CheckConstraint(
                condition=Q(units__gt=0, entry__isnull=False) | Q(units=0, entry__isnull=True),
                name="fee_accrual_posted",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} fee of {self.portfolio_id} on {self.day}"
