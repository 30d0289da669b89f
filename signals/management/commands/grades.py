"""manage.py grades: what the models thought of each token, each day by models that saw nothing after it."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from django.core.management.base import BaseCommand, CommandError

from signals import selectors, services
from signals.core.panel import Panel, PanelError
from signals.management.dates import DayError, day_of

COLUMNS = ("date", "asset", "trader_grade", "investor_grade", "signal")


class Command(BaseCommand):
    """Walk-forward grades from the market store or straight from an archive folder."""

    help = (
        "Print the grades of every token graded on --as-of, or every --every days from --start to --end. Each day is "
        "graded by the models trained through the last quarter end at or before it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Days are written 2022-06-30. The start changes no grade: the calendar of trainings is fixed."""
        parser.add_argument("--as-of", metavar="D", help="one day; default the last one there is")
        parser.add_argument("--start", metavar="D", help="first day of several")
        parser.add_argument("--end", metavar="D", help="last day of several; default the last one there is")
        parser.add_argument(
            "--every", type=int, default=7, metavar="DAYS", help="days from one to the next, 7"
        )
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="read this market archive, not the store"
        )
        parser.add_argument("--format", choices=["json", "text"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the grades; what else there is to say goes to stderr, and an error is one line and exit code 2."""
        try:
            wanted = _wanted(options)
            panel, market = self._panel(options["archive"], wanted)
            days = self._days(panel, *wanted, every=options["every"])
            frame = services.grades_made(panel, days, market=market, progress=self._progress)
        except (
            ValueError,
            LookupError,
            selectors.MarketNotLoaded,
            services.ProviderError,
            OSError,
        ) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        self.stdout.write(_json(frame) if options["format"] == "json" else _text(frame))

    def _panel(
        self, archive: Path | None, wanted: tuple[date | None, date | None]
    ) -> tuple[Panel, str | None]:
        start, end = wanted
        if archive is not None:
            return services.archive_panel(archive, end=end), None
        market = selectors.market_covering(first=start, last=end)
        if not market.is_active:
            self.stderr.write(f"These days are of the {market}, which is not the active one.")
        known = selectors.last_closed_day(market)
        if start is not None and start > known:
            raise DayError(
                f"the clock of the {market} stands at the close of {known}; {start} lies after it. "
                "--archive DIR grades every day of an archive"
            )
        return selectors.panel(as_of=known if end is None else min(end, known), market=market), market.source

    def _days(self, panel: Panel, start: date | None, end: date | None, *, every: int) -> pd.DatetimeIndex:
        """The days asked for that the panel has; what it has not is said on stderr."""
        if not len(panel.dates):
            raise PanelError(f"there is no market data at or before {end}")
        last = panel.dates[-1].date()
        first = start or last
        if first > last:
            raise PanelError(f"the market data ends on {last}; {first} lies after it")
        if end is not None and end > last:
            self.stderr.write(f"The market data ends on {last}; so do the grades.")
        asked = pd.date_range(first, min(end or last, last), freq=f"{every}D").as_unit(panel.dates.unit)
        there = asked[asked.isin(panel.dates)]
        if len(there) < len(asked):
            self.stderr.write(
                f"{len(asked) - len(there)} of {len(asked)} days have no market data and no grades."
            )
        if not len(there):
            raise PanelError(f"there is no market data on {first}")
        return there

    def _progress(self, step: str, done: int, total: int) -> None:
        if sys.stderr.isatty() or done in (0, total):
            self.stderr.write(f"{step}: {done:,} of {total:,}")


def _wanted(options: dict[str, Any]) -> tuple[date | None, date | None]:
    day = day_of("as-of", options["as_of"])
    start, end = day_of("start", options["start"]), day_of("end", options["end"])
    if day is not None and (start is not None or end is not None):
        raise DayError("as-of: give either one day, or --start and --end")
    if start is None and end is not None:
        raise DayError("start: is needed with --end; for one day use --as-of")
    if start is not None and end is not None and end < start:
        raise DayError(f"end: {end} lies before the start, {start}")
    if options["every"] < 1:
        raise DayError(f"every: must be at least 1 day, got {options['every']}")
    return (day, day) if day is not None else (start, end)


def _json(frame: pd.DataFrame) -> str:
    rows = zip(*(frame[name].tolist() for name in COLUMNS), strict=True)
    return json.dumps(
        [
            {
                "date": pd.Timestamp(day).date().isoformat(),
                "asset": asset,
                "trader_grade": trader,
                "investor_grade": investor,
                "signal": int(signal),
            }
            for day, asset, trader, investor, signal in rows
        ],
        allow_nan=False,
    )


def _text(frame: pd.DataFrame) -> str:
    lines: list[str] = []
    for day, part in frame.groupby("date", sort=True):
        lines += ["" if not lines else "\n", f"{pd.Timestamp(str(day)).date()}, {len(part)} tokens"]
        lines.append(f"{'token':<32}{'trader':>8}{'investor':>10}{'signal':>8}")
        ordered = part.sort_values(["trader_grade", "asset"], ascending=[False, True])
        tokens: Iterable[Any] = ordered.itertuples(index=False)
        lines += [
            f"{line.asset:<32}{line.trader_grade:>8.1f}{line.investor_grade:>10.1f}{line.signal:>+8d}"
            for line in tokens
        ]
    return "\n".join(line for line in lines if line) if lines else "Nobody could be graded on these days."
