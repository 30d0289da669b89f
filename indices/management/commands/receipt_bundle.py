"""manage.py receipt_bundle: an index with everything it was made from, for somebody who wants to compute it again."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indices import selectors, services


class Command(BaseCommand):
    """Writes the bundle of an index, which `python -m indices.verify_bundle` checks without a database."""

    help = (
        "Write rules, inputs, decisions, levels and receipts of an index into one ZIP file, to be checked with "
        "python -m indices.verify_bundle FILE.zip. It holds daily prices: mind the licence of their source."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The index and the file."""
        parser.add_argument("slug", help="an index, such as global-100")
        parser.add_argument("--out", required=True, metavar="FILE.zip", help="where to write it")

    def handle(self, *args: Any, **options: Any) -> None:
        """The file is there, or a sentence says why not."""
        try:
            content = services.bundle_zip(selectors.index(options["slug"]))
            Path(options["out"]).write_bytes(content)
        except (selectors.IndexNotFound, ValueError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
        refusal = services.bundle_refusal()
        self.stdout.write(f"{options['out']}: {len(content):,} bytes")
        if refusal:
            self.stdout.write(refusal)
