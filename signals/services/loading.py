"""Whole markets into the store: an archive, the simulated market, the live one. Twice is as good as once."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from django.conf import settings
from django.utils import timezone

from signals.core import clock
from signals.core.candles import screen
from signals.core.observations import aligned
from signals.core.panel import FIELDS, Panel
from signals.models import Candle, LoadRun, Market
from signals.providers import archive, archive_observations
from signals.providers.base import AssetRecord, Delivery, ProviderError
from signals.providers.simulated import SimulatedProvider
from signals.services.ingest import AssetFacts, Ingested, assets_upsert, candles_ingest
from signals.services.markets import activate_by_default, market_open
from signals.services.observations import Noted, observations_ingest
from signals.services.progress import Progress, silent
from signals.services.watching import observations_history

if TYPE_CHECKING:
    from signals.providers.coingecko import CoinGecko

OBSERVATIONS = "observations"
"""The name under which a load of what an archive holds beside its candles is recorded."""
SIMULATED_SEED = 7
SIMULATED_THROUGH = date(2025, 12, 31)
"""The simulated market's history: a fixed end, so that two fresh installations hold the same bytes."""
LIVE_DAYS = 365
"""How far back the live market's history is fetched: what CoinGecko gives without a paid key."""


def market_load_archive(
    path: Path,
    *,
    replay_from: date | None = None,
    activate: bool | None = None,
    progress: Progress = silent,
) -> LoadRun:
    """The archive in folder `path` is in the store and has a market whose clock stands at `replay_from` or its end.

    What the folder holds beside the candles (on-chain, derivatives, news, fear & greed) is stored too, with a LoadRun
    of its own.

    `activate` None makes it the active market where none is. Returns what came in and what was refused, by reason.
    Raises ProviderError for a folder that is not an archive, and ClockError for a day outside it.
    """
    progress("reading the archive", 0, 1)
    delivery = archive.read(path)
    beside = archive_observations.read(path, delivery)
    progress("reading the archive", 1, 1)
    now = timezone.now()
    run = delivery_store(delivery, simulated=False, known_at=now, progress=progress)
    noted = Noted(refused=beside.refused, cleared=beside.cleared)
    noted.add(observations_ingest(beside.readings, at=now, progress=progress))
    _observed(noted)
    market_open(
        Market.Source.ARCHIVE,
        replay_from=replay_from,
        settings={"archive_sha256": archive.fingerprint(path)},
        activate=activate_by_default() if activate is None else activate,
    )
    return run


def market_load_simulated(
    *,
    seed: int = SIMULATED_SEED,
    replay_from: date | None = None,
    activate: bool | None = None,
    progress: Progress = silent,
) -> LoadRun:
    """The invented market of `seed` is in the store through SIMULATED_THROUGH, its clock at `replay_from` or the end.

    A market that is already there with another seed keeps its own: raises ProviderError instead of mixing two.
    """
    stored = Market.objects.filter(source=Market.Source.SIMULATED).first()
    if stored is not None and stored.settings.get("seed", seed) != seed:
        raise ProviderError(
            f"seed: the store holds the simulated market of seed {stored.settings['seed']}, not {seed}."
        )
    progress("inventing a market", 0, 1)
    delivery = SimulatedProvider(seed).history(through=SIMULATED_THROUGH)
    progress("inventing a market", 1, 1)
    run = delivery_store(
        delivery, simulated=True, known_at=clock.end_of_day(SIMULATED_THROUGH), progress=progress
    )
    market_open(
        Market.Source.SIMULATED,
        replay_from=replay_from,
        settings={"seed": seed},
        activate=activate_by_default() if activate is None else activate,
    )
    return run


def market_load_live(
    *,
    exchange: str = "kraken",
    assets: int = 250,
    days: int = LIVE_DAYS,
    activate: bool | None = None,
    progress: Progress = silent,
) -> LoadRun:
    """The largest `assets` tokens with `days` days of history are in the store, from CoinGecko and a ccxt exchange.

    An asset that a source cannot deliver is counted as refused (`source_failed_...`), not fatal. Raises ProviderError
    where CoinGecko's list itself cannot be had.
    """
    from signals.providers.exchange import Exchange

    now = timezone.now()
    through = clock.last_closed_day(now)
    first = through - timedelta(days=days - 1)
    client = live_source()
    listed = client.markets(count=assets)
    run = LoadRun.objects.create(source=Market.Source.LIVE)
    assets_upsert(facts([entry.asset for entry in listed], simulated=False))
    with Exchange(exchange) as venue:
        try:
            venue.match(listed)
        except ProviderError:
            _add(run, Ingested(refused={f"source_failed_{exchange}": len(listed)}))
        for number, entry in enumerate(listed, start=1):
            for source, history in ((client.source, client.history), (exchange, venue.history)):
                try:
                    rows = history(entry.asset.slug, first=first, through=through)
                except ProviderError:
                    _add(run, Ingested(refused={f"source_failed_{source}": 1}))
                    continue
                _add(run, candles_ingest(rows, source=source, interval=Candle.Interval.DAY, known_at=now))
            progress("fetching histories", number, len(listed))
    _finish(run)
    market = market_open(
        Market.Source.LIVE,
        settings={"exchange": exchange, "assets": assets},
        activate=activate_by_default() if activate is None else activate,
    )
    _observed(observations_history(market=market, days=days, at=now, progress=progress))
    return run


def delivery_store(
    delivery: Delivery, *, simulated: bool, known_at: datetime, progress: Progress = silent
) -> LoadRun:
    """The assets and daily candles of `delivery` are in the store, and a LoadRun says what was refused and why."""
    run = LoadRun.objects.create(source=delivery.source)
    assets_upsert(facts(delivery.assets, simulated=simulated))
    outcome = candles_ingest(
        delivery.rows,
        source=delivery.source,
        interval=Candle.Interval.DAY,
        known_at=known_at,
        suspects=delivery.suspects,
        progress=progress,
    )
    _add(run, outcome)
    _finish(run)
    return run


def archive_panel(
    path: Path, *, start: date | None = None, end: date | None = None, observations: bool = False
) -> Panel:
    """The archive in folder `path` as a panel, without the store: the same rows, refusals and categories as a load.

    `start` and `end` limit its days; `first_days` stays true. With `observations` also what the folder holds beside
    the candles. Raises ProviderError.
    """
    delivery = archive.read(path)
    clean = screen(
        delivery.rows, known_at=datetime.now(tz=UTC), bar=pd.Timedelta(days=1), suspects=delivery.suspects
    ).clean
    clean["asset"] = clean["asset"].astype(str)
    firsts = clean.groupby("asset")["opened_at"].min()
    if start is not None:
        clean = clean[clean["opened_at"] >= pd.Timestamp(start)]
    if end is not None:
        clean = clean[clean["opened_at"] <= pd.Timestamp(end)]
    wide: dict[str, Any] = {
        name: clean.pivot(index="opened_at", columns="asset", values=name) for name in FIELDS
    }
    panel = Panel.from_frames(
        **wide,
        categories={record.slug: record.categories for record in delivery.assets},
        first_days={str(slug): moment.date() for slug, moment in firsts.items()},
    )
    if not observations:
        return panel
    beside = archive_observations.read(path, delivery)
    return panel.observing(aligned(panel.dates, panel.assets, beside.readings))


def live_source() -> "CoinGecko":
    """The client for live prices, with the key of the settings where there is one."""
    from signals.providers.coingecko import CoinGecko

    return CoinGecko(key=settings.COINGECKO_API_KEY)


def facts(records: Iterable[AssetRecord], *, simulated: bool) -> list[AssetFacts]:
    """What the store keeps of these assets."""
    return [
        AssetFacts(
            slug=record.slug,
            symbol=record.symbol,
            name=record.name,
            categories=record.categories,
            is_simulated=simulated,
        )
        for record in records
    ]


def _observed(outcome: Noted) -> None:
    if outcome.read or outcome.refused:
        run = LoadRun.objects.create(source=OBSERVATIONS)
        _add(run, outcome)
        _finish(run)


def _add(run: LoadRun, outcome: Ingested | Noted) -> None:
    run.rows_read += outcome.read
    run.rows_written += outcome.written
    for total, part in ((run.refused, outcome.refused), (run.cleared, outcome.cleared)):
        for reason, count in part.items():
            total[reason] = total.get(reason, 0) + count


def _finish(run: LoadRun) -> None:
    run.finished_at = timezone.now()
    run.save()
