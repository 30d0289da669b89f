"""What was decided, and what is in force at a date.

A held decision is on record but never in force: it trades nothing.
"""

from datetime import date
from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery

from indices.models import Decision, Index, TargetWeight
from indices.selectors.indices import resolved


def decisions(index: Index | str, *, as_of: date) -> QuerySet[Decision]:
    """Every decision made at or before `as_of`, held ones too, newest first."""
    return Decision.objects.filter(index=resolved(index), as_of__lte=as_of).order_by("-as_of")


def decision_latest(index: Index | str, *, as_of: date) -> Decision | None:
    """The newest decision made at or before `as_of` that is or was to be traded."""
    return decisions(index, as_of=as_of).filter(is_held=False).first()


def decision_in_force(index: Index | str, *, as_of: date) -> Decision | None:
    """The decision whose weights the index holds after the close of `as_of`."""
    found = Decision.objects.filter(index=resolved(index), effective_on__lte=as_of, is_held=False)
    return found.order_by("-effective_on", "-as_of").first()


def decisions_due(*, through: date) -> list[Decision]:
    """For every index the decision in force after the close of `through`, with its index loaded.

    A portfolio that missed one needs only the newest; whether it has traded it already is the portfolio's to know.
    """
    newest = Decision.objects.filter(index=OuterRef("pk"), effective_on__lte=through, is_held=False)
    newest_ids = Index.objects.annotate(
        decision=Subquery(newest.order_by("-effective_on", "-as_of").values("pk")[:1])
    ).values("decision")
    return list(
        Decision.objects.filter(pk__in=newest_ids).select_related("index").order_by("index__position", "pk")
    )


def target_weights(decision: Decision) -> dict[str, Decimal]:
    """Asset slug -> target weight, largest first; sums to exactly 1."""
    lines = TargetWeight.objects.filter(decision=decision).order_by("-weight", "asset__slug")
    return dict(lines.values_list("asset__slug", "weight"))
