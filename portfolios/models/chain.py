"""USDC on its chain: whose deposit address is whose, which transfers were seen, and which payouts were signed."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

ADDRESS: dict[str, Any] = {"max_length": 42}
HASH: dict[str, Any] = {"max_length": 66}


class DepositAddress(models.Model):
    """An address whose key the operator keeps elsewhere. Given to one person for good, never to a second."""

    chain_id = models.BigIntegerField()
    address = models.CharField(**ADDRESS, help_text="With its checksum (EIP-55).")
    path = models.CharField(
        max_length=64, blank=True, help_text="How its key is derived; empty where imported."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    assigned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "deposit addresses"
        constraints = [
            models.UniqueConstraint(fields=["chain_id", "address"], name="deposit_address_key"),
            models.UniqueConstraint(
                fields=["chain_id", "user"], condition=Q(user__isnull=False), name="deposit_address_one_each"
            ),
            models.CheckConstraint(
                condition=Q(address__regex=r"^0x[0-9a-fA-F]{40}$"), name="deposit_address_form"
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True, assigned_at__isnull=True)
                | Q(user__isnull=False, assigned_at__isnull=False),
                name="deposit_address_assigned",
            ),
        ]

    def __str__(self) -> str:
        return self.address


class ChainCheckpoint(models.Model):
    """A block up to which every transfer was read when it was old enough, with its hash then. Where the chain has
    another hash at that height now, what was read after the last one that still agrees is read again."""

    chain_id = models.BigIntegerField()
    contract = models.CharField(**ADDRESS)
    number = models.BigIntegerField()
    hash = models.CharField(**HASH)
    scanned_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["chain_id", "contract", "number"], name="chain_checkpoint_key")
        ]

    def __str__(self) -> str:
        return f"{self.chain_id} {self.number}"


class ChainTransfer(models.Model):
    """USDC that arrived at a deposit address, as one block tells it.

    The same transfer in another block is another row: a log's index counts within its block and changes with it. The
    n-th transfer to one address in one transaction stays itself, so at most one row of it is in force.
    """

    class Status(models.TextChoices):
        SEEN = "seen", "waits for confirmations"
        WAITING = "waiting", "waits"
        CREDITED = "credited", "in your cash"
        ORPHANED = "orphaned", "its block is gone; it was never credited"
        REVERSED = "reversed", "its block is gone; the credit was taken back"

    IN_FORCE = (Status.SEEN, Status.WAITING, Status.CREDITED)

    chain_id = models.BigIntegerField()
    contract = models.CharField(**ADDRESS)
    tx_hash = models.CharField(**HASH)
    log_index = models.IntegerField()
    ordinal = models.IntegerField(help_text="The n-th transfer to this address in its transaction, from 0.")
    block_number = models.BigIntegerField()
    block_hash = models.CharField(**HASH)
    sender = models.CharField(**ADDRESS)
    address = models.ForeignKey(DepositAddress, on_delete=models.PROTECT, related_name="transfers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=38, decimal_places=6, help_text="USDC.")
    status = models.CharField(max_length=8, choices=Status, default=Status.SEEN)
    reason = models.CharField(max_length=240, blank=True, help_text="What it waits for, for the person.")
    turn = models.PositiveSmallIntegerField(
        default=1, help_text="How often its block has become part of the chain."
    )
    payment = models.OneToOneField(
        "portfolios.Payment", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    mark = models.DecimalField(
        max_digits=20,
        decimal_places=10,
        null=True,
        blank=True,
        help_text="USD per USDC when it was credited.",
    )
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    seen_at = models.DateTimeField()
    credited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["chain_id", "tx_hash", "log_index", "block_hash"], name="chain_transfer_key"
            ),
            models.UniqueConstraint(
                fields=["chain_id", "tx_hash", "address", "ordinal"],
                condition=Q(status__in=["seen", "waiting", "credited"]),
                name="chain_transfer_in_force_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="chain_transfer_positive"),
            models.CheckConstraint(
                condition=~Q(status__in=["credited", "reversed"])
                | Q(payment__isnull=False, mark__isnull=False, credited_at__isnull=False),
                name="chain_transfer_credit_known",
            ),
        ]
        indexes = [models.Index(fields=["chain_id", "block_number"], name="chain_transfer_by_block")]

    @property
    def reference(self) -> str:
        """The external reference of its credit: this transfer, as this block tells it, this time."""
        return f"{self.chain_id}:{self.tx_hash}:{self.log_index}:{self.pk}.{self.turn}"

    def __str__(self) -> str:
        return f"{self.tx_hash} {self.log_index}"


class UsdcPayout(models.Model):
    """USDC to be sent, once. The dollars are held by the withdrawal that asked for it, of the same `reference`."""

    class Status(models.TextChoices):
        QUEUED = "queued", "waits for its turn"
        SIGNED = "signed", "signed and stored, perhaps sent"
        SENT = "sent", "given to the network"
        PAID = "paid", "confirmed"
        FAILED = "failed", "not paid, for certain"

    OPEN = (Status.QUEUED, Status.SIGNED, Status.SENT)

    reference = models.CharField(max_length=160, unique=True)
    chain_id = models.BigIntegerField()
    contract = models.CharField(**ADDRESS)
    destination = models.CharField(**ADDRESS)
    usd = models.DecimalField(max_digits=20, decimal_places=2)
    mark = models.DecimalField(
        max_digits=20, decimal_places=10, help_text="USD per USDC when it was asked for."
    )
    amount = models.DecimalField(max_digits=38, decimal_places=6, help_text="USDC.")
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    reason = models.CharField(max_length=240, blank=True, help_text="Why it waits or failed.")
    sender = models.CharField(max_length=42, blank=True)
    nonce = models.BigIntegerField(null=True, blank=True)
    block_number = models.BigIntegerField(null=True, blank=True)
    block_hash = models.CharField(max_length=66, blank=True)
    tx_hash = models.CharField(max_length=66, blank=True, help_text="The transaction that was mined.")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["chain_id", "sender", "nonce"],
                condition=Q(nonce__isnull=False),
                name="usdc_payout_nonce_once",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0, usd__gt=0), name="usdc_payout_positive"),
            models.CheckConstraint(
                condition=~Q(status__in=["signed", "sent", "paid"]) | Q(nonce__isnull=False),
                name="usdc_payout_signed_has_nonce",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(status__in=["queued", "signed", "sent"]), name="usdc_payout_open"
            )
        ]

    def __str__(self) -> str:
        return self.reference


class ChainTransaction(models.Model):
    """A signed transaction, stored before it is sent. All of one payout have the same nonce: at most one is mined."""

    payout = models.ForeignKey(UsdcPayout, on_delete=models.PROTECT, related_name="transactions")
    hash = models.CharField(**HASH, unique=True)
    raw = models.BinaryField()
    nonce = models.BigIntegerField()
    max_fee = models.DecimalField(max_digits=38, decimal_places=0, help_text="Wei per gas.")
    priority_fee = models.DecimalField(max_digits=38, decimal_places=0, help_text="Wei per gas.")
    signed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.hash
