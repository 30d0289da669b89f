"""Portfolios, investors' orders, and the dealing cycle that nets, trades and prices them."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

AMOUNT: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}


class Portfolio(models.Model):
    """A pot that follows one index, holds assets and issues units; pooled (many holders) or personal (one).

    A `nominee` issues none: it holds what many personal portfolios own, whose books say whose it is.
    """

    class Kind(models.TextChoices):
        POOLED = "pooled", "pooled"
        PERSONAL = "personal", "personal"
        NOMINEE = "nominee", "nominee"

    index = models.ForeignKey("indices.Index", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.POOLED)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="portfolios", null=True, blank=True
    )
    units = models.OneToOneField("portfolios.LedgerAsset", on_delete=models.PROTECT, related_name="portfolio")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["index"], condition=Q(kind="pooled"), name="portfolio_one_pool"),
            models.UniqueConstraint(
                fields=["index"], condition=Q(kind="nominee"), name="portfolio_one_nominee"
            ),
            models.UniqueConstraint(
                fields=["index", "owner"], condition=Q(kind="personal"), name="portfolio_one_of_ones_own"
            ),
            models.CheckConstraint(
                condition=(Q(kind__in=["pooled", "nominee"]) & Q(owner__isnull=True))
                | (Q(kind="personal") & Q(owner__isnull=False)),
                name="portfolio_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.index_id}"


class DealingCycle(models.Model):
    """One batch: its dealings are traded together through block orders, at marks of one market time."""

    class Status(models.TextChoices):
        SELLING = "selling", "selling"
        BUYING = "buying", "buying"
        SETTLED = "settled", "settled"

    status = models.CharField(max_length=8, choices=Status, default=Status.SELLING)
    priced_at = models.DateTimeField(help_text="Market time of the marks, UTC.")
    marks = models.JSONField(help_text="Asset code -> USD price as a decimal string, fixed for the cycle.")
    volumes = models.JSONField(
        default=dict, help_text="Asset code -> USD traded on the last closed day, as a decimal string."
    )
    halted = models.JSONField(
        default=dict, blank=True, help_text="Asset code -> why the price guard kept it from being traded."
    )
    opened_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["priced_at"], condition=~Q(status="settled"), name="dealing_cycle_one_open_per_time"
            ),
        ]

    def __str__(self) -> str:
        return f"cycle {self.pk} {self.status}"


class Rebalance(models.Model):
    """A portfolio's move to one decision. The database allows one per portfolio and epoch."""

    class Status(models.TextChoices):
        DUE = "due", "due"
        DEALING = "dealing", "dealing"
        DONE = "done", "done"
        SKIPPED = "skipped", "skipped"

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="rebalances")
    decision = models.ForeignKey("indices.Decision", on_delete=models.PROTECT, related_name="+")
    epoch = models.CharField(max_length=10)
    status = models.CharField(max_length=8, choices=Status, default=Status.DUE)
    reason = models.CharField(max_length=240, blank=True, help_text="Why it was skipped.")
    turnover_usd = models.DecimalField(**AMOUNT, default=0)
    cost_usd = models.DecimalField(**AMOUNT, default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True, help_text="Market time, UTC.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "decision"], name="rebalance_key"),
            models.UniqueConstraint(fields=["portfolio", "epoch"], name="rebalance_one_per_epoch"),
        ]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.epoch} {self.status}"


class Dealing(models.Model):
    """One portfolio's part in a cycle: either a rebalance or the netted flow of its orders, never both, so that
    the cost of a rebalance falls on all holders and the cost of a flow on those who caused it."""

    class Kind(models.TextChoices):
        REBALANCE = "rebalance", "rebalance"
        FLOW = "flow", "invest and redeem"

    cycle = models.ForeignKey(DealingCycle, on_delete=models.PROTECT, related_name="dealings")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="dealings")
    kind = models.CharField(max_length=9, choices=Kind)
    rebalance = models.OneToOneField(
        Rebalance, on_delete=models.PROTECT, related_name="dealing", null=True, blank=True
    )
    decision = models.ForeignKey(
        "indices.Decision",
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose target weights are traded.",
    )
    is_open = models.BooleanField(default=True)
    units_before = models.DecimalField(**AMOUNT)
    value_before = models.DecimalField(**AMOUNT, help_text="USD at the cycle's marks.")
    net_flow = models.DecimalField(**AMOUNT, default=0, help_text="USD in (positive) or out (negative).")
    cash_floor = models.DecimalField(
        **AMOUNT, default=0, help_text="USD of the portfolio that this dealing must not spend on purchases."
    )
    cost_usd = models.DecimalField(**AMOUNT, default=0)
    unit_price = models.DecimalField(
        **AMOUNT, null=True, blank=True, help_text="NAV per unit at settlement, USD."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["cycle", "portfolio"], name="dealing_key"),
            models.UniqueConstraint(fields=["portfolio"], condition=Q(is_open=True), name="dealing_one_open"),
        ]

    def __str__(self) -> str:
        return f"{self.cycle_id} {self.portfolio_id} {self.kind}"


class Order(models.Model):
    """An investor's wish: invest an amount of USD in, or redeem units of, a portfolio."""

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
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="orders")
    side = models.CharField(max_length=8, choices=Side)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACCEPTED)
    amount = models.DecimalField(
        max_digits=20, decimal_places=2, null=True, blank=True, help_text="USD asked for."
    )
    units = models.DecimalField(**AMOUNT, null=True, blank=True, help_text="Units issued, or to be redeemed.")
    dealing = models.ForeignKey(
        Dealing, on_delete=models.PROTECT, related_name="orders", null=True, blank=True
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

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(side="invest") & Q(amount__gt=0)) | (Q(side="redeem") & Q(units__gt=0)),
                name="order_size_positive",
            ),
            models.UniqueConstraint(fields=["user", "reference"], name="order_reference"),
        ]
        indexes = [models.Index(fields=["status", "portfolio"], name="order_by_status")]

    def __str__(self) -> str:
        return f"{self.side} {self.pk}"


class BlockOrder(models.Model):
    """The one order per asset, side and round of a cycle. Its id is stored before it is sent; a timeout is
    `unknown` until the venue has been asked."""

    class Status(models.TextChoices):
        NEW = "new", "new"
        SENDING = "sending", "sending"
        OPEN = "open", "open"
        UNKNOWN = "unknown", "unknown"
        DONE = "done", "done"
        REJECTED = "rejected", "rejected"

    class Side(models.TextChoices):
        BUY = "buy", "buy"
        SELL = "sell", "sell"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cycle = models.ForeignKey(DealingCycle, on_delete=models.PROTECT, related_name="block_orders")
    asset = models.ForeignKey("portfolios.LedgerAsset", on_delete=models.PROTECT, related_name="+")
    venue = models.CharField(max_length=24, default="paper")
    side = models.CharField(max_length=4, choices=Side)
    attempt = models.PositiveSmallIntegerField(default=1)
    quantity = models.DecimalField(
        **AMOUNT, null=True, help_text="Base units to sell, whole tokens as decimal."
    )
    budget = models.DecimalField(**AMOUNT, null=True, help_text="USD to spend on a buy, fee included.")
    status = models.CharField(max_length=8, choices=Status, default=Status.NEW)
    reason = models.CharField(max_length=240, blank=True, help_text="Why the venue refused it.")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="Wall clock, UTC.")
    misses = models.PositiveSmallIntegerField(
        default=0, help_text="How often the venue has said that it does not know this order."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cycle", "asset", "venue", "side", "attempt"], name="block_order_key"
            ),
            models.CheckConstraint(
                condition=(Q(side="sell") & Q(quantity__gt=0)) | (Q(side="buy") & Q(budget__gt=0)),
                name="block_order_size_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.asset_id}"


class Allocation(models.Model):
    """A dealing's planned share of a block order: tokens for a sell, USD for a buy. Fills are split by it."""

    block_order = models.ForeignKey(BlockOrder, on_delete=models.PROTECT, related_name="allocations")
    dealing = models.ForeignKey(Dealing, on_delete=models.PROTECT, related_name="allocations")
    size = models.DecimalField(**AMOUNT)
    filled = models.DecimalField(**AMOUNT, default=0, help_text="Of `size`, what fills have used so far.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["block_order", "dealing"], name="allocation_key"),
            models.CheckConstraint(condition=Q(size__gt=0), name="allocation_size_positive"),
            models.CheckConstraint(
                condition=Q(filled__gte=0) & Q(filled__lte=models.F("size")), name="allocation_not_overfilled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.block_order_id} {self.size}"


class Fill(models.Model):
    """One execution reported by a venue, posted to the ledger exactly once."""

    block_order = models.ForeignKey(BlockOrder, on_delete=models.PROTECT, related_name="fills")
    venue = models.CharField(max_length=24)
    venue_trade_id = models.CharField(max_length=96)
    quantity = models.DecimalField(**AMOUNT)
    price = models.DecimalField(**AMOUNT)
    notional = models.DecimalField(**AMOUNT, help_text="USD, before the fee.")
    fee = models.DecimalField(**AMOUNT, help_text="USD.")
    filled_at = models.DateTimeField(help_text="Market time, UTC.")
    entry = models.OneToOneField("portfolios.Entry", on_delete=models.PROTECT, related_name="fill")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["venue", "venue_trade_id"], name="fill_key"),
            models.CheckConstraint(condition=Q(quantity__gt=0) & Q(price__gt=0), name="fill_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.venue_trade_id}"


class NavPoint(models.Model):
    """A portfolio's value per unit at the close of one day, USD."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="nav_points")
    date = models.DateField()
    unit_price = models.DecimalField(**AMOUNT)
    value = models.DecimalField(**AMOUNT)
    units = models.DecimalField(**AMOUNT)

    class Meta:
        ordering = ["date"]
        constraints = [models.UniqueConstraint(fields=["portfolio", "date"], name="nav_point_key")]

    def __str__(self) -> str:
        return f"{self.portfolio_id} {self.date}"
