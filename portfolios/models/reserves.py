"""What is owed to people, what is held for them, and the tree in which each can find their own part."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

AMOUNT: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}


class CustodyReport(models.Model):
    """What one custodian said, at one moment, that it holds for the platform: all of it."""

    class Kind(models.TextChoices):
        VENUE = "venue", "trading venue"
        BANK = "bank", "bank or payment provider"
        WALLET = "wallet", "wallet on a chain"
        TRANSIT = "transit", "sent, not yet final"
        SIMULATED = "simulated", "simulated custody"

    custodian = models.CharField(max_length=96, help_text="venue:binance, bank:stripe, wallet:usdc.")
    kind = models.CharField(max_length=9, choices=Kind)
    as_of = models.DateTimeField(help_text="When it was asked, UTC.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-as_of", "-id"]
        constraints = [models.UniqueConstraint(fields=["custodian", "as_of"], name="custody_report_key")]

    def __str__(self) -> str:
        return f"{self.custodian} {self.as_of:%Y-%m-%d %H:%M}"


class CustodyBalance(models.Model):
    """One asset of a custodian's report. A report is whole: an asset without a line is not held."""

    report = models.ForeignKey(CustodyReport, on_delete=models.CASCADE, related_name="balances")
    asset = models.ForeignKey("portfolios.LedgerAsset", on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(**AMOUNT)

    class Meta:
        ordering = ["asset_id"]
        constraints = [models.UniqueConstraint(fields=["report", "asset"], name="custody_balance_key")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.asset_id} {self.amount}"


class ReserveSnapshot(models.Model):
    """One proof of reserves: the root of a tree of what is owed, and what was held for it."""

    class Verdict(models.TextChoices):
        COVERED = "covered", "everything owed is held"
        SHORT = "short", "less is held than owed"
        UNKNOWN = "unknown", "a custodian has not answered for too long"

    day = models.DateField(unique=True, help_text="UTC day of the wall clock.")
    taken_at = models.DateTimeField()
    market_time = models.DateTimeField(help_text="Market time of the marks, UTC.")
    verdict = models.CharField(max_length=8, choices=Verdict)
    reason = models.CharField(max_length=240, blank=True)
    people = models.PositiveIntegerField(help_text="Leaves of the tree.")
    commitment = models.CharField(
        max_length=64, help_text="SHA-256 of the assets, the number of leaves and the root."
    )
    root = models.CharField(max_length=64)
    sums = models.BinaryField(help_text="What is owed in all, as the root has it.")
    secret = models.BinaryField(help_text="What the salts of the leaves are made of; never published.")

    class Meta:
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}"


class ReserveLine(models.Model):
    """One asset of a snapshot."""

    snapshot = models.ForeignKey(ReserveSnapshot, on_delete=models.CASCADE, related_name="lines")
    place = models.PositiveIntegerField(help_text="Its place in the sums of the tree, from 0.")
    asset = models.ForeignKey("portfolios.LedgerAsset", on_delete=models.PROTECT, related_name="+")
    owed = models.DecimalField(**AMOUNT)
    held = models.DecimalField(
        **AMOUNT, help_text="What covers it, USDC counted as dollars where its peg holds."
    )
    simulated = models.DecimalField(**AMOUNT, help_text="Part of `held` that only the ledger says.")
    stood_in = models.DecimalField(**AMOUNT, default=0, help_text="Part of `held` that is USDC.")
    mark = models.DecimalField(max_digits=38, decimal_places=18, null=True, blank=True, help_text="USD each.")
    short = models.BooleanField(default=False)

    class Meta:
        ordering = ["snapshot", "place"]
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "asset"], name="reserve_line_key"),
            models.CheckConstraint(condition=Q(owed__gte=0), name="reserve_line_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id} {self.asset_id}"


class ReserveBlock(models.Model):
    """The node above one block of neighbouring leaves, so that a proof rebuilds one block and not the tree."""

    snapshot = models.ForeignKey(ReserveSnapshot, on_delete=models.CASCADE, related_name="blocks")
    number = models.PositiveIntegerField()
    digest = models.BinaryField()
    sums = models.BinaryField()

    class Meta:
        ordering = ["snapshot", "number"]
        constraints = [models.UniqueConstraint(fields=["snapshot", "number"], name="reserve_block_key")]

    def __str__(self) -> str:
        return f"{self.snapshot_id} {self.number}"


class ReserveLeaf(models.Model):
    """What was owed to one person. Kept as long as proofs of that day are given out."""

    snapshot = models.ForeignKey(ReserveSnapshot, on_delete=models.CASCADE, related_name="leaves")
    place = models.PositiveIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(
        max_length=254, help_text="The person's email then: what makes the leaf theirs alone."
    )
    sums = models.BinaryField(help_text="Deflated: most of it are zeros.")

    class Meta:
        ordering = ["snapshot", "place"]
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "place"], name="reserve_leaf_key"),
            models.UniqueConstraint(fields=["snapshot", "user"], name="reserve_leaf_one_each"),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id} {self.place}"
