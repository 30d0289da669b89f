"""manage.py backtest: what a rulebook would have done."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from django.core.management.base import BaseCommand, CommandError

from indices import selectors, services
from indices.core.backtest import Backtest, BacktestError, backtest
from indices.core.events import Event, EventError, events_from_yaml, reach_back
from indices.core.levels import LevelError
from indices.core.rulebook import DecisionError, Rulebook, RulebookError
from indices.core.twins import has_twin
from indices.core.walk import first_panel_day
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.panel import Panel


class Command(BaseCommand):
    """One backtest, from the market store or straight from an archive folder."""

    help = (
        "Backtest an index (SLUG) or a rulebook file and print levels, weights, turnover, costs and metrics."
    )
    requires_system_checks: list[str] = []
    market: str | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments of DESIGN section 5."""
        parser.add_argument("slug", nargs="?", help="a published index, such as global-100")
        parser.add_argument(
            "--rulebook", type=Path, metavar="FILE.yaml", help="a rulebook file instead of a slug"
        )
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="read this market archive, not the store"
        )
        parser.add_argument(
            "--market",
            choices=["archive", "simulated", "live"],
            help="which of the loaded markets; default the active one, or another that has all of the range",
        )
        parser.add_argument("--start", metavar="D", help="first day; default the rulebook's base date")
        parser.add_argument("--end", metavar="D", help="last day; default the last day there is")
        parser.add_argument(
            "--events", type=Path, metavar="FILE.yaml", help="redenominations, airdrops, halts and delistings"
        )
        parser.add_argument("--format", choices=["json", "text"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the result; any error is one line on stderr and exit code 2."""
        try:
            rulebook = _rulebook(options["slug"], options["rulebook"], options["archive"])
            start = _day("start", options["start"]) or rulebook.base.date
            last = _day("end", options["end"])
            events = _events(options["events"])
            panel = self._panel(options, rulebook, start, last, events)
            if not len(panel.dates):
                raise BacktestError(f"start: there is no market data from {start} on")
            end = last or panel.dates[-1].date()
            if panel.dates[-1].date() < end:
                self.stderr.write(f"Market data ends on {panel.dates[-1].date()}; so does the backtest.")
            grades, regime = services.outlook_of_panel(
                panel,
                rulebook,
                start=start,
                end=end,
                market=None if options["archive"] is not None else self.market,
                progress=self._progress,
            )
            result = backtest(
                panel,
                rulebook,
                start=start,
                end=end,
                grades=grades,
                regime=regime,
                events=events,
                # An index of ours is checked as its stored history is; a rulebook file goes by its own rules alone.
                guard=services.GUARD if options["slug"] else None,
            )
        except (
            RulebookError,
            DecisionError,
            BacktestError,
            LevelError,
            EventError,
            selectors.IndexNotFound,
            signal_selectors.MarketNotLoaded,
            signal_services.ProviderError,
            OSError,
        ) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        self.stdout.write(
            json.dumps(_document(result), allow_nan=False) if options["format"] == "json" else _text(result)
        )

    def _progress(self, what: str, done: int, whole: int) -> None:
        self.stderr.write(f"[{done}/{whole}] {what}")

    def _panel(
        self,
        options: dict[str, Any],
        rulebook: Rulebook,
        start: date,
        end: date | None,
        events: tuple[Event, ...],
    ) -> Panel:
        first: date | None = min(first_panel_day(rulebook, start), reach_back(events, start))
        if has_twin(rulebook):
            # Models and the regime learn from all of the past.
            first = None
        archive, choice = options["archive"], options["market"]
        if archive is not None:
            if choice is not None:
                raise BacktestError("market: give either --market or --archive DIR")
            return signal_services.archive_panel(archive, start=first, end=end)
        if choice is not None:
            market = signal_selectors.market_loaded(choice)
        else:
            market = signal_selectors.market_covering(first=start if options["start"] else None, last=end)
            if not market.is_active:
                active = signal_selectors.market_active()
                self.stderr.write(
                    f"The {active} is active but does not have all of these days; this is the {market}. "
                    "--market chooses."
                )
        known = signal_selectors.last_closed_day(market)
        as_of = known if end is None else min(end, known)
        self.market = market.source
        days = None if first is None else (as_of - first).days + 1
        if as_of < start or (days is not None and days < 1):
            raise BacktestError(f"start: the market is known through {known}; {start} lies after it")
        return signal_selectors.panel(as_of=as_of, days=days, market=market)


def _day(name: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise BacktestError(f"{name}: must be a day such as 2018-01-01, got {text!r}") from error


def _events(file: Path | None) -> tuple[Event, ...]:
    return () if file is None else events_from_yaml(file.read_text(encoding="utf-8"))


def _rulebook(slug: str | None, file: Path | None, archive: Path | None) -> Rulebook:
    if (slug is None) == (file is None):
        raise RulebookError("slug", "give either the slug of an index or --rulebook FILE.yaml")
    if file is not None:
        return Rulebook.from_yaml(file.read_text(encoding="utf-8"))
    if slug is None or archive is not None:
        return services.published_rulebook(slug or "")
    try:
        return selectors.rulebook(slug)
    except selectors.IndexNotFound:
        return services.published_rulebook(slug)


def _document(result: Backtest) -> dict[str, Any]:
    assets = [str(asset) for asset in result.weights.columns]
    lines = zip(_days(result.turnover), result.weights.to_numpy().tolist(), strict=True)
    return {
        "rulebook": result.rulebook.slug,
        "digest": result.rulebook.digest,
        "level": _by_day(result.level),
        "weights": {
            day: {asset: weight for asset, weight in zip(assets, line, strict=True) if weight}
            for day, line in lines
        },
        "turnover": _by_day(result.turnover),
        "costs": _by_day(result.costs),
        "metrics": result.metrics,
    }


def _days(series: pd.Series) -> list[str]:
    return [day.isoformat() for day in pd.DatetimeIndex(series.index).date]


def _by_day(series: pd.Series) -> dict[str, float]:
    return dict(zip(_days(series), series.to_numpy(dtype=float).tolist(), strict=True))


def _text(result: Backtest) -> str:
    days = _days(result.level)
    lines = [f"{result.rulebook.name or result.rulebook.slug}, {days[0]} to {days[-1]}"]
    lines.append(f"{'level':<20} {result.level.iloc[0]:,.2f} -> {result.level.iloc[-1]:,.2f}")
    for name, value in result.metrics.items():
        shown = "not told" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
        lines.append(f"{name.replace('_', ' '):<20} {shown}")
    return "\n".join(lines)
