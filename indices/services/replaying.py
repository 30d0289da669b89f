"""The stored decisions of an index, traded once more on the prices of now or on corrected ones."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from indices.core.eligibility import VOLUME_DAYS
from indices.core.events import Event, Halt, reach_back
from indices.core.levels import memory_days
from indices.core.reenactment import Step
from indices.core.replaying import Reign, Start, replayed
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, IndexLevel, RulebookVersion
from indices.selectors.steps import steps
from signals.core.panel import Panel


@dataclass(frozen=True)
class Score:
    """What is played again: `steps` after `start`, under `reigns`; `first` is the day of the first level.

    `points` are the levels as stored; `since` the day from which levels are computed, `reads` the first day of candles.
    """

    steps: tuple[Step, ...]
    reigns: tuple[Reign, ...]
    start: Start | None
    first: date
    points: dict[date, float]
    since: date
    reads: date


def score_of(index: Index, *, since: date | None = None, events: Sequence[Event] = ()) -> Score | None:
    """The stored history of `index`, as far back as levels from `since` on (default: all) depend on it.

    None where the index has no level yet.
    """
    points = dict(IndexLevel.objects.filter(index=index).order_by("date").values_list("date", "level"))
    if not points:
        return None
    days = list(points)
    first = days[0]
    made = steps(index, through=days[-1])
    bought = [_purchase(days, step.effective_on, first) for step in made]
    at = _beginning(made, bought, since, events)
    start = None if at is None else Start(made[at], bought[at] or first, points[bought[at] or first])
    rest = made if at is None else made[at + 1 :]
    earliest = first if start is None else start.bought
    back = max([VOLUME_DAYS, *(memory_days(step.rulebook) for step in made)])
    reads = reach_back(events, earliest - timedelta(days=back))
    return Score(tuple(rest), _reigns(index), start, first, points, earliest, reads)


def levels_replayed(score: Score, panel: Panel, *, events: Sequence[Event] = ()) -> dict[date, float]:
    """Day -> level from `score.since` on, on the prices of `panel`, which must hold every day from `score.reads` on."""
    return replayed(
        panel, score.steps, reigns=score.reigns, first=score.first, start=score.start, events=events
    )


def _purchase(days: list[date], effective_on: date, first: date) -> date | None:
    """The day with a level at which a decision was traded: where its own had no candles, the next that had."""
    at = bisect_left(days, max(effective_on, first))
    return days[at] if at < len(days) else None


def _beginning(
    made: Sequence[Step], bought: Sequence[date | None], since: date | None, events: Sequence[Event]
) -> int | None:
    """The place of the last purchase before `since` at which nothing was halted; None: from the very first one."""
    if since is None:
        return None
    halts = [event for event in events if isinstance(event, Halt)]
    for at in range(len(made) - 1, -1, -1):
        day = bought[at]
        # Of two decisions for one day only the later was traded.
        replaced = at + 1 < len(made) and bought[at + 1] == day
        if day is None or day >= since or replaced:
            continue
        if not any(halt.from_ <= day and (halt.until is None or day < halt.until) for halt in halts):
            return at
    return None


def _reigns(index: Index) -> tuple[Reign, ...]:
    decided = list(Decision.objects.filter(index=index).order_by("as_of").values_list("as_of", "rulebook_id"))
    bodies = dict(RulebookVersion.objects.filter(index=index).values_list("pk", "body"))
    ends = {version: as_of for as_of, version in decided}
    order = list(ends)
    return tuple(
        Reign(Rulebook.from_dict(bodies[version]), None if version == order[-1] else ends[version])
        for version in order
    )
