"""manage.py index_verify: is the published history what the rules make of the stored candles?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indices import selectors, services

_SHOWN = 20


class Command(BaseCommand):
    """Recomputes every decision and level of an index; exit 1 on any difference."""

    help = (
        "Recompute every stored decision and level of an index from stored candles; exit 1 on any difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The index."""
        parser.add_argument("slug", help="an index, such as global-100")

    def handle(self, *args: Any, **options: Any) -> None:
        """Says that all is well, or prints the differences and fails."""
        try:
            index = selectors.index(options["slug"])
        except selectors.IndexNotFound as error:
            raise CommandError(str(error), returncode=2) from error
        differences = services.index_verify(index)
        if differences:
            for line in differences[:_SHOWN]:
                self.stderr.write(line)
            raise CommandError(f"{index.slug}: {len(differences)} differences", returncode=1)
        decisions, levels = index.decisions.count(), index.levels.count()
        self.stdout.write(
            f"{index.slug}: {decisions} decisions and {levels} levels recomputed, no difference"
        )
