"""`manage.py reserves`: today's proof of reserves; exit 1 where less is held than owed."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portfolios.selectors.reserves import reserves
from portfolios.services.reserves import capital_add, custody_report, reserves_prove


class Command(BaseCommand):
    help = "Take today's snapshot and print it; or store what a custodian holds; or put the house's own money in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print it as JSON.")
        parser.add_argument(
            "--custodian", help="Store a report of this custodian first, such as bank:stripe."
        )
        parser.add_argument(
            "--balance",
            action="append",
            default=[],
            metavar="CODE=AMOUNT",
            help="A balance of it, for every asset that it holds.",
        )
        parser.add_argument("--capital", metavar="USD", help="Dollars of the house itself that were put in.")
        parser.add_argument("--reference", default="", help="What names that payment, once.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["capital"]:
                capital_add(Decimal(options["capital"]), reference=options["reference"])
            if options["custodian"]:
                kind = options["custodian"].partition(":")[0]
                pairs = [text.partition("=") for text in options["balance"]]
                balances = {code: Decimal(amount) for code, _, amount in pairs}
                custody_report(options["custodian"], kind=kind, balances=balances, as_of=now)
        except (ValueError, InvalidOperation) as error:
            raise CommandError(f"Nothing was stored. {error}") from error
        if reserves_prove(now=now) is None:
            raise CommandError("No snapshot was taken: something is being dealt. Try again in a minute.")
        shown = reserves()
        if shown is None:
            raise CommandError("There is no snapshot.")
        if options["json"]:
            self.stdout.write(json.dumps(asdict(shown), indent=2, default=str))
        else:
            for row in shown.rows:
                mark = "SHORT" if row.short else "ok   "
                self.stdout.write(f"{mark} {row.code:<28} owed {row.owed:f} held {row.held:f}")
            self.stdout.write(f"{shown.day} {shown.verdict} {shown.people} people {shown.commitment}")
        if shown.verdict == "short":
            sys.exit(1)
