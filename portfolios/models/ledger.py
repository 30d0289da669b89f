"""One append-only double-entry ledger for everything. Triggers (see migrations) hold what these classes promise:
postings of an entry sum to zero per asset, and neither entries nor postings are ever changed or deleted."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class LedgerAsset(models.Model):
    """What the ledger counts: a currency, a token, or the units of a portfolio. `scale` is the number of decimals
    of one base unit; every amount of the asset is a whole number of base units."""

    class Kind(models.TextChoices):
        CURRENCY = "currency", "currency"
        TOKEN = "token", "token"
        UNIT = "unit", "unit"

    code = models.CharField(max_length=128, unique=True, help_text="USD, token:bitcoin, unit:global-100.")
    kind = models.CharField(max_length=8, choices=Kind)
    scale = models.PositiveSmallIntegerField()
    token = models.OneToOneField(
        "signals.Asset", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(scale__lte=18), name="ledger_asset_scale"),
            models.CheckConstraint(
                condition=(Q(kind="token") & Q(token__isnull=False))
                | (~Q(kind="token") & Q(token__isnull=True)),
                name="ledger_asset_token_link",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Account(models.Model):
    """A place in the ledger, named by `key` (user:7:cash, portfolio:3:assets, outside:sandbox).

    Only accounts that stand for the outside world, count units issued, clear a nominee's trades, or say what a person
    owes may go below zero.
    """

    class Kind(models.TextChoices):
        CASH = "cash", "investor's money and units, free to use"
        RESERVED = "reserved", "set aside for an order or a withdrawal"
        ASSETS = "assets", "what a portfolio holds"
        BOOKS = "books", "what the books of a nominee hold together"
        CLEARING = "clearing", "a nominee's trades until its books have them"
        ISSUED = "issued", "units a portfolio has issued (negative)"
        OUTSIDE = "outside", "the world outside: payment providers"
        VENUE = "venue", "a trading venue"
        FEES = "fees", "trading fees paid"
        REVENUE = "revenue", "subscription income"
        ROUNDING = "rounding", "what rounding left over"
        TREASURY = "treasury", "where the house changes USDC into dollars and back"
        RECEIVABLE = "receivable", "what a person owes (negative)"

    key = models.CharField(max_length=96, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="accounts", null=True, blank=True
    )
    portfolio = models.ForeignKey(
        "portfolios.Portfolio", on_delete=models.PROTECT, related_name="accounts", null=True, blank=True
    )
    may_be_negative = models.BooleanField(default=False)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class Entry(models.Model):
    """One movement of value. `reference` says what caused it and makes posting it twice impossible."""

    reference = models.CharField(max_length=160, unique=True)
    kind = models.CharField(max_length=24)
    description = models.CharField(max_length=240, blank=True)
    effective_at = models.DateTimeField(help_text="Market time, UTC.")
    recorded_at = models.DateTimeField(auto_now_add=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="reversed_by", null=True, blank=True
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["kind"], name="entry_by_kind")]

    def __str__(self) -> str:
        return self.reference


class Posting(models.Model):
    """One leg of an entry: a signed amount of one asset on one account.

    What it refers to is checked for all postings of a statement at once. It cannot vanish later: entries are never
    deleted, and the balance beside a posting holds its account and asset.
    """

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="postings", db_constraint=False)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False
    )
    asset = models.ForeignKey(
        LedgerAsset, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    amount = models.DecimalField(max_digits=38, decimal_places=18)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="posting_not_zero")]
        indexes = [models.Index(fields=["account", "asset"], name="posting_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount} {self.asset_id}"


class Balance(models.Model):
    """The sum of an account's postings in one asset: a projection, kept in the same transaction as its postings."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="balances")
    asset = models.ForeignKey(LedgerAsset, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    may_be_negative = models.BooleanField(default=False, help_text="Copied from the account, for the check.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "asset"], name="balance_key"),
            models.CheckConstraint(
                condition=Q(may_be_negative=True) | Q(amount__gte=0), name="balance_no_overdraft"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount} {self.asset_id}"
