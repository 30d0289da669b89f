"""Portfolios, and the dealing cycle that nets, trades and prices what investors ask of them."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from portfolios.core.bands import Bands
from portfolios.core.money import USD_SCALE, to_base

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
    drift_hold = models.PositiveIntegerField(
        default=2_500, help_text="Millionths of its value: up to this drift a rebalance sells nothing."
    )
    drift_full = models.PositiveIntegerField(
        default=10_000, help_text="Millionths: above this drift a rebalance goes all the way to target."
    )
    max_turnover = models.PositiveIntegerField(
        default=2_000_000, help_text="Millionths: the most that a rebalance buys and sells together."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(drift_hold__lte=models.F("drift_full"), drift_full__lte=1_000_000),
                name="portfolio_bands",
            ),
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

    @property
    def bands(self) -> Bands:
        """When and how far a rebalance trades."""
        return Bands(hold=self.drift_hold, full=self.drift_full, turnover=self.max_turnover)


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

    NOBODY = "Nobody holds this portfolio."

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
    told_at = models.DateTimeField(null=True, blank=True, help_text="When its holders were told, UTC.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["portfolio", "decision"], name="rebalance_key"),
            models.UniqueConstraint(fields=["portfolio", "epoch"], name="rebalance_one_per_epoch"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(told_at=None), name="rebalance_to_tell")]

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
    cash_left = models.JSONField(
        default=list,
        blank=True,
        help_text="Why USD stay in the portfolio: a list of {why, usd, token}; it sums to what stays.",
    )
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
    reason = models.CharField(max_length=240, blank=True, help_text="Why it was refused or not filled.")
    venue_reference = models.CharField(max_length=96, blank=True, help_text="The venue's own id of it.")
    send_after = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Not sent before, wall clock, UTC: another try waits for the book to fill.",
    )
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

    @property
    def size_scale(self) -> int:
        """Decimal places of what the order is sized in: the token of a sale, dollars of a purchase."""
        return self.asset.scale if self.side == self.Side.SELL else USD_SCALE

    @property
    def size_base(self) -> int:
        """Base units to sell, or micro-dollars to spend."""
        size = self.quantity if self.side == self.Side.SELL else self.budget
        if size is None:
            raise ValueError(f"order {self.pk}: neither a quantity nor a budget")
        return to_base(size, self.size_scale)


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

    def open_base(self, scale: int) -> int:
        """What fills have not used yet, in base units of the order's `size_scale`."""
        return to_base(self.size, scale) - to_base(self.filled, scale)


class Fill(models.Model):
    """One execution reported by a venue, posted to the ledger exactly once."""

    block_order = models.ForeignKey(BlockOrder, on_delete=models.PROTECT, related_name="fills")
    venue = models.CharField(max_length=24)
    venue_trade_id = models.CharField(max_length=96)
    quantity = models.DecimalField(**AMOUNT)
    price = models.DecimalField(**AMOUNT)
    notional = models.DecimalField(**AMOUNT, help_text="USD, before the fee.")
    fee = models.DecimalField(**AMOUNT, help_text="USD that the fee cost the dealings.")
    fee_asset = models.ForeignKey(
        "portfolios.LedgerAsset",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        null=True,
        blank=True,
        help_text="What the venue took its fee in; empty for dollars.",
    )
    fee_quantity = models.DecimalField(
        **AMOUNT, default=0, help_text="Of the fee asset, where it is a token."
    )
    used = models.DecimalField(
        **AMOUNT,
        default=0,
        help_text="What it used up of the allocations: tokens of a sale, USD of a purchase.",
    )
    quote_amount = models.DecimalField(
        **AMOUNT, null=True, blank=True, help_text="The notional in the venue's own currency."
    )
    quote_fee = models.DecimalField(
        **AMOUNT, default=0, help_text="The fee, where it was taken in that currency."
    )
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
