"""What a corrected print does to an index: which decisions would have been others, which levels are others, and what
the policy (docs/restatement.md) says is then done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from indices.core.rulebook import Decision

# The same machine gives the same bits; another one may sum a row of a hundred numbers differently.
LEVEL_TOLERANCE = 1e-12
RESTATE, NOTICE = "restate", "notice"


@dataclass(frozen=True)
class Policy:
    """A correction is restated where it moves a published level by `min_effect` (fraction) or more and its day lies at
    most `max_age_days` before the last closed day; any other is published as a notice and changes nothing."""

    min_effect: float = 0.005
    max_age_days: int = 30

    def treatment(self, effect: float, *, age_days: int) -> tuple[str, str]:
        """(restate or notice, why), for the largest change of a level as a fraction of it."""
        if effect < self.min_effect:
            return (
                NOTICE,
                f"no level moves by {self.min_effect:.1%} or more; the largest moves by {effect:.4%}",
            )
        if age_days > self.max_age_days:
            return NOTICE, f"the day lies {age_days} days back, more than {self.max_age_days}"
        return (
            RESTATE,
            f"a level moves by {effect:.2%}, {self.min_effect:.1%} or more, and the day lies {age_days} days back",
        )


POLICY = Policy()


@dataclass(frozen=True)
class LevelChange:
    """The levels that are others: how many, from when to when, the largest change and that of the last level there is.

    Changes are fractions of the level as published.
    """

    count: int
    first: date
    last: date
    largest: float
    largest_on: date
    at_the_end: float


@dataclass(frozen=True)
class WeightShift:
    """One asset's target weight, fraction: as it was decided and as it would have been."""

    asset: str
    decided: float
    corrected: float


@dataclass(frozen=True)
class DecisionChange:
    """A decision that would have been another one; `shifts` are its largest, the largest first.

    `entered` are members only of the corrected one, `left` only of the one that was made. A change of what was read
    without a change of weights has no shifts.
    """

    as_of: date
    epoch: str
    shifts: tuple[WeightShift, ...]
    entered: tuple[str, ...]
    left: tuple[str, ...]
    held_changed: bool


def level_change(
    published: Mapping[date, float], corrected: Mapping[date, float], *, tolerance: float = LEVEL_TOLERANCE
) -> LevelChange | None:
    """What differs between two series of levels on the days of `corrected`, by more than `tolerance`; None: nothing."""
    moves = {
        day: level / published[day] - 1.0 for day, level in sorted(corrected.items()) if day in published
    }
    changed = {day: move for day, move in moves.items() if abs(move) > tolerance}
    if not changed:
        return None
    largest = max(changed, key=lambda day: (abs(changed[day]), -day.toordinal()))
    return LevelChange(
        count=len(changed),
        first=min(changed),
        last=max(changed),
        largest=changed[largest],
        largest_on=largest,
        at_the_end=changed.get(max(moves), 0.0),
    )


def decision_changes(
    made: Iterable[Decision], corrected: Iterable[Decision], *, shown: int = 5
) -> list[DecisionChange]:
    """The decisions of `made` that `corrected` makes otherwise, oldest first, each with its `shown` largest shifts."""
    again = {decision.as_of: decision for decision in corrected}
    changes = []
    for decision in made:
        other = again.get(decision.as_of)
        if other is None or (decision.input_hash == other.input_hash and _target(decision) == _target(other)):
            continue
        before, after = _target(decision), _target(other)
        shifts = [
            WeightShift(asset, before.get(asset, 0.0), after.get(asset, 0.0))
            for asset in sorted({*before, *after})
            if before.get(asset) != after.get(asset)
        ]
        shifts.sort(key=lambda shift: (-abs(shift.corrected - shift.decided), shift.asset))
        changes.append(
            DecisionChange(
                as_of=decision.as_of,
                epoch=decision.epoch,
                shifts=tuple(shifts[:shown]),
                entered=tuple(sorted(after.keys() - before.keys())),
                left=tuple(sorted(before.keys() - after.keys())),
                held_changed=bool(decision.held) != bool(other.held),
            )
        )
    return changes


def level_dict(change: LevelChange | None) -> dict[str, Any] | None:
    """As JSON types."""
    if change is None:
        return None
    return {
        **asdict(change),
        "first": change.first.isoformat(),
        "last": change.last.isoformat(),
        "largest_on": change.largest_on.isoformat(),
    }


def decisions_dict(changes: Sequence[DecisionChange], *, of: int, shown: int = 12) -> dict[str, Any]:
    """As JSON types: how many of `of` decisions read something else, how many of them weigh otherwise, and the first
    `shown` of those that weigh otherwise."""
    weighed = [change for change in changes if change.shifts]
    return {
        "of": of,
        "read_otherwise": len(changes),
        "weighed_otherwise": len(weighed),
        "rows": [{**asdict(change), "as_of": change.as_of.isoformat()} for change in weighed[:shown]],
    }


def _target(decision: Decision) -> dict[str, float]:
    return {} if decision.held else decision.weights
