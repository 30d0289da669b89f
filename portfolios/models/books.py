"""Personal portfolios, a million of them: a subsidiary ledger of one row of whole numbers per portfolio (ADR 10).

In the ledger itself a nominee portfolio holds what all of them hold together; here stands whose it is.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class Basket(models.Model):
    """An ordered list of ledger assets: the places of every array of its books. It never changes; a new list is a new
    basket. Books move to one that begins with all the assets of theirs, so that a place keeps its meaning for ever."""

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
    name = models.CharField(max_length=64, blank=True, db_default="", help_text="What its owner calls it.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="books")
    basket = models.ForeignKey(Basket, on_delete=models.PROTECT, related_name="books")
    cash = models.BigIntegerField(default=0)
    quantities = ArrayField(models.BigIntegerField())
    excluded = models.BinaryField(default=bytes)
    max_weight = models.IntegerField(default=1_000_000, help_text="Millionths of the portfolio.")
    risk_share = models.IntegerField(default=1_000_000, help_text="Millionths of the portfolio.")
    version = models.IntegerField(default=0, help_text="How many batches have changed it.")
    created_at = models.DateTimeField(default=timezone.now, db_default=Now(), help_text="Wall clock, UTC.")

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

    @property
    def title(self) -> str:
        """What its owner calls it, or whose index it follows."""
        return self.name or f"My {self.nominee.index.name}"


class BookChange(models.Model):
    """Settings that its owner wants for a book. They wait for the next dealing of the nominee: while books are dealt
    nothing changes that a plan follows from."""

    book = models.ForeignKey(Book, on_delete=models.PROTECT, related_name="changes")
    excluded = ArrayField(models.BigIntegerField(), help_text="Ledger assets that its owner will not hold.")
    max_weight = models.IntegerField(help_text="Millionths of the portfolio.")
    risk_share = models.IntegerField(help_text="Millionths of the portfolio.")
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True, help_text="Market time, UTC.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["book"], condition=Q(applied_at=None), name="book_change_one_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"change {self.pk} of {self.book_id}"


class NomineeDealing(models.Model):
    """What the books of a nominee are planned by in one dealing, fixed when it opened: a plan follows from this and the
    books, so it can be made again after a crash and is not stored itself. Arrays are by `places`, the places of the
    basket that are traded."""

    dealing = models.OneToOneField(
        "portfolios.Dealing", on_delete=models.PROTECT, related_name="nominee", primary_key=True
    )
    basket = models.ForeignKey(Basket, on_delete=models.PROTECT, related_name="+")
    places = ArrayField(models.IntegerField())
    weights = ArrayField(models.BigIntegerField(), help_text="Of the index, parts of 10^12.")
    refuge = models.IntegerField(null=True, help_text="Which of `places` takes what is not at risk.")
    hold = models.IntegerField(help_text="Bands, millionths: up to here nothing is traded.")
    full = models.IntegerField(help_text="Above here all the way.")
    turnover = models.IntegerField()
    smallest = models.BigIntegerField(help_text="Micro-dollars of the least single trade.")
    reserve = models.IntegerField()
    crossed = ArrayField(
        models.DecimalField(max_digits=38, decimal_places=0), help_text="Base units between books."
    )
    crossed_value = ArrayField(
        models.DecimalField(max_digits=38, decimal_places=0), help_text="Micro-dollars between books."
    )

    def __str__(self) -> str:
        return f"books of dealing {self.dealing_id}"


class DealingBlock(models.Model):
    """A block of books in one dealing: what it wants, and its part of what came of it. Its books are settled apart from
    all others. Arrays are by the places that are traded; base units and micro-dollars."""

    dealing = models.ForeignKey(NomineeDealing, on_delete=models.PROTECT, related_name="blocks")
    number = models.IntegerField()
    first = models.BigIntegerField(help_text="Id of its first book.")
    last = models.BigIntegerField(help_text="Id of its last book.")
    sells = ArrayField(models.DecimalField(max_digits=38, decimal_places=0))
    buys = ArrayField(models.DecimalField(max_digits=38, decimal_places=0))
    gives = ArrayField(models.DecimalField(max_digits=38, decimal_places=0), null=True)
    gets = ArrayField(models.DecimalField(max_digits=38, decimal_places=0), null=True)
    able = ArrayField(models.DecimalField(max_digits=38, decimal_places=0), null=True)
    pays = ArrayField(models.DecimalField(max_digits=38, decimal_places=0), null=True)
    takes = ArrayField(models.DecimalField(max_digits=38, decimal_places=0), null=True)
    stored_at = models.DateTimeField(null=True, help_text="Wall clock, UTC: its books have their part.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["dealing", "number"], name="dealing_block_key")]

    def __str__(self) -> str:
        return f"{self.dealing_id} block {self.number}"


class Batch(models.Model):
    """Postings to some books at once, and the one entry of the ledger that they divide. Its reference happens once."""

    nominee = models.ForeignKey("portfolios.Portfolio", on_delete=models.PROTECT, related_name="batches")
    basket = models.ForeignKey(Basket, on_delete=models.PROTECT, related_name="batches")
    block = models.OneToOneField(
        DealingBlock, on_delete=models.PROTECT, related_name="batch", null=True, blank=True
    )
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
