"""From an empty database to a market with indices that people can invest in. A step that is done is skipped."""

import secrets
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from config.runtime.worlds import World
from indices import selectors as index_selectors
from indices import services as index_services
from portfolios.services import accounts, plans
from signals import selectors as signal_selectors
from signals import services as signal_services

OPERATOR_EMAIL = "operator@bellwether.localhost"

Say = Callable[[str], None]


class BootstrapError(Exception):
    """The environment asks for something that cannot be had; the message says what to change."""


def bootstrap(say: Say) -> None:
    """The database has a market, its indices with their whole history, plans, and a pool per index."""
    market_ensure(say)
    index_services.index_sync()
    # An installation that is older than receipts gets them for what it has decided.
    for slug, count in index_services.receipts_fill_all().items():
        say(f"{slug}: {count} receipts written for what was decided before")
    histories_ensure(say)
    plans.plans_seed()
    for index in index_selectors.index_list():
        accounts.portfolio_ensure(index.pk, index.slug)
    if settings.BELLWETHER_ENV == "local":
        operator_ensure(say)


def market_ensure(say: Say) -> None:
    """One market is active: the one there already, or the one that this world asks for."""
    world = settings.WORLD
    market = signal_selectors.market_active_or_none()
    if market is not None:
        if market.source != world.source:
            say(
                f"This database holds the {market}; MARKET and MARKET_ARCHIVE are ignored. Use another DATABASE_URL."
            )
        return
    try:
        market_load(world, say)
    except (signal_services.ProviderError, signal_services.ClockError) as error:
        raise BootstrapError(str(error)) from error


def market_load(world: World, say: Say) -> None:
    """The market of this world is in the store and active."""
    if world.archive is not None:
        say(f"Loading the market archive at {world.archive}")
        signal_services.market_load_archive(
            Path(world.archive), replay_from=world.replay_from, progress=quarters(say)
        )
    elif world.source == "live":
        say("Loading live markets")
        signal_services.market_load_live(progress=quarters(say))
    else:
        say("Making the simulated market: five years of daily candles")
        signal_services.market_load_simulated(replay_from=world.replay_from, progress=quarters(say))


def histories_ensure(say: Say) -> None:
    """Every index has its decisions and levels through the last complete day."""
    through = signal_selectors.last_complete_day()
    if through is None:
        raise BootstrapError("the market has no candles; load it again: manage.py market_load --help")
    written = index_services.histories_backfill(through=through, progress=quarters(say))
    for slug, advance in written.items():
        if advance.levels:
            say(f"{slug}: {advance.decisions} decisions and {advance.levels} levels through {through}")


def quarters(say: Say) -> Callable[[str, int, int], None]:
    """A listener for long services that says each step as it begins and each quarter of it."""
    said: dict[str, int] = {}

    def listen(step: str, done: int, total: int) -> None:
        quarter = 4 * done // total if total else 4
        if said.get(step) != quarter:
            said[step] = quarter
            say(f"{step}: {done:,} of {total:,}" if total > 1 else f"{step}{': done' if done else ''}")

    return listen


def operator_ensure(say: Say) -> None:
    """A local installation has an operator for the admin console, whose password lies in var/operator_password."""
    if accounts.operator_exists():
        return
    password = secrets.token_urlsafe(12)
    accounts.user_create(OPERATOR_EMAIL, password, verified=True, operator=True)
    path = settings.VAR_DIR / "operator_password"
    path.touch(mode=0o600)
    path.write_text(f"{OPERATOR_EMAIL} {password}\n")
    say(f"Admin console: {OPERATOR_EMAIL}, password in {path}")
