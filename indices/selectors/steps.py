"""The traded decisions of an index as the engine takes them."""

from datetime import date

from indices.core.exact import weight_float
from indices.core.reenactment import Step
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, RulebookVersion, TargetWeight

SPARE_STEPS = 2
"""How many decisions before a day are taken along: the newest may be traded late, where its day had no candles."""


def steps(index: Index, *, since: date | None = None, through: date) -> list[Step]:
    """Every decision traded by `through`, oldest first; those in force at `since` or later only, where it is given."""
    traded = Decision.objects.filter(index=index, is_held=False, effective_on__lte=through)
    if since is not None:
        before = traded.filter(effective_on__lte=since).order_by("-effective_on", "-as_of")
        earliest = list(before.values_list("effective_on", flat=True)[:SPARE_STEPS])
        traded = traded.filter(effective_on__gte=earliest[-1]) if earliest else traded
    made = list(traded.order_by("effective_on", "as_of").values_list("pk", "effective_on", "rulebook_id"))
    rulebooks = {
        version.pk: Rulebook.from_dict(version.body)
        for version in RulebookVersion.objects.filter(pk__in={rulebook for _, _, rulebook in made})
    }
    weights: dict[int, dict[str, float]] = {}
    lines = TargetWeight.objects.filter(decision_id__in=[key for key, _, _ in made]).order_by()
    for key, slug, weight in lines.values_list("decision_id", "asset__slug", "weight"):
        weights.setdefault(key, {})[slug] = weight_float(weight)
    return [Step(key, day, weights[key], rulebooks[rulebook]) for key, day, rulebook in made]
