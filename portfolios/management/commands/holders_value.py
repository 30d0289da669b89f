"""manage.py holders_value: what everybody who holds an index owns, to the micro-dollar."""

import json
from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios import selectors
from portfolios.core.money import USD_SCALE, from_base
from portfolios.services.holders import holders_value


class Command(BaseCommand):
    """Reads everything afresh; nothing is stored."""

    help = "Value every holder of an index's pool at marks of now; prints the sum and what rounding leaves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which index."""
        parser.add_argument("index", help="slug of the index")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the figures; an index that nobody has invested in is exit 2."""
        pool = selectors.portfolio(options["index"])
        if pool is None:
            raise CommandError(f"nobody has invested in {options['index']}", returncode=2)
        begun = perf_counter()
        found = holders_value(pool)
        document = {
            "index": options["index"],
            "holders": found.count,
            "value_usd": f"{from_base(found.value, USD_SCALE):f}",
            "rounding_usd": f"{from_base(found.rest, USD_SCALE):f}",
            "seconds": f"{perf_counter() - begun:.3f}",
        }
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2))
        else:
            for name, told in document.items():
                self.stdout.write(f"{name:<14} {told}")
