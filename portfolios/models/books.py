"""Personal portfolios, a million of them: a subsidiary ledger of one row of whole numbers per portfolio (ADR 10).

In the ledger itself a nominee portfolio holds what all of them hold together; here stands whose it is.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Basket(models.Model):
    """An ordered list of ledger assets: the places of every array of its books. It never changes; a new list is a new
    basket. `scales` are the decimals of their base units."""

    assets = ArrayField(models.BigIntegerField())
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the list.")

    def __str__(self) -> str:
        return f"basket {self.pk} of {len(self.assets)}"


class Book(models.Model):
    """What one personal portfolio owns: `cash` in micro-dollars, `quantities` in base units by the basket's places.

    A projection of its postings, kept in the same transaction. `excluded` has one bit per place (most significant
    first): what its owner will not hold.
    """

    nominee = models.ForeignKey("portfolios.Portfolio", on_delete=models.PROTECT, related_name="books")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="books")
    basket = models.ForeignKey(Basket, on_delete=models.PROTECT, related_name="books")
    cash = models.BigIntegerField(default=0)
    quantities = ArrayField(models.BigIntegerField())
    excluded = models.BinaryField(default=bytes)
    max_weight = models.IntegerField(default=1_000_000, help_text="Millionths of the portfolio.")
    risk_share = models.IntegerField(default=1_000_000, help_text="Millionths of the portfolio.")
    version = models.IntegerField(default=0, help_text="How many batches have changed it.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cash__gte=0), name="book_no_overdraft"),
            models.CheckConstraint(
                condition=Q(max_weight__gt=0, max_weight__lte=1_000_000)
                & Q(risk_share__gte=0, risk_share__lte=1_000_000),
                name="book_settings",
            ),
        ]

    def __str__(self) -> str:
        return f"book {self.pk}"


class Batch(models.Model):
    """Postings to some books at once, and the one entry of the ledger that they divide. Its reference happens once."""

    nominee = models.ForeignKey("portfolios.Portfolio", on_delete=models.PROTECT, related_name="batches")
    basket = models.ForeignKey(Basket, on_delete=models.PROTECT, related_name="batches")
    reference = models.CharField(max_length=128, unique=True)
    effective_at = models.DateTimeField(help_text="Market time, UTC.")
    recorded_at = models.DateTimeField(auto_now_add=True)
    books = models.IntegerField(help_text="How many it changed.")
    cash = models.BigIntegerField(help_text="Sum of its postings, micro-dollars.")
    quantities = ArrayField(
        models.DecimalField(max_digits=38, decimal_places=0), help_text="Sums of its postings, base units."
    )

    class Meta:
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return self.reference


class BookPosting(models.Model):
    """What one batch changed in one book, signed. Append-only."""

    pk = models.CompositePrimaryKey("batch_id", "book_id")
    # Checked for the whole batch at once; a million single checks would cost more than the postings.
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="postings", db_constraint=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="postings", db_constraint=False)
    cash = models.BigIntegerField()
    quantities = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return f"{self.batch_id} {self.book_id}"
