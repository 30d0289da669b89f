"""What we know about the market: assets, candles, and where the market clock stands."""

from django.db import models
from django.db.models import Q


class Market(models.Model):
    """A source of market data and its clock. Exactly one row is active.

    `time` is market time: null means the wall clock (live data); otherwise it is the replay clock, which stands
    until something advances it. A candle of day D is known once `time` has reached the end of D.
    """

    class Source(models.TextChoices):
        LIVE = "live", "live market"
        ARCHIVE = "archive", "archived market"
        SIMULATED = "simulated", "simulated market"

    source = models.CharField(max_length=16, choices=Source, unique=True)
    is_active = models.BooleanField(default=False)
    time = models.DateTimeField(
        null=True, blank=True, help_text="Replay clock, UTC; empty means the wall clock."
    )
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True, help_text="Last day with a candle in the store.")
    replay_until = models.DateField(
        null=True, blank=True, help_text="The clock is on its way to the end of this day."
    )
    ticked_through = models.DateField(null=True, blank=True, help_text="Last day whose every tick has run.")
    settings = models.JSONField(default=dict, blank=True, help_text="Seed, archive fingerprint and the like.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="market_one_active"
            ),
        ]

    def __str__(self) -> str:
        return self.get_source_display()


class Asset(models.Model):
    """A thing with a price, identified by id and slug, never by symbol: symbols collide."""

    slug = models.SlugField(max_length=96, unique=True)
    symbol = models.CharField(max_length=32)
    name = models.CharField(max_length=128)
    categories = models.JSONField(
        default=list, blank=True, help_text="Lower-case slugs such as stablecoin, wrapped, defi."
    )
    is_simulated = models.BooleanField(default=False)
    first_day = models.DateField(null=True, blank=True, help_text="First day with a candle.")
    last_day = models.DateField(
        null=True, blank=True, help_text="Last day with a candle; not proof of a death."
    )

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol})"


class Candle(models.Model):
    """One bar of one asset from one source, USD. `opened_at` is the bar's start; market cap is at the close.

    What a daily one said before it was changed is in CandleRevision.
    """

    class Interval(models.TextChoices):
        DAY = "1d", "day"
        MINUTE = "1m", "minute"

    # The unique key begins with the asset, so the column needs no index of its own. Ids come from the asset table in
    # the one place that writes candles; the database checking each of a million again would double the time of a load.
    asset = models.ForeignKey(
        Asset, on_delete=models.PROTECT, related_name="candles", db_index=False, db_constraint=False
    )
    interval = models.CharField(max_length=2, choices=Interval, default=Interval.DAY)
    opened_at = models.DateTimeField()
    source = models.CharField(max_length=32)
    open = models.FloatField(null=True)
    high = models.FloatField(null=True)
    low = models.FloatField(null=True)
    close = models.FloatField()
    volume = models.FloatField(null=True, help_text="USD traded in the bar.")
    market_cap = models.FloatField(null=True, help_text="Circulating, USD.")
    known_from = models.DateTimeField(
        null=True, help_text="Since when these values are known; empty: since the candle was first stored."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "interval", "opened_at", "source"], name="candle_key"),
            models.CheckConstraint(condition=Q(close__gt=0), name="candle_close_positive"),
            models.CheckConstraint(
                condition=Q(volume__isnull=True) | Q(volume__gte=0), name="candle_volume_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(market_cap__isnull=True) | Q(market_cap__gt=0), name="candle_market_cap_positive"
            ),
        ]
        indexes = [
            models.Index(fields=["interval", "opened_at"], name="candle_by_day"),
            models.Index(
                fields=["known_from"], name="candle_by_knowledge", condition=Q(known_from__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} {self.interval} {self.opened_at:%Y-%m-%d %H:%M}"


class LoadRun(models.Model):
    """One load of market data: what came in and what was refused, by reason."""

    source = models.CharField(max_length=32)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    rows_read = models.BigIntegerField(default=0)
    rows_written = models.BigIntegerField(default=0)
    refused = models.JSONField(default=dict, blank=True, help_text="Reason -> count of rows left out.")
    cleared = models.JSONField(
        default=dict, blank=True, help_text="Reason -> count of values blanked in kept rows."
    )

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.source} {self.started_at:%Y-%m-%d %H:%M}"
