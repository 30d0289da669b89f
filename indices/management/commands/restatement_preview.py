"""manage.py restatement_preview: what a proposed correction of a price would change, without writing anything."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indices.services.restatement import effects_of, restatement_preview
from signals import selectors as signal_selectors
from signals.core.restating import CorrectionError


class Command(BaseCommand):
    """Prints, index by index, the levels and decisions that a correction would change, and what the policy says."""

    help = (
        "What a proposed restatement would change: levels and decisions by index, and what the policy says."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The restatement."""
        parser.add_argument("restatement", type=int, help="its number")
        parser.add_argument(
            "--store", action="store_true", help="keep it beside the proposal, for the one who decides"
        )
        parser.add_argument("--format", choices=["json", "text"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Any error is one line on stderr and exit code 2."""
        number = options["restatement"]
        try:
            effects = restatement_preview(number) if options["store"] else effects_of(number)
        except (CorrectionError, signal_selectors.MarketNotLoaded) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(effects, allow_nan=False))
            return
        policy = effects["policy"]
        self.stdout.write(f"Largest change of a level: {effects['largest']:.4%}")
        self.stdout.write(f"The policy says {policy['treatment']}: {policy['why']}.")
        for entry in effects["indices"]:
            levels, decisions = entry["levels"], entry["decisions"]
            told = "no level"
            if levels is not None:
                told = (
                    f"{levels['count']} levels, {levels['first']} to {levels['last']}, {levels['largest']:+.4%} on "
                    f"{levels['largest_on']}, {levels['at_the_end']:+.4%} at the end"
                )
            self.stdout.write(
                f"{entry['slug']}: {told}; {decisions['weighed_otherwise']} of {decisions['of']} decisions would have "
                "had other weights"
            )
        if not effects["indices"]:
            self.stdout.write("No index reads this candle.")
