from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.replay import ReplayError
from config.week import week_run


class Command(BaseCommand):
    help = "Run the whole weekly chain at one date. Running it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as-of", type=date.fromisoformat, required=True, help="A day, YYYY-MM-DD (UTC)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            weeks = week_run(as_of=options["as_of"])
        except ReplayError as error:
            raise CommandError(f"as_of: {error}") from error
        if not weeks:
            raise CommandError(f"as_of: no index has a decision at or before {options['as_of']}")
        for week in weeks:
            moves = (
                ", ".join(f"{count} {status}" for status, count in week.rebalances.items())
                or "nobody holds it"
            )
            self.stdout.write(
                f"{week.index:<12} {week.decision}  decided at the close of {week.as_of}, "
                f"traded at the close of {week.effective_on}  rebalances: {moves}"
            )
