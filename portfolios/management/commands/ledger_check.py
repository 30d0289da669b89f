"""`manage.py ledger_check`: every invariant of the books; exit 1 and the reason where one fails."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portfolios.services.ledger_check import checks_run


class Command(BaseCommand):
    help = "Check every invariant of the ledger. Exit status 1 where one fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the checks as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        checks = checks_run()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(check) for check in checks], indent=2))
        else:
            for check in checks:
                mark = "ok  " if check.passed else "FAIL"
                self.stdout.write(
                    f"{mark} {check.name:<24} {check.promise if check.passed else check.detail}"
                )
        failed = [check.name for check in checks if not check.passed]
        if failed:
            self.stderr.write(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}")
            sys.exit(1)
        if not options["json"]:
            self.stdout.write(f"All {len(checks)} checks hold.")
