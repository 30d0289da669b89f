"""manage.py index_backfill: rulebooks, decisions and levels from the first data to market time."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indices import selectors, services
from indices.services.effects import effects_backfill
from signals import selectors as signal_selectors


class Command(BaseCommand):
    """Stores what is missing of the history of one index or of all; running it again changes nothing."""

    help = "Store the published rulebooks and the missing history of one index, or of every published index."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The index, optional."""
        parser.add_argument(
            "slug", nargs="?", help="an index, such as global-100; default every published one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what was written."""
        try:
            through = signal_selectors.last_closed_day()
            services.index_sync()
            if options["slug"]:
                index = selectors.index(options["slug"])
                written = {index.slug: services.index_advance(index, through=through)}
            else:
                written = services.histories_backfill(through=through)
            effects_backfill(through=through)
        except (selectors.IndexNotFound, signal_selectors.MarketNotLoaded) as error:
            raise CommandError(str(error), returncode=2) from error
        for slug, advance in written.items():
            self.stdout.write(
                f"{slug}: {advance.decisions} decisions, {advance.levels} levels, through {through}"
            )
