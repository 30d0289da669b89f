"""Many variants of one rulebook: a grid of clause values, and what each would have done."""

import itertools
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

from indices.core.backtest import BacktestError, backtest
from indices.core.capping import CappingError
from indices.core.levels import LevelError
from indices.core.rulebook import DecisionError, Rulebook, RulebookError
from signals.core.panel import Panel

MOST = 100_000


class SweepError(ValueError):
    """A sweep cannot be run; the message names the clause or the argument."""


@dataclass(frozen=True)
class Variant:
    """One point of the grid: `settings` are clause path -> value, `body` the rulebook with them."""

    number: int
    settings: dict[str, Any]
    body: dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """What a variant would have done: its last level and metrics, or the `error` that says why it cannot be run."""

    number: int
    settings: dict[str, Any]
    digest: str = ""
    level: float | None = None
    metrics: dict[str, Any] | None = None
    error: str = ""


def variant_count(vary: Mapping[str, Sequence[Any]]) -> int:
    """How many combinations there are. Raises SweepError for a path without values, or more than 100,000."""
    for path, values in vary.items():
        if not isinstance(values, list | tuple) or not values:
            raise SweepError(f"vary.{path}: must be a list of values, at least one, got {values!r}")
    size = math.prod(len(values) for values in vary.values())
    if size > MOST:
        raise SweepError(f"vary: makes {size:,} variants; at most {MOST:,} are run at once")
    return size


def variants(
    body: Mapping[str, Any], vary: Mapping[str, Sequence[Any]], *, low: int = 0, high: int | None = None
) -> list[Variant]:
    """The combinations `low` to before `high` (default all) of the values in `vary` (clause path such as
    selection.count -> values) over `body`.

    The last path turns fastest. Raises SweepError for a grid that cannot be, and a path that leads through a value.
    """
    high = variant_count(vary) if high is None else high
    found = []
    points = itertools.islice(itertools.product(*vary.values()), low, high)
    for number, values in enumerate(points, start=low):
        settings = dict(zip(vary, values, strict=True))
        varied = deepcopy(dict(body))
        for path, value in settings.items():
            _set(varied, path, value)
        found.append(Variant(number, settings, varied))
    return found


def tried(panel: Panel, variant: Variant, *, start: date, end: date) -> Tried:
    """`variant` walked over `panel` from `start` to `end`."""
    try:
        rulebook = Rulebook.from_dict(variant.body)
        result = backtest(panel, rulebook, start=start, end=end)
    except (RulebookError, DecisionError, BacktestError, LevelError, CappingError) as error:
        return Tried(variant.number, variant.settings, error=str(error))
    return Tried(
        variant.number,
        variant.settings,
        digest=rulebook.digest,
        level=float(result.level.iloc[-1]),
        metrics=result.metrics,
    )


def _set(body: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = str(path).split(".")
    clause: Any = body
    for name in outer:
        inner = clause.get(name)
        clause[name] = dict(inner) if isinstance(inner, Mapping) else {}
        if inner is not None and not isinstance(inner, Mapping):
            raise SweepError(f"vary.{path}: {name} is {inner!r} in the rulebook, not a clause with fields")
        clause = clause[name]
    clause[last] = value
