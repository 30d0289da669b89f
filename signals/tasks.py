"""What the market does on its own: closed days come in, quotes come in, a simulated clock runs."""

from celery import shared_task
from django.utils import timezone

from signals import selectors, services


@shared_task
def candles_tick() -> int:
    """Every day that has closed at market time is in the store. Returns how many were new."""
    if selectors.market_active_or_none() is None:
        return 0
    return services.days_ingest()


@shared_task(ignore_result=True)  # every few seconds: a row each would bury the others
def quotes_tick() -> int:
    """The simulated clock has run on, and the price of this minute is stored. Returns how many prices were."""
    if selectors.market_active_or_none() is None:
        return 0
    market = services.clock_run(wall=timezone.now())
    return services.quotes_ingest(at=selectors.market_time(market))
