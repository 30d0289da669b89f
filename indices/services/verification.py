"""Every stored decision and level, computed again from stored candles and compared."""

from datetime import date
from itertools import groupby

from indices.core.exact import weights_exact
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, IndexLevel
from indices.selectors.decisions import target_weights
from indices.selectors.indices import resolved
from indices.services.history import Written, begun, standing_of, went_on
from indices.services.outlook import outlook_recorded
from signals import selectors as signal_selectors

# The same machine gives the same bits; another one may sum a row of a hundred numbers differently.
LEVEL_TOLERANCE = 1e-12


def index_verify(index: Index | str) -> list[str]:
    """The differences between the stored history and one computed from the stored candles; empty where all is well."""
    found = resolved(index)
    stored = list(Decision.objects.filter(index=found).select_related("rulebook").order_by("as_of"))
    if not stored:
        return []
    points = dict(IndexLevel.objects.filter(index=found).values_list("date", "level"))
    last = max([*points, stored[-1].as_of])
    panel = signal_selectors.panel(as_of=last)
    differences: list[str] = []
    computed: dict[date, float] = {}
    for version, group in groupby(stored, key=lambda decision: decision.rulebook):
        made = list(group)
        newest = made[-1] is stored[-1]
        through = last if newest else made[-1].as_of
        rulebook = Rulebook.from_dict(version.body)
        standing = standing_of(found, before=version)
        seen = outlook_recorded(rulebook, made)
        again: Written
        if standing is None:
            again = begun(panel, rulebook, through=through, outlook=seen)
        else:
            again = went_on(panel, rulebook, standing, through=through, outlook=seen)
        differences += _decision_differences(made, again.decisions)
        computed.update(again.levels)
    differences += _level_differences(points, computed)
    return differences


def _decision_differences(stored: list[Decision], computed: tuple[Decided, ...]) -> list[str]:
    again = {decision.as_of: decision for decision in computed}
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
