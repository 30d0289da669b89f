"""A sweep: many variants of one rulebook over the same market, by processes that share the panel or by the workers."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import yaml

from indices.core.rulebook import Rulebook, RulebookError
from indices.core.sweeping import SweepError, Tried, tried, variant_count, variants
from indices.core.walk import first_panel_day
from indices.providers.workers import tried_by_workers
from indices.services.rulebooks import published_rulebook
from signals.core.panel import Panel
from signals.services.windows import window_panel

BLOCK = 50
"""How many variants one task of the queue tries."""
_FIELDS = ("rulebook", "vary", "start", "end")


@dataclass(frozen=True)
class Sweep:
    """What is to be tried: a rulebook as a mapping, the values of its clauses, and the days. JSON types only inside."""

    body: dict[str, Any]
    vary: dict[str, list[Any]]
    start: date
    end: date

    @property
    def count(self) -> int:
        """How many variants there are."""
        return variant_count(self.vary)

    @property
    def first_panel_day(self) -> date:
        """The first day that any of the variants may look at."""
        days = []
        for variant in variants(self.body, self.vary):
            try:
                days.append(first_panel_day(Rulebook.from_dict(variant.body), self.start))
            except RulebookError:
                continue
        return min(days, default=self.start)


def sweep_read(text: str, *, end: date) -> Sweep:
    """The sweep in a YAML text: `rulebook` (a published slug, or a rulebook written out), `vary` (clause path -> list
    of values), and if wanted `start` (default the base date of the rulebook) and `end` (default the argument).

    Raises SweepError, which names the field, and RulebookError where not one variant is a rulebook.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SweepError(f"sweep: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, Mapping):
        raise SweepError(f"sweep: must be a mapping with {', '.join(_FIELDS)}, got {type(document).__name__}")
    strange = sorted(str(key) for key in document if key not in _FIELDS)
    if strange:
        raise SweepError(f"{strange[0]}: is not a field of a sweep; use {', '.join(_FIELDS)}")
    rulebook, vary = document.get("rulebook"), document.get("vary")
    if not isinstance(rulebook, str | Mapping):
        raise SweepError("rulebook: must be the slug of a published index, or a rulebook")
    if not isinstance(vary, Mapping) or not vary:
        raise SweepError(
            "vary: must name at least one clause and its values, such as selection.count: [10, 30]"
        )
    base = published_rulebook(rulebook).to_dict() if isinstance(rulebook, str) else dict(rulebook)
    points = {str(path): values for path, values in vary.items()}
    variant_count(points)
    first = _day("start", document.get("start"))
    last = _day("end", document.get("end")) or end
    known = _sound(base, points)
    return Sweep(base, points, first or known.base.date, last)


def sweep_run(panel: Panel, sweep: Sweep, *, workers: int = 1) -> Iterator[Tried]:
    """Each variant tried on `panel`, in the order they get done: here, or by `workers` processes that share the panel.

    Raises indices.providers.workers.WorkerLost where a process dies.
    """
    every = variants(sweep.body, sweep.vary)
    if workers > 1:
        yield from tried_by_workers(panel, every, start=sweep.start, end=sweep.end, workers=workers)
        return
    for variant in every:
        yield tried(panel, variant, start=sweep.start, end=sweep.end)


def sweep_blocks(sweep: Sweep) -> list[dict[str, Any]]:
    """The sweep cut into blocks for `sweep_block`, JSON types only."""
    return [
        {
            "body": sweep.body,
            "vary": sweep.vary,
            "start": sweep.start.isoformat(),
            "end": sweep.end.isoformat(),
            "panel_from": sweep.first_panel_day.isoformat(),
            "low": low,
            "high": min(low + BLOCK, sweep.count),
        }
        for low in range(0, sweep.count, BLOCK)
    ]


def sweep_block(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the variants of one block would have done in the active market, as `Tried` written out in JSON types.

    The panel is read once by each process and kept for the next block. Raises signals.selectors.NotYetKnown.
    """
    start, end = date.fromisoformat(block["start"]), date.fromisoformat(block["end"])
    days = (end - date.fromisoformat(block["panel_from"]) + timedelta(days=1)).days
    panel = window_panel(as_of=end, days=days)
    some = variants(block["body"], block["vary"], low=block["low"], high=block["high"])
    return [asdict(tried(panel, variant, start=start, end=end)) for variant in some]


def _sound(base: dict[str, Any], vary: dict[str, list[Any]]) -> Rulebook:
    """One of the variants. Raises the RulebookError of the first where all of them fail."""
    first: RulebookError | None = None
    for variant in variants(base, vary):
        try:
            return Rulebook.from_dict(variant.body)
        except RulebookError as error:
            first = first or error
    raise first or SweepError("vary: makes no variant")


def _day(name: str, value: Any) -> date | None:
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise SweepError(f"{name}: must be a day such as 2018-01-01, got {value!r}") from error
