"""`manage.py usdc_addresses`: fill the pool of deposit addresses. No private key is asked for, and none is taken."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portfolios.models import DepositAddress
from portfolios.services import usdc


class Command(BaseCommand):
    help = "Add deposit addresses: derived from an extended public key (read from a file or `-`), or listed in a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--xpub", metavar="FILE", help="A file with an account's xpub; `-` reads it from stdin."
        )
        parser.add_argument("--count", type=int, default=100, help="How many to derive (100).")
        parser.add_argument("--file", metavar="FILE", help="A file with one address a line.")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["xpub"]) == bool(options["file"]):
            raise CommandError("Give either --xpub or --file.")
        try:
            if options["xpub"]:
                text = sys.stdin.read() if options["xpub"] == "-" else Path(options["xpub"]).read_text()
                added = usdc.addresses_derive(text.strip(), options["count"])
            else:
                lines = Path(options["file"]).read_text().split()
                added = usdc.addresses_add(lines)
        except (OSError, ValueError) as error:
            raise CommandError(f"Nothing was added. {error}") from error
        free = DepositAddress.objects.filter(user__isnull=True).count()
        self.stdout.write(f"{added} addresses added; {free} are free.")
