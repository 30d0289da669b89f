"""`manage.py reconcile`: the books of venues against ours; exit 1 where they disagree or a venue did not answer."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.brokers.base import BrokerUnreachable
from portfolios.models import Reconciliation, User
from portfolios.selectors.venues import venues_trading
from portfolios.services import reconciliation, venues

GOOD = (Reconciliation.Result.CLEAN, Reconciliation.Result.WAITING)


class Command(BaseCommand):
    """A break pauses the venue; what was missed is posted by its trade id."""

    help = "Compare trades, open orders and balances at every venue with our books. Exit status 1 where they disagree."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which venue, in which form, and whose money a difference is."""
        parser.add_argument("--venue", help="default: every venue in use")
        parser.add_argument("--json", action="store_true", help="Print the results as JSON.")
        parser.add_argument(
            "--accept",
            metavar="CURRENCY",
            help="take the difference in one currency as the operator's own money",
        )
        parser.add_argument("--by", metavar="EMAIL", help="the operator who accepts it; kept")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a venue, one more for each finding."""
        names = [options["venue"]] if options["venue"] else venues_trading()
        try:
            if options["accept"]:
                self._accept(options)
            rows = [reconciliation.reconcile(name) for name in names]
        except (venues.UnknownVenue, BrokerUnreachable) as error:
            raise CommandError(f"venue: {error}", returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps([reconciliation.comparison_shown(row) for row in rows], indent=2))
        else:
            for row in rows:
                self.stdout.write(
                    f"{row.venue}: {row.get_result_display()}; {row.trades} trades compared, {row.posted} posted"
                )
                for finding in row.findings:
                    self.stdout.write(f"  {finding}")
        if any(row.result not in GOOD for row in rows):
            sys.exit(1)

    def _accept(self, options: dict[str, Any]) -> None:
        if not options["venue"]:
            raise CommandError("accept: name one venue", returncode=2)
        operator = User.objects.filter(
            email=(options["by"] or "").lower(), is_staff=True, is_active=True
        ).first()
        if operator is None:
            raise CommandError("by: give the e-mail address of the operator who accepts it", returncode=2)
        difference = reconciliation.balance_accept(options["venue"], options["accept"], by=operator)
        if not options["json"]:
            self.stdout.write(f"{difference:f} {options['accept']} counts as the operator's own now.")
