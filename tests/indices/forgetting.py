"""What the database refuses and a test needs all the same: to undo a history, or to tamper with what was published."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import QuerySet

from indices.models import Decision, Index, IndexLevel, Receipt, TargetWeight, WeightCommitment


@contextmanager
def unguarded() -> Iterator[None]:
    """The append-only triggers do not fire within; what somebody with the database's own password could do."""
    _triggers("DISABLE")
    try:
        yield
    finally:
        _triggers("ENABLE")


def _triggers(verb: str) -> None:
    with connection.cursor() as cursor:
        # A table with checks that still wait for the end of the transaction cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in (Receipt, WeightCommitment):
            cursor.execute(f"ALTER TABLE {model._meta.db_table} {verb} TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def history_forget(index: Index) -> None:
    """`index` has no decisions, levels or receipts any more."""
    decisions_forget(Decision.objects.filter(index=index))
    IndexLevel.objects.filter(index=index).delete()


def decisions_forget(decisions: QuerySet[Decision]) -> None:
    """These decisions are gone, with their weights and receipts."""
    ids = list(decisions.values_list("pk", flat=True))
    with unguarded():
        Receipt.objects.filter(decision__in=ids).delete()
        WeightCommitment.objects.filter(decision__in=ids).delete()
        TargetWeight.objects.filter(decision__in=ids).delete()
        Decision.objects.filter(pk__in=ids).delete()
