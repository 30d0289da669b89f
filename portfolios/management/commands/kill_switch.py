"""`manage.py kill_switch all --reason "..."`: stop dealing from a shell; `kill_switch --end ID --by EMAIL` goes on."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.errors import MoneyError
from portfolios.models import Pause, User
from portfolios.services import pauses


class Command(BaseCommand):
    help = "Stop purchases, sales, withdrawals, one token, one index, one venue or everything; or list what is stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scope", nargs="?", choices=Pause.Scope.values, help="What to stop; empty lists.")
        parser.add_argument("target", nargs="?", default="", help="Slug of the token or index, or the venue.")
        parser.add_argument("--reason", default="", help="A sentence that investors read.")
        parser.add_argument("--by", default="", help="E-mail of the operator in whose name it happens.")
        parser.add_argument("--end", type=int, help="Id of the pause that ends.")

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(email=options["by"].lower(), is_staff=True).first()
        if options["by"] and by is None:
            raise CommandError(f"--by: {options['by']} is no operator.")
        try:
            if options["end"] is not None:
                if by is None:
                    raise CommandError("--by: say in whose name it goes on.")
                pauses.pause_end(options["end"], by=by)
            elif options["scope"] is not None:
                pauses.pause_start(options["scope"], options["target"], reason=options["reason"], by=by)
        except MoneyError as error:
            raise CommandError(f"{error.field}: {error.message}") from error
        for row in Pause.objects.filter(ended_at__isnull=True).order_by("pk"):
            self.stdout.write(
                json.dumps(
                    {"id": row.pk, "scope": row.scope, "target": row.target, "reason": row.reason}
                    | {"since": row.started_at.isoformat()}
                )
            )
