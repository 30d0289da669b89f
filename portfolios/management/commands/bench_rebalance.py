"""manage.py bench_rebalance: how long one weekly rebalance of very many personal portfolios takes."""

import json
import resource
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections

from portfolios.services.nominees.rehearsal import rehearse


class Command(BaseCommand):
    """Everything happens in a database of its own, with all tables, keys and triggers, that is dropped at the end."""

    help = (
        "Rebalance N made-up personal portfolios of A assets each; prints seconds by stage and peak memory."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, how wide, and on how many threads."""
        parser.add_argument("--portfolios", type=int, default=100_000, metavar="N")
        parser.add_argument("--assets", type=int, default=20, metavar="A")
        parser.add_argument("--workers", type=int, default=2)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the result; a broken invariant is exit 1."""
        if options["portfolios"] < 1 or not 2 <= options["assets"] <= 200 or options["workers"] < 1:
            raise CommandError("portfolios, workers: at least 1; assets: between 2 and 200", returncode=2)
        before = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            outcome = rehearse(
                portfolios=options["portfolios"],
                assets=options["assets"],
                workers=options["workers"],
                seed=options["seed"],
                effective_at=datetime(2026, 1, 4, tzinfo=UTC),
            )
        finally:
            connections.close_all()
            connection.creation.destroy_test_db(before, verbosity=0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        document = {**outcome, "peak_memory_gb": f"{peak:.2f}"}
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2))
        else:
            for name, value in document.items():
                self.stdout.write(f"{name:<16} {value}")
        if outcome["broken"]:
            raise CommandError(f"invariants broken: {outcome['broken']}", returncode=1)
