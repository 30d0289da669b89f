"""Corrected prints and the indices: what one would change, and changing it, by the policy of docs/restatement.md.

Levels are computed again from the decisions as they were made. Decisions, receipts, trades and units stay: they were
published, and money moved by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from indices.core.events import Event
from indices.core.restating import (
    LEVEL_TOLERANCE,
    NOTICE,
    POLICY,
    RESTATE,
    DecisionChange,
    LevelChange,
    Policy,
    decision_changes,
    decisions_dict,
    level_change,
    level_dict,
)
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Rulebook, lookback_days
from indices.models import Decision, Index, IndexLevel, LevelRevision, Receipt
from indices.services.events import events_known
from indices.services.history import begun, panel_days, standing_of, went_on
from indices.services.outlook import outlook_recorded
from indices.services.replaying import Score, levels_replayed, score_of
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.panel import Panel
from signals.core.restating import CorrectionError, corrected, moved

_ONE_QUARTER = timedelta(days=100)
"""Longer than the longest period of a rulebook's calendar."""


@dataclass(frozen=True)
class Touched:
    """What a correction does to one index. `receipts` are the numbers of those whose decision would read otherwise."""

    index: Index
    recomputed: int
    decisions: tuple[DecisionChange, ...]
    levels: LevelChange | None
    receipts: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "slug": self.index.slug,
            "name": self.index.name,
            "kind": self.index.kind,
            "levels": level_dict(self.levels),
            "decisions": decisions_dict(self.decisions, of=self.recomputed),
            "receipts": list(self.receipts),
        }


def blast_radius(restatement_id: int) -> list[Touched]:
    """Every index that the correction would touch, computed on a corrected panel; nothing is written.

    Raises CorrectionError where there is no such restatement.
    """
    row = _correction(restatement_id)
    if row.source not in signal_selectors.candle_sources(signal_selectors.market_active()):
        return []
    events = events_known()
    through = signal_selectors.last_closed_day()
    scores = {
        index: score for index, score in _scores(row.day, events).items() if max(score.points) <= through
    }
    first = min(
        [_reads(index, score, row.day, through, events) for index, score in scores.items()], default=through
    )
    panel = signal_selectors.panel(as_of=through, days=(through - first).days + 1)
    other = corrected(panel, row.slug, row.day, row.new, old=row.old)
    if other is panel:
        return []
    touched = []
    for index, score in scores.items():
        now = levels_replayed(score, panel, events=events)
        then = levels_replayed(score, other, events=events)
        made, changes = _decisions(index, panel, other, since=row.day, through=through, events=events)
        levels = level_change(now, then)
        if levels is not None or changes:
            days = [change.as_of for change in changes]
            receipts = Receipt.objects.filter(decision__index=index, decision__as_of__in=days)
            numbers = tuple(receipts.order_by("sequence").values_list("sequence", flat=True))
            touched.append(Touched(index, made, tuple(changes), levels, numbers))
    return touched


def effects_of(restatement_id: int, *, policy: Policy = POLICY) -> dict[str, Any]:
    """The blast radius as JSON types, and what the policy says about it; nothing is written. Raises CorrectionError."""
    row = _correction(restatement_id)
    return _effects(blast_radius(restatement_id), row.day, policy)


def restatement_preview(restatement_id: int, *, policy: Policy = POLICY) -> dict[str, Any]:
    """The effects are stored beside the proposal, for the one who decides, and returned. Raises CorrectionError."""
    effects = effects_of(restatement_id, policy=policy)
    signal_services.restatement_previewed(restatement_id, effects)
    return effects


def restatement_decide(restatement_id: int, *, by: str, treatment: str = "", why: str = "") -> None:
    """`by` has approved the restatement, with the treatment of the policy or, saying why, with the other one.

    Raises SamePerson and CorrectionError.
    """
    row = _correction(restatement_id)
    moved(row.status, "approved")
    if row.previewed_at is None:
        raise CorrectionError("preview: look at what it changes before you approve it.")
    wanted = row.effects["policy"]["treatment"]
    treatment = treatment or wanted
    if treatment != wanted and not why.strip():
        raise CorrectionError(
            f"why: the policy says {wanted}; say why this one is treated otherwise. It is published."
        )
    signal_services.restatement_approve(
        restatement_id,
        by=by,
        treatment=treatment,
        treatment_reason=why.strip() if treatment != wanted else "",
    )


@transaction.atomic
def restatement_apply(restatement_id: int, *, by: str) -> dict[str, Any]:
    """An approved restatement is applied, whole or not at all; returns what it changed, as it is published.

    Restated: the candle has its corrected values, every level that rests on it is computed again from the decisions as
    they were made, and the old ones are kept. A notice changes nothing but itself. Raises CorrectionError.
    """
    # Nobody extends a history while prices and levels change: what a decision read is then told by when it was made.
    list(Index.objects.select_for_update().order_by("pk").values_list("pk", flat=True))
    row = _correction(restatement_id)
    if row.treatment != RESTATE:
        effects = {**row.effects, "treatment": NOTICE}
        signal_services.restatement_applied(restatement_id, by=by, at=timezone.now(), effects=effects)
        return effects
    events = events_known()
    scores = _scores(row.day, events)
    moment = signal_services.candle_restate(restatement_id)
    levels = _relevel(scores, restatement_id, moment, events)
    told = {entry["slug"]: entry for entry in row.effects.get("indices", [])}
    entries = []
    for index, change in levels.items():
        seen = told.pop(index.slug, {"slug": index.slug, "name": index.name, "kind": index.kind})
        entries.append({**seen, "levels": level_dict(change)})
    entries += [{**entry, "levels": None} for entry in told.values()]
    effects = {
        **row.effects,
        "treatment": RESTATE,
        "indices": sorted(entries, key=lambda entry: entry["slug"]),
    }
    signal_services.restatement_applied(restatement_id, by=by, at=moment, effects=effects)
    return effects


def _relevel(
    scores: dict[Index, Score], restatement_id: int, moment: datetime, events: Sequence[Event]
) -> dict[Index, LevelChange]:
    """The levels of `scores` are those of the prices of now; the ones that were published are kept as revisions."""
    if not scores:
        return {}
    through = max(max(score.points) for score in scores.values())
    first = min(score.reads for score in scores.values())
    panel = signal_selectors.panel(as_of=through, days=(through - first).days + 1)
    found: dict[Index, LevelChange] = {}
    for index, score in scores.items():
        again = levels_replayed(score, panel, events=events)
        change = level_change(score.points, again)
        if change is None:
            continue
        fresh = {
            day: level
            for day, level in again.items()
            if day in score.points and abs(level / score.points[day] - 1.0) > LEVEL_TOLERANCE
        }
        LevelRevision.objects.bulk_create(
            LevelRevision(
                index=index,
                date=day,
                level=score.points[day],
                known_until=moment,
                restatement_id=restatement_id,
            )
            for day in fresh
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE indices_indexlevel AS stored SET level = fresh.level "
                "FROM unnest(%s::date[], %s::float8[]) AS fresh(date, level) "
                "WHERE stored.index_id = %s AND stored.date = fresh.date",
                [list(fresh), list(fresh.values()), index.pk],
            )
        found[index] = change
    return found


def _scores(day: date, events: Sequence[Event]) -> dict[Index, Score]:
    """Every index with a level at `day` or later, and what of its history levels from then on rest on."""
    reached = IndexLevel.objects.filter(date__gte=day).values("index")
    found = {}
    for index in Index.objects.filter(pk__in=reached).order_by("pk"):
        score = score_of(index, since=day, events=events)
        if score is not None:
            found[index] = score
    return found


def _decisions(
    index: Index, panel: Panel, other: Panel, *, since: date, through: date, events: Sequence[Event]
) -> tuple[int, list[DecisionChange]]:
    """How many decisions from `since` on were made again, and those that the corrected prices make otherwise.

    Both are made on prices of now, so that earlier corrections are not counted. Each version of the rules is taken from
    where the stored history stood when it began.
    """
    stored = (
        Decision.objects.filter(index=index, as_of__gte=since).select_related("rulebook").order_by("as_of")
    )
    by_version: dict[int, list[Decision]] = {}
    for decision in stored:
        by_version.setdefault(decision.rulebook_id, []).append(decision)
    count, changes = 0, []
    for made in by_version.values():
        rulebook = Rulebook.from_dict(made[0].rulebook.body)
        last = made[-1].as_of
        # Once a later decision has read neither the corrected day nor another portfolio, all that follow are the same.
        reach = min(last, since + timedelta(days=lookback_days(rulebook)) + _ONE_QUARTER)
        for end in dict.fromkeys((reach, last)):
            now, then = (_made(index, each, made, events, through=end) for each in (panel, other))
            found = decision_changes(now, then)
            if not found or not now or found[-1].as_of != now[-1].as_of:
                break
        count += len(made)
        changes += [
            change
            for change in found
            # What is not traded yet may be sealed: only that it would differ is told.
            if any(row.as_of == change.as_of and row.effective_on <= through for row in made)
        ]
    return count, changes


def _made(
    index: Index, panel: Panel, made: list[Decision], events: Sequence[Event], *, through: date
) -> tuple[Decided, ...]:
    """What the rules of `made` decide on `panel` through `through`, from where the stored history stood before them."""
    rulebook = Rulebook.from_dict(made[0].rulebook.body)
    seen = outlook_recorded(rulebook, made)
    standing = standing_of(index, before=made[0].as_of, events=events)
    if standing is not None:
        written = went_on(panel, rulebook, standing, through=through, outlook=seen, events=events)
    else:
        start = made[0].effective_on
        written = begun(
            panel, rulebook, start=start, through=max(through, start), outlook=seen, events=events
        )
    return tuple(decision for decision in written.decisions if decision.as_of <= through)


def _reads(index: Index, score: Score, day: date, through: date, events: Sequence[Event]) -> date:
    """The first day of candles that levels and decisions from `day` on look at."""
    first = score.reads
    versions = Decision.objects.filter(index=index, as_of__gte=day).select_related("rulebook")
    for decision in versions.order_by("rulebook_id", "as_of").distinct("rulebook_id"):
        rulebook = Rulebook.from_dict(decision.rulebook.body)
        standing = standing_of(index, before=decision.as_of, events=events)
        if standing is not None:
            needed = panel_days(standing, rulebook, through=through, events=events)
            first = min(first, through - timedelta(days=needed - 1))
        else:
            first = min(first, decision.as_of - timedelta(days=lookback_days(rulebook) + 1))
    return first


def _effects(touched: list[Touched], day: date, policy: Policy) -> dict[str, Any]:
    moved = [each.levels for each in touched if each.levels is not None]
    largest = max((abs(change.largest) for change in moved), default=0.0)
    through = signal_selectors.last_closed_day()
    treatment, why = policy.treatment(largest, age_days=(through - day).days)
    return {
        "through": through.isoformat(),
        "largest": largest,
        "policy": {"treatment": treatment, "why": why},
        "indices": [each.to_dict() for each in touched],
    }


def _correction(restatement_id: int) -> signal_selectors.Correction:
    row = signal_selectors.restatement(restatement_id)
    if row is None:
        raise CorrectionError(f"restatement: there is no restatement {restatement_id}.")
    return row
