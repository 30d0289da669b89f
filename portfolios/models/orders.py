"""What investors ask for."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from portfolios.models.trading import AMOUNT


class Order(models.Model):
    """An investor's wish: invest an amount of USD in, or redeem units of, a portfolio."""

    CANCELLED_BY_OWNER = "Cancelled by the investor."

    class Side(models.TextChoices):
        INVEST = "invest", "invest"
        REDEEM = "redeem", "redeem"

    class Status(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        DEALING = "dealing", "dealing"
        SETTLED = "settled", "settled"
        CANCELLED = "cancelled", "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    portfolio = models.ForeignKey("portfolios.Portfolio", on_delete=models.PROTECT, related_name="orders")
    book = models.ForeignKey(
        "portfolios.Book",
        on_delete=models.PROTECT,
        related_name="orders",
        null=True,
        blank=True,
        help_text="Of which personal portfolio, where `portfolio` is a nominee.",
    )
    side = models.CharField(max_length=8, choices=Side)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACCEPTED)
    amount = models.DecimalField(
        max_digits=20, decimal_places=2, null=True, blank=True, help_text="USD asked for."
    )
    percent = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Of what is free, asked for."
    )
    units = models.DecimalField(**AMOUNT, null=True, blank=True, help_text="Units issued, or to be redeemed.")
    share = models.IntegerField(
        null=True,
        blank=True,
        help_text="Millionths of its book to be redeemed, where no amount is asked for.",
    )
    dealing = models.ForeignKey(
        "portfolios.Dealing", on_delete=models.PROTECT, related_name="orders", null=True, blank=True
    )
    unit_price = models.DecimalField(**AMOUNT, null=True, blank=True)
    proceeds = models.DecimalField(
        max_digits=20, decimal_places=2, null=True, blank=True, help_text="USD paid out by a redemption."
    )
    cost_usd = models.DecimalField(
        **AMOUNT, default=0, help_text="This order's share of the real trading cost."
    )
    reason = models.CharField(
        max_length=240, blank=True, help_text="Why it was cancelled or settled in part."
    )
    reference = models.CharField(
        max_length=128, null=True, blank=True, help_text="The caller's own; the same one twice is one order."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    placed_at = models.DateTimeField(help_text="Market time, UTC.")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="Market time, UTC.")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When its owner was told, UTC.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(side="invest") & Q(amount__gt=0))
                | (Q(side="redeem") & Q(book=None) & Q(units__gt=0))
                | (Q(side="redeem") & Q(book__isnull=False) & (Q(amount__gt=0) | Q(share__gt=0))),
                name="order_size_positive",
            ),
            # One holder, one order at a time: its cost is its own.
            models.UniqueConstraint(
                fields=["dealing", "book"], condition=Q(book__isnull=False), name="order_one_of_a_book"
            ),
            models.UniqueConstraint(fields=["user", "reference"], name="order_reference"),
        ]
        indexes = [
            models.Index(fields=["status", "portfolio"], name="order_by_status"),
            models.Index(
                fields=["created_at"],
                condition=Q(status__in=["settled", "cancelled"], told_at=None),
                name="order_to_tell",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.pk}"

    @property
    def holding_name(self) -> str:
        """What the money goes into or comes from: an index, or a personal portfolio."""
        return self.portfolio.index.name if self.book is None else self.book.title
