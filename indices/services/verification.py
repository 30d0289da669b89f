"""Every stored decision and level, computed again from stored candles and compared."""

from collections.abc import Mapping
from datetime import date

from indices.core.exact import weights_exact
from indices.core.restating import LEVEL_TOLERANCE
from indices.core.rulebook import Decision as Decided
from indices.models import Decision, Index, IndexLevel
from indices.selectors.decisions import target_weights
from indices.selectors.indices import resolved
from indices.services.recomputing import Recomputed, recomputed


def index_verify(index: Index | str, *, again: Recomputed | None = None) -> list[str]:
    """The differences between the stored history and one computed anew; empty where all is well.

    Decisions are computed from what was known when they were made, levels from the decisions as they were made and the
    prices of now. `again` is `recomputed(index)` where that was done already.
    """
    found = resolved(index)
    again = again or recomputed(found)
    points = dict(IndexLevel.objects.filter(index=found).values_list("date", "level"))
    return [
        *_decision_differences(again.stored, again.decisions),
        *_level_differences(points, again.levels),
    ]


def _decision_differences(stored: list[Decision], again: Mapping[date, Decided]) -> list[str]:
    differences = [
        f"{day}: a decision is missing" for day in sorted(again.keys() - {row.as_of for row in stored})
    ]
    for row in stored:
        made = again.get(row.as_of)
        if made is None:
            differences.append(f"{row.as_of}: a decision is stored that the rules do not make")
            continue
        for name, was, now in (
            ("effective_on", row.effective_on, made.effective_on),
            ("epoch", row.epoch, made.epoch),
            ("is_held", row.is_held, bool(made.held)),
            ("input_hash", row.input_hash, made.input_hash),
        ):
            if was != now:
                differences.append(f"{row.as_of}: {name} is {was}, computed {now}")
        weights = target_weights(row)
        expected = {} if made.held else weights_exact(made.weights)
        differences += [
            f"{row.as_of}: weight of {slug} is {weights.get(slug)}, computed {expected.get(slug)}"
            for slug in sorted({*weights, *expected})
            if weights.get(slug) != expected.get(slug)
        ]
    return differences


def _level_differences(stored: dict[date, float], computed: dict[date, float]) -> list[str]:
    differences = []
    for day in sorted({*stored, *computed}):
        was, now = stored.get(day), computed.get(day)
        if was is None or now is None:
            differences.append(f"{day}: level is {was}, computed {now}")
        elif abs(was / now - 1.0) > LEVEL_TOLERANCE:
            differences.append(f"{day}: level is {was!r}, computed {now!r}")
    return differences
