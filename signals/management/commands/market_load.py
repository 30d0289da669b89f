"""Load a market: `market_load --source archive --path DIR`, `--source simulated`, `--source live`."""

import sys
import time
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from signals import selectors, services
from signals.models import LoadRun
from signals.providers.base import ProviderError
from signals.services.ingest import AssetConflict


class Command(BaseCommand):
    help = "Load market data into the store; a second run adds nothing twice. Refused rows are counted by reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", required=True, choices=["archive", "simulated", "live"])
        parser.add_argument("--path", type=Path, help="folder of the archive (--source archive)")
        parser.add_argument(
            "--replay-from", type=date.fromisoformat, help="day at whose close a new clock stands"
        )
        parser.add_argument("--seed", type=int, help="seed of the simulated market")
        parser.add_argument("--exchange", default="kraken", help="ccxt exchange for live candles")
        parser.add_argument(
            "--activate", action="store_true", help="make it the active market even if another one is"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        try:
            run = self.load(options)
        except (ProviderError, services.ClockError, AssetConflict) as error:
            raise CommandError(str(error)) from error
        self.report(run, time.monotonic() - started, options)

    def load(self, options: dict[str, Any]) -> LoadRun:
        activate = True if options["activate"] else None
        replay_from, progress = options["replay_from"], shown_progress()
        if options["source"] == "archive":
            if options["path"] is None:
                raise CommandError("--source archive needs --path DIR, the folder with daily.parquet.")
            return services.market_load_archive(
                options["path"], replay_from=replay_from, activate=activate, progress=progress
            )
        if options["source"] == "simulated":
            seed = {} if options["seed"] is None else {"seed": options["seed"]}
            return services.market_load_simulated(
                replay_from=replay_from, activate=activate, progress=progress, **seed
            )
        if replay_from is not None:
            raise CommandError("--replay-from: the live market's clock is the wall clock; leave it out.")
        return services.market_load_live(exchange=options["exchange"], activate=activate, progress=progress)

    def report(self, run: LoadRun, seconds: float, options: dict[str, Any]) -> None:
        self.stdout.write(
            f"{run.rows_read:,} rows read, {run.rows_written:,} new or changed, {seconds:.1f} s"
        )
        for reason, count in sorted(run.refused.items()):
            self.stdout.write(f"  refused {reason}: {count:,}")
        for reason, count in sorted(run.cleared.items()):
            self.stdout.write(f"  blanked {reason}: {count:,}")
        beside = LoadRun.objects.filter(source=services.OBSERVATIONS, started_at__gte=run.started_at).first()
        if beside is not None:
            self.stdout.write(
                f"{beside.rows_read:,} observations read, {beside.rows_written:,} new or changed"
            )
        market = selectors.market_active()
        at = selectors.market_time(market)
        self.stdout.write(
            f"active: {market}, {market.first_day} to {market.last_day}, clock at {at:%Y-%m-%d %H:%M} UTC"
        )
        wanted = options["replay_from"]
        if market.source != options["source"]:
            self.stdout.write(
                f"The {options['source']} market is stored but not active; --activate makes it so."
            )
        elif wanted is not None and selectors.last_closed_day(market) != wanted:
            self.stdout.write(
                "This market's clock was running already and stays; --replay-from sets a new one only."
            )


def shown_progress() -> services.Progress:
    """A bar on a terminal; elsewhere one plain line per step and per quarter of it."""
    if sys.stderr.isatty():
        return bar_progress()
    said: dict[str, int] = {}

    def lines(step: str, done: int, total: int) -> None:
        quarter = 4 * done // total if total else 4
        if said.get(step) != quarter:
            said[step] = quarter
            sys.stderr.write(
                f"{step}: {done:,} of {total:,}\n" if total > 1 else f"{step}{': done' if done else ''}\n"
            )

    return lines


def bar_progress() -> services.Progress:
    """One tqdm bar per step."""
    bars: dict[str, tqdm[Any]] = {}

    def bar(step: str, done: int, total: int) -> None:
        shown = bars.get(step)
        if shown is None:
            shown = bars[step] = tqdm(desc=step, total=total, unit="" if total > 1 else "step", leave=True)
        shown.update(done - shown.n)
        if done >= total:
            shown.close()

    return bar
