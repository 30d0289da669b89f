"""Receipts for decisions that were stored before there were receipts."""

from itertools import groupby

from django.db import transaction

from indices.models import Decision, Index, IndexLevel
from indices.selectors.indices import resolved
from indices.services.receipts import receipts_store
from indices.services.recomputing import recomputed


@transaction.atomic
def receipts_fill(index: Index | str) -> int:
    """Every stored decision of an index has its receipts; returns how many were written.

    What a receipt tells beside the stored decision is computed again. A decision that the rules do not make again gets
    none, and `index_verify` says so.
    """
    locked = Index.objects.select_for_update().get(pk=resolved(index).pk)
    bare = set(
        Decision.objects.filter(index=locked).exclude(receipts__kind="decision").values_list("pk", flat=True)
    )
    if not bare:
        return 0
    again = recomputed(locked)
    newest = IndexLevel.objects.filter(index=locked).order_by("-date").values_list("date", flat=True).first()
    rows = [row for row in again.stored if row.pk in bare and row.as_of in again.decisions]
    written = 0
    for version, group in groupby(rows, key=lambda row: row.rulebook):
        part = list(group)
        made = [again.decisions[row.as_of] for row in part]
        through = newest or part[-1].as_of
        written += receipts_store(locked, version, part, made, again.executions, through=through)
    return written


def receipts_fill_all() -> dict[str, int]:
    """The same for every index with a history: slug -> receipts written, of those that lacked any."""
    bare = Index.objects.filter(decisions__isnull=False, decisions__receipts__isnull=True).distinct()
    return {index.slug: receipts_fill(index) for index in bare}
