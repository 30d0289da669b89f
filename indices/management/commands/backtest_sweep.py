"""manage.py backtest_sweep: what many variants of one rulebook would have done."""

import csv
import json
import os
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indices.core.rulebook import RulebookError
from indices.core.sweeping import SweepError, Tried
from indices.providers.workers import WorkerLost
from indices.services.sweep import Sweep, sweep_blocks, sweep_read, sweep_run
from indices.tasks import sweep_step
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.panel import Panel

FIGURES = ("level", "cagr", "volatility", "sharpe", "max_drawdown", "turnover_per_year", "cost_total")
_PATIENCE = 1800


class Command(BaseCommand):
    """A grid of rulebooks, from the market store or straight from an archive folder."""

    help = "Backtest every combination of clause values in FILE.yaml and print a table, CSV or JSON."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The form of the file is shown in docs/benchmarks.md."""
        parser.add_argument("file", type=Path, metavar="FILE.yaml", help="rulebook, vary, start, end")
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="read this market archive, not the store"
        )
        parser.add_argument(
            "--workers", type=int, default=os.cpu_count() or 1, help="processes; default all cores"
        )
        parser.add_argument(
            "--queue", action="store_true", help="let the site's Celery workers do it (active market only)"
        )
        parser.add_argument("--sort", choices=FIGURES, help="largest first; default the order of the grid")
        parser.add_argument("--format", choices=["text", "csv", "json"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the result; any error is one line on stderr and exit code 2."""
        try:
            found = list(self._tried(options))
        except (
            SweepError,
            RulebookError,
            WorkerLost,
            signal_selectors.MarketNotLoaded,
            signal_selectors.NotYetKnown,
            signal_services.ProviderError,
            OSError,
        ) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        found.sort(key=lambda one: one.number)
        if options["sort"]:
            found.sort(key=lambda one: _rank(_figure(one, options["sort"])))
        if options["format"] == "json":
            self.stdout.write(json.dumps([asdict(one) for one in found], allow_nan=False))
            return
        if options["format"] == "csv":
            writer = csv.writer(self.stdout, lineterminator="\n")
            writer.writerows(_rows(found))
            return
        self.stdout.write("\n".join(_table(found)))

    def _tried(self, options: dict[str, Any]) -> Iterator[Tried]:
        text, archive = options["file"].read_text(encoding="utf-8"), options["archive"]
        if options["workers"] < 1:
            raise SweepError(f"workers: must be at least 1, got {options['workers']}")
        if options["queue"] and archive is not None:
            raise SweepError("queue: the workers read the store; give either --queue or --archive DIR")
        panel: Panel | None = None
        if archive is not None:
            panel = signal_services.archive_panel(archive)
            sweep = sweep_read(text, end=panel.dates[-1].date())
        else:
            known = signal_selectors.last_closed_day()
            sweep = sweep_read(text, end=known)
            if not options["queue"]:
                days = (sweep.end - sweep.first_panel_day).days + 1
                panel = signal_selectors.panel(as_of=sweep.end, days=max(days, 1))
        self.stderr.write(f"{sweep.count} variants, {sweep.start} to {sweep.end}")
        if panel is None:
            yield from _queued(sweep)
        else:
            yield from sweep_run(panel, sweep, workers=options["workers"])


def _queued(sweep: Sweep) -> Iterator[Tried]:
    sent = [sweep_step.delay(block) for block in sweep_blocks(sweep)]
    for block in sent:
        for line in block.get(timeout=_PATIENCE, interval=0.05):
            yield Tried(**line)


def _figure(one: Tried, name: str) -> float | None:
    return one.level if name == "level" else (one.metrics or {}).get(name)


def _rank(value: float | None) -> tuple[bool, float]:
    return (value is None, -(value or 0.0))


def _rows(found: list[Tried]) -> Iterator[list[Any]]:
    paths = list(found[0].settings) if found else []
    yield [*paths, *FIGURES, "error"]
    for one in found:
        yield [*(one.settings[path] for path in paths), *(_figure(one, name) for name in FIGURES), one.error]


def _table(found: list[Tried]) -> Iterator[str]:
    lines = [[_cell(value) for value in row[:-1]] + [str(row[-1])] for row in _rows(found)]
    lines[0][-1] = ""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]) - 1)]
    for line in lines:
        cells: Iterable[str] = (text.rjust(width) for text, width in zip(line, widths, strict=False))
        yield ("  ".join(cells) + "  " + line[-1]).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"
    return str(value) if not isinstance(value, dict | list) else json.dumps(value, separators=(",", ":"))
