"""Papers a person keeps: monthly statements, frozen when issued, and what they chose about their tax lots."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

CENTS: dict[str, Any] = {"max_digits": 20, "decimal_places": 2}


class Statement(models.Model):
    """One month of one person, as issued. It never changes; what has to be corrected is issued again as the next
    version with a note. `body` is the whole sheet; the columns beside it add up, by the database's word."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="statements")
    month = models.DateField(help_text="First day of the market month.")
    version = models.PositiveSmallIntegerField(default=1)
    note = models.CharField(max_length=240, blank=True, help_text="Why there is a further version.")
    opening = models.DecimalField(**CENTS)
    deposits = models.DecimalField(**CENTS)
    withdrawals = models.DecimalField(**CENTS)
    other = models.DecimalField(**CENTS)
    gains = models.DecimalField(**CENTS, help_text="Before costs; negative is a loss.")
    costs = models.DecimalField(**CENTS)
    closing = models.DecimalField(**CENTS)
    body = models.JSONField(help_text="The sheet, cell by cell.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the body in its canonical form.")
    pdf_digest = models.CharField(max_length=64, help_text="SHA-256 of the PDF.")
    entries_digest = models.CharField(
        max_length=64, help_text="SHA-256 of the ledger's entries that it rests on."
    )
    as_of = models.DateTimeField(help_text="Market time at which it was issued, UTC.")
    issued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-month", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["user", "month", "version"], name="statement_key"),
            models.CheckConstraint(
                condition=Q(
                    closing=F("opening")
                    + F("deposits")
                    - F("withdrawals")
                    + F("other")
                    + F("gains")
                    - F("costs")
                ),
                name="statement_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(version=1) | (Q(version__gt=1) & ~Q(note="")), name="statement_correction_noted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.month:%Y-%m} v{self.version}"

    @property
    def flows(self) -> Decimal:
        """What came in less what went out, USD."""
        return self.deposits - self.withdrawals + self.other

    @property
    def result(self) -> Decimal:
        """Gains after every cost, USD; negative is a loss."""
        return self.gains - self.costs


class TaxYear(models.Model):
    """By which rule a person's lots of one calendar year are matched. Once `closed_at` is set neither this row nor the
    year's choices change any more; `digest` then is that of the report as it was closed."""

    class Method(models.TextChoices):
        FIFO = "fifo", "first in, first out"
        LIFO = "lifo", "last in, first out"
        HIFO = "hifo", "highest cost first"
        AVERAGE = "average", "average cost"
        SPECIFIC = "specific", "lots that you choose"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tax_years")
    year = models.PositiveSmallIntegerField()
    method = models.CharField(max_length=8, choices=Method, default=Method.FIFO)
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock, UTC.")
    digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-year"]
        constraints = [
            models.UniqueConstraint(fields=["user", "year"], name="tax_year_key"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, digest="") | (Q(closed_at__isnull=False) & ~Q(digest="")),
                name="tax_year_closed_with_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.year} {self.method}"


class LotChoice(models.Model):
    """Units of one lot that a person wants an order's units to come from. `lot` is the entry that brought them."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="lot_choices")
    order = models.ForeignKey("portfolios.Order", on_delete=models.PROTECT, related_name="lot_choices")
    lot = models.ForeignKey("portfolios.Entry", on_delete=models.PROTECT, related_name="+")
    units = models.DecimalField(max_digits=38, decimal_places=18)
    chosen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "lot"], name="lot_choice_key"),
            models.CheckConstraint(condition=Q(units__gt=0), name="lot_choice_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.units} of {self.lot_id}"
