"""manage.py signals_train: the trader and the investor model, trained through a day, nothing after it read."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signals import selectors, services
from signals.core.panel import PanelError
from signals.management.dates import DayError, day_of


class Command(BaseCommand):
    """Two models into the store, or from an archive folder to the terminal and into files."""

    help = (
        "Train the published specifications through --through. With the store the models are kept and registered; a "
        "second run trains nothing. Grades use the models of quarter ends, which the platform trains by itself."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--out FILE writes FILE with the model's name before the suffix: model.txt gives model-trader.txt."""
        parser.add_argument("--through", metavar="D", required=True, help="the last day that is read")
        parser.add_argument(
            "--archive", type=Path, metavar="DIR", help="train on this market archive, not the store"
        )
        parser.add_argument("--out", type=Path, metavar="FILE", help="write the models' text to files")
        parser.add_argument("--format", choices=["json", "text"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints name, SHA-256 and file of each model; an error is one line on stderr and exit code 2."""
        try:
            through = day_of("through", options["through"])
            if through is None:
                raise DayError("through: is required")
            texts = self._texts(options["archive"], through)
            rows = [
                {"name": name, "trained_through": through.isoformat(), "sha256": sha256}
                | ({} if options["out"] is None else {"file": str(_written(options["out"], name, text))})
                for name, (sha256, text) in texts.items()
            ]
        except (
            ValueError,
            LookupError,
            selectors.MarketNotLoaded,
            services.ProviderError,
            OSError,
        ) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(f"{row['name']:<10} through {through}  sha256 {row['sha256']}")
            if "file" in row:
                self.stdout.write(f"{'':<10} {row['file']}")

    def _texts(self, archive: Path | None, through: date) -> dict[str, tuple[str, str]]:
        """Name -> (SHA-256, text)."""
        if archive is None:
            runs = services.model_train(through=through, progress=self._progress)
            return {name: (run.sha256, run.text) for name, run in runs.items()}
        panel = services.archive_panel(archive, end=through)
        if not len(panel.dates):
            raise PanelError(f"through: the archive has no market data at or before {through}")
        if panel.dates[-1].date() < through:
            self.stderr.write(f"The archive ends on {panel.dates[-1].date()}.")
        wanted = [(spec, through) for spec in services.specs()]
        made = services.models_made(panel, wanted, progress=self._progress)
        return {model.spec.name: (model.sha256, model.to_text()) for model in made}

    def _progress(self, step: str, done: int, total: int) -> None:
        if sys.stderr.isatty() or done in (0, total):
            self.stderr.write(f"{step}: {done:,} of {total:,}")


def _written(path: Path, name: str, text: str) -> Path:
    target = path / f"{name}.txt" if path.is_dir() else path.with_stem(f"{path.stem}-{name}")
    target.write_text(text, encoding="utf-8")
    return target
