"""manage.py index_verify: is the published history what the rules make of the stored candles?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from indices import selectors, services
from indices.models import Index

_SHOWN = 20


class Command(BaseCommand):
    """Recomputes every decision and level of an index and checks its receipts; exit 1 on any difference."""

    help = (
        "Recompute every stored decision and level of an index from stored candles, and check the chain, digests, "
        "signatures and commitments of its receipts; exit 1 on any difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One index, or all of them."""
        parser.add_argument("slug", nargs="?", help="an index, such as global-100")
        parser.add_argument("--all", action="store_true", help="every index that has a history")

    def handle(self, *args: Any, **options: Any) -> None:
        """Says that all is well, or prints the differences and fails: the first one of each index with --all."""
        if options["all"] == bool(options["slug"]):
            raise CommandError("slug: give one index, or --all", returncode=2)
        if options["all"]:
            failed = [index.slug for index in _with_history() if not self._verified(index, shown=1)]
            if failed:
                raise CommandError(f"{len(failed)} indices differ: {', '.join(failed)}", returncode=1)
            return
        try:
            index = selectors.index(options["slug"])
        except selectors.IndexNotFound as error:
            raise CommandError(str(error), returncode=2) from error
        self._verified(index, shown=_SHOWN, fail=True)

    def _verified(self, index: Index, *, shown: int, fail: bool = False) -> bool:
        again = services.recomputed(index)
        made, traded = again.decisions.values(), again.executions
        differences = [
            *services.index_verify(index, again=again),
            *services.receipts_verify(index, decisions=made, executions=traded),
        ]
        if not differences:
            counts = index.decisions.count(), index.levels.count(), index.receipts.count()
            self.stdout.write(
                f"{index.slug}: {counts[0]} decisions and {counts[1]} levels recomputed, {counts[2]} receipts "
                "checked, no difference"
            )
            return True
        for line in differences[:shown]:
            self.stderr.write(line if fail else f"{index.slug}: {line}")
        if fail:
            raise CommandError(f"{index.slug}: {len(differences)} differences", returncode=1)
        return False


def _with_history() -> list[Index]:
    return list(Index.objects.filter(decisions__isnull=False).distinct())
