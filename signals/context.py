"""What every page says about itself: which market its prices come from, the market's day, and where mail goes."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from signals import selectors
from signals.core import clock
from signals.models import Market

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class MarketNotice:
    """The strip above every page. `share` is how far a replay has come, 0 to 100, or None while none runs."""

    label: str
    is_live: bool
    time: datetime
    day: date
    replay_until: date | None
    share: int | None


def market_notice() -> MarketNotice | None:
    """The active market in words; None where none is loaded yet."""
    try:
        market = selectors.market_active()
    except selectors.MarketNotLoaded:
        return None
    time = selectors.market_time(market)
    day = clock.last_closed_day(time)
    until = market.replay_until if market.replay_until and market.replay_until > day else None
    return MarketNotice(
        label=market.get_source_display(),
        is_live=market.source == Market.Source.LIVE,
        time=time,
        day=day,
        replay_until=until,
        share=replay_share(market, day, until) if until else None,
    )


def replay_share(market: Market, day: date, until: date) -> int:
    """How much of the way to `until` is behind the clock, in whole percent."""
    start = date.fromisoformat(market.settings["replay_start"]) if "replay_start" in market.settings else day
    whole = (until - start).days
    return 100 * (day - start).days // whole if whole > 0 else 0


def theme(request: HttpRequest) -> str:
    """`light`, `dark` or `auto`, from the visitor's cookie."""
    chosen = request.COOKIES.get("theme", "auto")
    return chosen if chosen in THEMES else "auto"


def page(request: HttpRequest) -> dict[str, Any]:
    """Context processor. One query; `mail_folder` is set where mail is written to files instead of sent."""
    return {
        "market": market_notice(),
        "theme": theme(request),
        "themes": THEMES,
        "mail_folder": "var/mail" if settings.EMAIL_TO_FILES else "",
    }
