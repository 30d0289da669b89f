"""manage.py regime: the market's risk share day by day, and whether following it was worth it."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from django.core.management.base import BaseCommand, CommandError

from signals import selectors, services
from signals.core.panel import Panel
from signals.core.regime import RegimeError, RegimeHistory, regime
from signals.core.regime.robustness import Performance, Study, study
from signals.management.dates import day_of


class Command(BaseCommand):
    """The regime from the market store or straight from an archive folder."""

    help = (
        "Print the risk share (0 to 1) of each day from --start to --end; --report instead judges the rule against the "
        "passive twin: periods, neighbouring parameters, bootstrap, best and worst days."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Days are written 2022-06-30; the history before --start is always read, so that it changes no share."""
        parser.add_argument("--start", metavar="D", help="first day; default the first one there is")
        parser.add_argument("--end", metavar="D", help="last day; default the last one there is")
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="read this market archive, not the store"
        )
        parser.add_argument("--format", choices=["json", "text"], default="text")
        parser.add_argument(
            "--report", action="store_true", help="judge the rule instead of printing its shares"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the result; any error is one line on stderr and exit code 2."""
        try:
            start, end = day_of("start", options["start"]), day_of("end", options["end"])
            panel = _panel(options["archive"], end)
            first, last = _span(panel, start, end)
            if end is not None and last.date() < end:
                self.stderr.write(f"Market data ends on {last.date()}; so does the regime.")
            if options["report"]:
                result = study(panel, start=first, end=last)
                said = (
                    json.dumps(asdict(result))
                    if options["format"] == "json"
                    else _report(result, first, last)
                )
            else:
                history = regime(panel)
                part = history.risk_share.loc[first:last]
                said = json.dumps(_rows(part)) if options["format"] == "json" else _text(history, part)
        except (ValueError, selectors.MarketNotLoaded, services.ProviderError, OSError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        self.stdout.write(said)


def _panel(archive: Path | None, end: date | None) -> Panel:
    if archive is not None:
        return services.archive_panel(archive, end=end)
    known = selectors.last_closed_day()
    return selectors.panel(as_of=known if end is None else min(end, known))


def _span(panel: Panel, start: date | None, end: date | None) -> tuple[pd.Timestamp, pd.Timestamp]:
    if start is not None and end is not None and end < start:
        raise RegimeError(f"end: {end} lies before the start, {start}")
    if not len(panel.dates) or (start is not None and panel.dates[-1].date() < start):
        raise RegimeError(f"start: there is no market data from {start or 'any day'} on")
    return panel.dates[0] if start is None else pd.Timestamp(start), panel.dates[-1]


def _rows(share: pd.Series) -> list[dict[str, Any]]:
    days = pd.DatetimeIndex(share.index).date
    return [
        {"date": day.isoformat(), "risk_share": value}
        for day, value in zip(days, share.tolist(), strict=True)
    ]


def _text(history: RegimeHistory, part: pd.Series) -> str:
    day = part.index[-1]
    lines = [f"{day.date()}  risk share {part.iloc[-1]:.0%}, wanted {_shown(history.wanted[day], '.0%')}", ""]
    lines += [f"{name:<20} {_shown(value, '.4f')}" for name, value in history.readings.loc[day].items()]
    lines += ["", f"ledger since {history.ledger.index[0].date()}"]
    lines += [f"{name:<20} {value:.4f}" for name, value in history.ledger.loc[day].items()]
    return "\n".join(lines)


def _shown(value: float, form: str) -> str:
    return "unknown" if pd.isna(value) else format(value, form)


_HEAD = f"{'':<24}{'Sharpe':>8}{'max DD':>9}{'weekly':>9}{'CAGR':>9}{'moves/y':>9}{'in cash':>9}"


def _line(name: str, row: Performance) -> str:
    figures = f"{row.sharpe:>8.2f}{row.drawdown:>9.1%}{row.weekly_drawdown:>9.1%}{row.growth:>9.1%}"
    return f"{name:<24}{figures}{row.switches:>9.1f}{row.cash:>9.1%}"


def _report(result: Study, first: pd.Timestamp, last: pd.Timestamp) -> str:
    lines = [f"{first.date()} to {last.date()}, net of cost, lagged", _HEAD]
    lines += [_line(name, row) for name, row in result.rows.items()]
    for period, rows in result.periods.items():
        lines += ["", period, *(_line(name, row) for name, row in rows.items())]
    lines += ["", "neighbours of the regime", *(_line(name, row) for name, row in result.neighbours.items())]
    lines.append(f"within the goals: {result.passing:.0%} of {len(result.neighbours)}")
    lines += ["", "regime minus twin, block bootstrap: 5 %, 50 %, 95 %"]
    lines += [
        f"{name:<24}{i.low:>8.2f}{i.middle:>9.2f}{i.high:>9.2f}" for name, i in result.bootstrap.items()
    ]
    lines += [
        "",
        "tails",
        *(f"{name.replace('_', ' '):<24}{value:>8.1%}" for name, value in result.tails.items()),
    ]
    return "\n".join(lines)
