"""Prices of this minute from every feed of the live market: a price is what several of them agree on (ADR 7)."""

import logging
from datetime import datetime

from django.db import transaction

from signals.models import Market
from signals.providers.base import Delivery, ProviderError
from signals.selectors.guarding import quote_feeds
from signals.services.loading import live_source

log = logging.getLogger(__name__)


def live_quotes(market: Market, *, at: datetime) -> list[Delivery]:
    """What each feed of the live market says now. One that does not answer is left out: the guard counts who is there.

    Raises ProviderError where none answers.
    """
    from signals.providers.exchange import Exchange

    client, failed = live_source(), []
    pairs = _pairs(market, at)
    deliveries = []
    for feed in quote_feeds(market):
        try:
            if feed == client.source:
                deliveries.append(client.quotes(at))
            elif pairs.get(feed):
                with Exchange(feed) as venue:
                    deliveries.append(venue.quotes(at, pairs[feed]))
        except ProviderError as error:
            log.warning("no quotes of %s: %s", feed, error)
            failed.append(str(error))
    if not deliveries:
        raise ProviderError(f"No feed of the live market answers. {' '.join(failed)}")
    return deliveries


def _pairs(market: Market, at: datetime) -> dict[str, dict[str, str]]:
    """Venue -> slug -> its market, as kept with the live market; once a day new tokens are looked for.

    A match is never given up because prices part: that they part is what the guard must see.
    """
    from signals.providers.exchange import Exchange

    kept: dict[str, dict[str, str]] = market.settings.get("pairs", {})
    client, today = live_source(), at.date().isoformat()
    venues = [feed for feed in quote_feeds(market) if feed != client.source]
    if market.settings.get("pairs_on") == today and set(venues) <= kept.keys():
        return kept
    try:
        listed = client.markets(count=int(market.settings.get("assets", 250)), with_categories=False)
    except ProviderError as error:
        log.warning("tokens were not matched with venues: %s", error)
        return kept
    found = dict(kept)
    for feed in venues:
        try:
            with Exchange(feed) as venue:
                found[feed] = {**venue.match(listed), **kept.get(feed, {})}
        except ProviderError as error:
            log.warning("tokens were not matched with %s: %s", feed, error)
    with transaction.atomic():
        stored = Market.objects.select_for_update().get(pk=market.pk)
        stored.settings = {**stored.settings, "pairs": found, "pairs_on": today}
        stored.save(update_fields=["settings"])
    return found
