"""manage.py index_replicate: a published index rebuilt from its public rules, and how close that comes."""

import json
import math
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from indices.core import replication
from indices.core.replication import ReplicationError
from indices.services.replication import Replication, Step, index_replicate
from signals import services as signal_services

LARGEST = 12


class Command(BaseCommand):
    """Prints correlation and tracking error of each way of rebuilding, and what explains the rest."""

    help = "Rebuild a published index (CCI30) from its public rules and compare it with its published levels."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The index, the archive and the days."""
        parser.add_argument("name", help="the published index, such as CCI30")
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="a market archive with published levels"
        )
        parser.add_argument("--start", metavar="D", default="2018-01-01", help="first day of returns")
        parser.add_argument("--end", metavar="D", default="2021-12-31", help="last day of returns")
        parser.add_argument("--format", choices=["json", "text"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the comparison; any error is one line on stderr and exit code 2."""
        try:
            start, end = _day("start", options["start"]), _day("end", options["end"])
            if start > end:
                raise ReplicationError(f"start: must not be after end, got {start} and {end}")
            found = index_replicate(options["name"], archive=_archive(options), start=start, end=end)
        except (ReplicationError, signal_services.ProviderError, OSError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        as_json = options["format"] == "json"
        self.stdout.write(json.dumps(document(found), allow_nan=False) if as_json else text(found))


def document(found: Replication) -> dict[str, Any]:
    """Everything that is printed, as JSON types; what cannot be told is null."""
    best = found.best
    error = replication.errors(best.pairs)
    return {
        "index": found.name,
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "steps": [_step(step) for step in found.steps],
        "variants": [_step(step) for step in found.variants],
        "by_year": {str(year): value for year, value in replication.by_year(best.pairs).items()},
        "contradicted": {day.date().isoformat(): why for day, why in sorted(found.contradicted.items())},
        "contradicted_share_of_error": replication.share_of_error(
            error, pd.DatetimeIndex(list(found.contradicted))
        ),
        "largest": [
            {
                "day": day.date().isoformat(),
                "rebuilt": float(best.pairs.loc[day, "rebuilt"]),
                "published": float(best.pairs.loc[day, "published"]),
                "why": found.contradicted.get(day),
            }
            for day in replication.largest(error, LARGEST).index
        ],
        "notes": list(found.notes),
    }


def text(found: Replication) -> str:
    """The same for people."""
    told = document(found)
    lines = [f"{found.name}: daily returns {found.start} to {found.end} against the published levels", ""]
    lines.append(
        f"{'':<70} {'corr.':>7} {'track. error':>13} {'weekly':>8} {'median':>8} {'undone':>7} {'ahead':>7}"
    )
    lines += [_line(step) for step in found.steps]
    lines += ["", "What the parts that the publisher does not state would change, on the best prices:"]
    lines += [_line(step) for step in found.variants]
    years = ", ".join(f"{year} {value:.1%}" for year, value in told["by_year"].items())
    lines += ["", f"Tracking error by year ({found.best.key}): {years}"]
    lines.append(
        f"Days on which the publication contradicts itself: {len(found.contradicted)}, with "
        f"{told['contradicted_share_of_error']:.0%} of the squared error"
    )
    lines += ["", f"The {len(told['largest'])} largest errors: rebuilt, published"]
    lines += [
        f"  {row['day']}  {row['rebuilt']:+8.2%}  {row['published']:+8.2%}  {row['why'] or ''}".rstrip()
        for row in told["largest"]
    ]
    return "\n".join([*lines, *found.notes])


def _line(step: Step) -> str:
    fit = step.fit
    return (
        f"{step.label:<70} {fit.correlation:>7.4f} {fit.tracking_error:>13.2%} "
        f"{fit.weekly_tracking_error:>8.2%} {fit.median_error:>8.3%} {fit.undone:>7.2f} {fit.ahead:>+7.1%}"
    )


def _step(step: Step) -> dict[str, Any]:
    figures = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(step.fit).items()
    }
    return {"key": step.key, "label": step.label, **figures}


def _archive(options: dict[str, Any]) -> Path:
    folder = options["archive"] or getattr(settings, "MARKET_ARCHIVE", None)
    if not folder:
        raise ReplicationError("archive: name the folder of a market archive with --archive DIR")
    return Path(folder)


def _day(name: str, given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise ReplicationError(f"{name}: must be a day such as 2018-01-01, got {given!r}") from error
