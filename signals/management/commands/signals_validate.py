"""manage.py signals_validate: every gate on walk-forward grades, as lines, JSON, HTML and Markdown."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.template.loader import render_to_string

from signals import selectors, services
from signals.core.model import INVESTOR, TRADER
from signals.core.model.trials import verified
from signals.core.panel import Panel
from signals.core.report import Report
from signals.core.report.building import FULL, QUICK, SEED, build, panel_hash
from signals.core.report.grading import published
from signals.core.report.material import ReportError
from signals.core.report.page import markdown, page
from signals.services.experiments import code_version

YEARS, QUICK_YEARS = 5, 2
"""Judged where no start is given, back from the last day."""
KIND = "validation"
TEMPLATE = "signals/validation_report.html"


class Command(BaseCommand):
    """The validation report from the market store or straight from an archive folder."""

    help = (
        "Grade every day of the span walk-forward and run every gate. One line per gate: PASS, FAIL or NOT RUN. A "
        "failed gate is a result: the exit code is 0. The report is registered as an experiment where there is a store."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Days are written 2022-06-30."""
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="read this market archive, not the store"
        )
        parser.add_argument(
            "--start", metavar="D", help=f"first day graded; default {YEARS} years before the end"
        )
        parser.add_argument("--end", metavar="D", help="last day; default the last one there is")
        parser.add_argument("--out", type=Path, metavar="DIR", help="write validation.json and .html here")
        parser.add_argument("--format", choices=["json", "html", "both", "markdown"], default="both")
        parser.add_argument(
            "--quick",
            action="store_true",
            help=f"{QUICK_YEARS} years, fewer draws, no neighbours of the regime",
        )
        parser.add_argument(
            "--experiments",
            type=Path,
            metavar="FILE",
            default=settings.BASE_DIR / "docs" / "experiments.jsonl",
            help="the public list of trials; they count beside those of the store",
        )
        parser.add_argument(
            "--no-register", action="store_true", help="leave the experiment out of the store"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one line per gate and writes the files; any error is one line on stderr and exit code 2."""
        try:
            end = _day("end", options["end"])
            panel = _panel(options["archive"], end)
            if not len(panel.dates):
                raise ReportError("archive: has no days; load a market first")
            years = QUICK_YEARS if options["quick"] else YEARS
            start = _day("start", options["start"]) or _years_back(panel.dates[-1], years)
            trials, counted = self._trials(options["experiments"])
            spec = {
                "start": start.isoformat(),
                "end": panel.dates[-1].date().isoformat(),
                "quick": options["quick"],
                "trader": TRADER.digest(),
                "investor": INVESTOR.digest(),
                "seed": SEED,
            }
            data = panel_hash(panel)
            report = build(
                panel,
                published,
                start=pd.Timestamp(start),
                end=panel.dates[-1],
                trials=trials,
                made={
                    "code": code_version(),
                    "data": data,
                    "data through": spec["end"],
                    "trader specification": spec["trader"],
                    "investor specification": spec["investor"],
                    "trials registered": counted,
                    "seed": SEED,
                    "depth": "quick" if options["quick"] else "full",
                },
                depth=QUICK if options["quick"] else FULL,
                progress=self._progress,
            )
            self._say(report, options, spec, data)
        except (
            ValueError,
            selectors.MarketNotLoaded,
            services.ProviderError,
            OSError,
        ) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error

    def _say(self, report: Report, options: dict[str, Any], spec: dict[str, Any], data: str) -> None:
        document = report.document()
        for gate in report.gates:
            self.stdout.write(gate.line())
        counted = document["summary"]
        self.stdout.write(
            f"\n{counted['passed']} passed, {counted['failed']} failed, {counted['not_run']} not run. "
            f"Evidence level {document['evidence']}: {document['wording']}"
        )
        if options["out"] is not None:
            for path in written(document, options["out"], options["format"]):
                self.stdout.write(f"Written: {path}")
        if not options["no_register"]:
            self._register(spec, data, document)

    def _register(self, spec: dict[str, Any], data: str, document: dict[str, Any]) -> None:
        try:
            row = services.experiment_register(KIND, spec, data, document)
        except DatabaseError as error:
            self.stderr.write(f"Not registered as an experiment, there is no store: {_first_line(error)}")
        else:
            self.stdout.write(f"Registered as experiment {row.pk}, {row.digest[:12]}.")

    def _trials(self, path: Path) -> tuple[int, str]:
        """How many trials are registered, in the public list and in the store, and that in words."""
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        listed = len(verified(lines))
        try:
            stored = selectors.experiment_count()
        except DatabaseError:
            return listed, f"{listed} in the public list, no store"
        return listed + stored, f"{listed} in the public list, {stored} in the store"

    def _progress(self, what: str, done: int, whole: int) -> None:
        self.stderr.write(f"[{done + 1}/{whole}] {what}")


def written(document: dict[str, Any], folder: Path, form: str) -> list[Path]:
    """The files of the report in `folder`, made where missing: JSON, HTML, both, or Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "json": lambda: json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False),
        "html": lambda: render_to_string(TEMPLATE, page(document)),
        "md": lambda: markdown(document),
    }
    wanted = {"both": ("json", "html"), "markdown": ("md",)}.get(form, (form,))
    paths = []
    for name in wanted:
        path = folder / f"validation.{name}"
        path.write_text(made[name](), encoding="utf-8")
        paths.append(path)
    return paths


def _day(name: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise ReportError(f"{name}: must be a day such as 2018-01-01, got {text!r}") from error


def _panel(archive: Path | None, end: date | None) -> Panel:
    if archive is not None:
        return services.archive_panel(archive, end=end, observations=True)
    known = selectors.last_closed_day()
    return selectors.panel(as_of=known if end is None else min(end, known), observed=True)


def _years_back(last: pd.Timestamp, years: int) -> date:
    """The first day of the `years` years that end with `last`."""
    return (last - pd.DateOffset(years=years) + pd.Timedelta(days=1)).date()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
