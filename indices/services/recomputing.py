"""A stored history computed again: each decision from what was known when it was made, levels on the prices of now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from indices.core.events import Event
from indices.core.receipts import Execution
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Rulebook, lookback_days
from indices.core.walk import Standing
from indices.models import Decision, Index, IndexLevel, Receipt
from indices.selectors.beginnings import beginning
from indices.selectors.indices import resolved
from indices.selectors.restatements import levels_known
from indices.services.events import events_known
from indices.services.history import Written, begun, panel_days, standing_of, went_on
from indices.services.outlook import Look, outlook_recorded
from indices.services.replaying import levels_replayed, score_of
from signals import selectors as signal_selectors
from signals.core.panel import Panel


@dataclass(frozen=True)
class Recomputed:
    """What the rules make of the candles: `decisions` and `executions` as known when they were made, `levels` as known
    now (decisions that were made, on corrected prices). `stored` are the decisions of the database, oldest first."""

    stored: list[Decision]
    decisions: dict[date, Decided] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    levels: dict[date, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stretch:
    """Decisions in a row made by the same rules from the same knowledge, at `known_at` (None: what is known now)."""

    made: list[Decision]
    known_at: datetime | None
    through: date


def recomputed(index: Index | str) -> Recomputed:
    """Every stored decision, execution and level of `index`, computed again."""
    found = resolved(index)
    stored = list(Decision.objects.filter(index=found).select_related("rulebook").order_by("as_of"))
    if not stored:
        return Recomputed([])
    newest = IndexLevel.objects.filter(index=found).order_by("-date").values_list("date", flat=True).first()
    last = max(newest or stored[-1].as_of, stored[-1].as_of)
    panel = signal_selectors.panel(as_of=last)
    moments = _moments(found, stored, last)
    decisions: dict[date, Decided] = {}
    executions: dict[date, Execution] = {}
    for question in questions(found, stored, panel, last):
        written, end = answered(question), question.end
        decisions.update({made.as_of: made for made in written.decisions if made.as_of <= end})
        executions.update({each.traded_on: each for each in written.executions if each.traded_on <= end})
    executions.update(_settled(found, stored, moments) if moments else {})
    events = events_known(as_of=last)
    score = score_of(found, events=events)
    levels = levels_replayed(score, panel, events=events) if score is not None else {}
    return Recomputed(stored, decisions, [executions[day] for day in sorted(executions)], levels)


def _moments(index: Index, stored: list[Decision], last: date) -> list[datetime]:
    """When something changed that is known of the days that were decided upon, since the first decision was made."""
    lookback = max(lookback_days(Rulebook.from_dict(row.rulebook.body)) for row in _versions(stored))
    return signal_selectors.revision_moments(
        after=stored[0].decided_at, first=stored[0].as_of - timedelta(days=lookback), last=last
    )


def _versions(stored: list[Decision]) -> list[Decision]:
    """One decision of each version."""
    return list({row.rulebook_id: row for row in stored}.values())


def _stretches(stored: list[Decision], moments: list[datetime], last: date) -> Iterator[_Stretch]:
    def known(row: Decision) -> tuple[int, int]:
        return row.rulebook_id, bisect_right(moments, row.decided_at)

    for (_, number), group in groupby(stored, key=known):
        made = list(group)
        now = number == len(moments)
        through = last if made[-1] is stored[-1] else made[-1].as_of
        yield _Stretch(made, None if now else made[-1].decided_at, through)


@dataclass(frozen=True, eq=False)
class Question:
    """Everything that decides what the rules make of a stretch: from `start` where there was no `standing` yet."""

    made: list[Decision]
    end: date
    rulebook: Rulebook
    panel: Panel
    start: date | None
    standing: Standing | None
    through: date
    events: Sequence[Event]


def questions(index: Index, stored: list[Decision], panel: Panel, last: date) -> Iterator[Question]:
    """What is asked again, stretch by stretch. `panel` holds what is known now, every day through `last`."""
    for stretch in _stretches(stored, _moments(index, stored, last), last):
        yield _question(index, stretch, panel, stored[-1], last)


def answered(question: Question, *, outlook: Look | None = None) -> Written:
    """What the rules make of a question; `outlook` is asked instead of what the decisions say they knew."""
    asked: dict[str, Any] = {
        "through": question.through,
        "outlook": outlook or outlook_recorded(question.rulebook, question.made),
        "events": question.events,
    }
    if question.standing is None:
        start = question.start or question.rulebook.base.date
        return begun(question.panel, question.rulebook, start=start, **asked)
    return went_on(question.panel, question.rulebook, question.standing, **asked)


def _question(index: Index, stretch: _Stretch, panel: Panel, newest: Decision, last: date) -> Question:
    """A stretch, asked from where the stored history stood before it."""
    made, known_at = stretch.made, stretch.known_at
    end = last if made[-1] is newest else made[-1].as_of
    rulebook = Rulebook.from_dict(made[0].rulebook.body)
    events = events_known(as_of=stretch.through, known_at=known_at)
    standing = standing_of(index, before=made[0].as_of, events=events)
    if standing is None:
        start = beginning(index, through=stretch.through).start or rulebook.base.date
        # A version that made only the very first decision ends before anything is bought.
        through = max(stretch.through, start)
        if known_at is not None:
            panel = signal_selectors.panel(as_of=through, known_at=known_at)
        return Question(made, end, rulebook, panel, start, None, through, events)
    if known_at is not None:
        standing = replace(standing, level=_level_then(index, standing.bought, known_at, standing.level))
        days = panel_days(standing, rulebook, through=stretch.through, events=events)
        panel = signal_selectors.panel(as_of=stretch.through, days=days, known_at=known_at)
    return Question(made, end, rulebook, panel, None, standing, stretch.through, events)


def _settled(index: Index, stored: list[Decision], moments: list[datetime]) -> dict[date, Execution]:
    """Trades that were settled when something else was known than when the next decision was made, each by itself."""
    found: dict[date, Execution] = {}
    receipts = Receipt.objects.filter(index=index, kind=Receipt.Kind.SETTLEMENT).order_by("sequence")
    settled = dict(receipts.values_list("decision_id", "recorded_at"))
    points = IndexLevel.objects.filter(index=index).order_by("date")
    for place, row in enumerate(stored):
        recorded_at = settled.get(row.pk)
        following = stored[place + 1].decided_at if place + 1 < len(stored) else None
        if recorded_at is None:
            continue
        later = len(moments) if following is None else bisect_right(moments, following)
        if bisect_right(moments, recorded_at) == later and bisect_right(moments, row.decided_at) == later:
            continue
        day = points.filter(date__gte=row.effective_on).values_list("date", flat=True).first()
        if day is not None:
            found.update(_settlement(index, row, day, recorded_at))
    return found


def _settlement(index: Index, row: Decision, day: date, known_at: datetime) -> dict[date, Execution]:
    """The trade of one decision at the close of `day`, as known at that moment."""
    rulebook = Rulebook.from_dict(row.rulebook.body)
    events = events_known(as_of=day, known_at=known_at)
    standing = standing_of(index, before=row.as_of + timedelta(days=1), events=events)
    if standing is None:
        return {}
    level = _level_then(index, standing.bought, known_at, standing.level)
    days = panel_days(standing, rulebook, through=day, events=events)
    panel = signal_selectors.panel(as_of=day, days=days, known_at=known_at)
    # Nothing is decided on the way: only the trade is wanted.
    standing = replace(standing, level=level, decided=day)
    written = went_on(panel, rulebook, standing, through=day, events=events)
    return {each.traded_on: each for each in written.executions if each.traded_on == day}


def _level_then(index: Index, day: date, known_at: datetime, level: float) -> float:
    """The level of `day` as it was known then: that of now where it was never restated."""
    then = levels_known(index, known_at=known_at, start=day, end=day)
    return then[0][1] if then else level
