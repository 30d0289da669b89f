"""Where we trade: accounts at venues with their sealed keys, which market is which token, and what was compared."""

from django.conf import settings
from django.db import models

from portfolios.models.trading import AMOUNT


class VenueAccount(models.Model):
    """One account at a venue. Orders and fills are booked under its `name`, which never changes.

    Keys are stored sealed (see services/vault.py); of the key itself only the last four characters can be read.
    """

    class Withdrawals(models.TextChoices):
        EXCHANGE = "exchange", "the exchange says that the key cannot withdraw"
        OPERATOR = "operator", "an operator confirmed that the key cannot withdraw"
        NONE = "none", "there is no key"

    name = models.CharField(max_length=24, unique=True, help_text="What orders and fills are booked under.")
    exchange = models.CharField(max_length=32, help_text="The name ccxt gives it, or paper.")
    url = models.URLField(max_length=200, blank=True, help_text="Empty: the exchange's own address.")
    quote = models.CharField(max_length=16, help_text="The currency its markets are priced in, such as USDT.")
    quote_token = models.ForeignKey(
        "signals.Asset",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Whose mark says what the quote currency is worth; empty for US dollars.",
    )
    fee = models.DecimalField(max_digits=9, decimal_places=8, help_text="What a taker pays, a fraction.")
    is_enabled = models.BooleanField(default=True)
    key_sealed = models.TextField(blank=True)
    secret_sealed = models.TextField(blank=True)
    password_sealed = models.TextField(blank=True)
    key_end = models.CharField(max_length=4, blank=True, help_text="The last four characters of the key.")
    withdrawals = models.CharField(max_length=8, choices=Withdrawals)
    withdrawals_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Who confirmed it.",
    )
    withdrawals_at = models.DateTimeField(help_text="When that was found or confirmed, UTC.")
    baseline = models.JSONField(
        default=dict, help_text="Currency -> what was there before our first order, a decimal string."
    )
    connected_at = models.DateTimeField(help_text="Wall clock, UTC.")
    compared_through = models.DateTimeField(
        help_text="Trades at the venue up to here have been compared with ours, wall clock, UTC."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class VenueMarket(models.Model):
    """Which market of a venue is which token. Filled in where symbol and price agree, or by an operator; never taken
    from a symbol alone."""

    account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="markets")
    token = models.ForeignKey("signals.Asset", on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(max_length=48, help_text="The market as ccxt names it: BTC/USDT.")
    base = models.CharField(max_length=24, help_text="The venue's code for the token.")
    least_notional = models.DecimalField(**AMOUNT, default=0, help_text="Smallest order, quote currency.")
    least_quantity = models.DecimalField(**AMOUNT, default=0)
    step = models.DecimalField(**AMOUNT, help_text="Quantities are whole multiples of it.")
    tick = models.DecimalField(**AMOUNT, help_text="Prices are whole multiples of it.")
    is_active = models.BooleanField(default=True)
    checked_at = models.DateTimeField(help_text="When the venue last told these rules, UTC.")

    class Meta:
        ordering = ["account", "symbol"]
        constraints = [
            models.UniqueConstraint(fields=["account", "token"], name="venue_market_token"),
            models.UniqueConstraint(fields=["account", "symbol"], name="venue_market_symbol"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol}"


class Reconciliation(models.Model):
    """One comparison of a venue's books with ours, kept for good."""

    class Result(models.TextChoices):
        CLEAN = "clean", "everything agrees"
        WAITING = "waiting", "orders are on their way: balances were not judged"
        BREAK = "break", "the books disagree"
        NO_ANSWER = "no_answer", "the venue gave no complete answer"

    venue = models.CharField(max_length=24)
    run_at = models.DateTimeField(help_text="Wall clock, UTC.")
    result = models.CharField(max_length=9, choices=Result)
    findings = models.JSONField(
        default=list, help_text="One sentence for each thing that is not as it should be."
    )
    trades = models.IntegerField(default=0, help_text="Trades that the venue reported.")
    posted = models.IntegerField(default=0, help_text="Trades that were missing here and were posted.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["venue", "-id"], name="reconciliation_of_venue")]

    def __str__(self) -> str:
        return f"{self.venue} {self.result}"
