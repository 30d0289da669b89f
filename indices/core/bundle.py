"""An index in a box: rules, inputs, decisions, levels and receipts, and the recomputation of them all.

Its files are those of indices.core.bundle_files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from indices.core.backtest import backtest, continued
from indices.core.events import Event
from indices.core.exact import weight_float, weights_exact
from indices.core.guardrails import Guard
from indices.core.receipt_chain import Record, chain_faults
from indices.core.receipt_facts import Filed, fact_faults
from indices.core.receipts import Execution, executions
from indices.core.reenactment import Step
from indices.core.replaying import Reign, replayed
from indices.core.restating import LEVEL_TOLERANCE
from indices.core.rulebook import Decision, Outlook, Rulebook
from indices.core.walk import Standing
from signals.core.panel import Panel


@dataclass(frozen=True, eq=False)
class Question:
    """A stretch of decisions by one version of the rules from one state of knowledge: what the rules are asked again.

    They begin at `start` where there was no `standing` yet; `end` is the last day that counts. `outlooks` are what
    grades and regime were known at each day that was asked for.
    """

    version: int
    panel: str
    start: date | None
    standing: Standing | None
    through: date
    end: date
    events: Sequence[Event]
    outlooks: Mapping[date, Outlook] | None = field(repr=False)


@dataclass(frozen=True, eq=False)
class Bundle:
    """Everything published of one index, and everything it was made from.

    `panel` is the name of the one that holds what is known now, on which levels stand. `unsettled` are days of trades
    that were settled on prices corrected since: their figures cannot be computed from the panels here.
    """

    slug: str
    about: Mapping[str, Any]
    rulebooks: Mapping[int, Rulebook]
    digests: Mapping[int, str]
    filed: Sequence[Filed]
    levels: Mapping[date, float]
    records: Sequence[Record]
    keys: Mapping[str, str]
    panels: Mapping[str, Panel]
    panel: str
    questions: Sequence[Question]
    events: Sequence[Event]
    guard: Guard
    unsettled: frozenset[date] = frozenset()


def bundle_faults(bundle: Bundle, *, say: Callable[[str], None] = lambda text: None) -> list[str]:
    """What is wrong with the index in `bundle`: every receipt, decision and level is checked or computed again."""
    faults = chain_faults(bundle.slug, bundle.records, bundle.keys)
    say(f"{len(bundle.records)} receipts: digests, chain, signatures and commitments looked at")
    faults += [
        f"rulebook {version}: its digest is {rulebook.digest}, published was {bundle.digests[version]}"
        for version, rulebook in bundle.rulebooks.items()
        if rulebook.digest != bundle.digests[version]
    ]
    made: dict[date, Decision] = {}
    traded: dict[date, Execution] = {}
    for question in bundle.questions:
        faults += _standing_faults(bundle, question.standing)
        decisions, done = answered(bundle, question)
        made |= {each.as_of: each for each in decisions if each.as_of <= question.end}
        traded |= {each.traded_on: each for each in done if each.traded_on <= question.end}
    say(f"{len(made)} decisions computed again")
    faults += _decision_faults(bundle.filed, made)
    known = [execution for day, execution in traded.items() if day not in bundle.unsettled]
    faults += fact_faults(bundle.filed, bundle.records, decisions=made.values(), executions=known)
    levels = _levels(bundle)
    say(f"{len(levels)} levels computed again")
    for day in sorted({*bundle.levels, *levels}):
        was, now = bundle.levels.get(day), levels.get(day)
        if was is None or now is None or abs(was / now - 1.0) > LEVEL_TOLERANCE:
            faults.append(f"{day}: level is {was!r}, computed {now!r}")
    return faults


def answered(bundle: Bundle, question: Question) -> tuple[Sequence[Decision], list[Execution]]:
    """The decisions that the rules make of a question, and what was traded."""
    panel, rulebook = bundle.panels[question.panel], bundle.rulebooks[question.version]
    outlooks = question.outlooks
    asked: dict[str, Any] = {
        "outlook": None if outlooks is None else lambda day: outlooks.get(day, Outlook()),
        "events": question.events,
        "guard": bundle.guard,
    }
    if question.standing is None:
        start = question.start or rulebook.base.date
        begun = backtest(panel, rulebook, start=start, end=question.through, record=True, **asked)
        return begun.decisions, executions(begun.rebalances, panel.dates, begun.assets, begun.level)
    after = continued(panel, rulebook, question.standing, through=question.through, **asked)
    return after.decisions, executions(after.rebalances, after.dates, after.assets, after.level)


def _decision_faults(filed: Sequence[Filed], made: Mapping[date, Decision]) -> list[str]:
    stored = {row.as_of: row for row in filed}
    faults = [f"{day}: a decision is missing" for day in sorted(made.keys() - stored.keys())]
    for day, row in stored.items():
        again = made.get(day)
        if again is None:
            faults.append(f"{day}: a decision is stored that the rules do not make")
            continue
        expected = {} if again.held else weights_exact(again.weights)
        pairs: list[tuple[str, Any, Any]] = [
            ("effective_on", row.effective_on, again.effective_on),
            ("epoch", row.epoch, again.epoch),
            ("is_held", row.is_held, bool(again.held)),
            ("input_hash", row.input_hash, again.input_hash),
        ]
        for asset in sorted({*row.weights, *expected}):
            was = row.weights[asset][0] if asset in row.weights else None
            now = f"{expected[asset]:.18f}" if asset in expected else None
            pairs.append((f"weight of {asset}", was, now))
        faults += [f"{day}: {name} is {was}, computed {now}" for name, was, now in pairs if was != now]
    return faults


def _standing_faults(bundle: Bundle, standing: Standing | None) -> list[str]:
    """A stretch must go on from what was published, not from something else."""
    if standing is None:
        return []
    published = [_floats(row) for row in bundle.filed if not row.is_held]
    claimed = [standing.weights, *(step.weights for step in standing.waiting)]
    return [
        f"{standing.decided}: goes on from weights that no decision here has"
        for weights in claimed
        if weights and dict(weights) not in published
    ]


def _levels(bundle: Bundle) -> dict[date, float]:
    """Levels from the published decisions on the newest panel."""
    if not bundle.levels:
        return {}
    traded = sorted(
        (row for row in bundle.filed if not row.is_held), key=lambda row: (row.effective_on, row.as_of)
    )
    last = max(bundle.levels)
    steps = [
        Step(place, row.effective_on, _floats(row), bundle.rulebooks[row.version])
        for place, row in enumerate(traded)
        if row.effective_on <= last
    ]
    ends = {row.version: row.as_of for row in sorted(bundle.filed, key=lambda row: row.as_of)}
    newest = list(ends)[-1]
    reigns = [
        Reign(bundle.rulebooks[version], None if version == newest else end) for version, end in ends.items()
    ]
    return replayed(
        bundle.panels[bundle.panel], steps, reigns=reigns, first=min(bundle.levels), events=bundle.events
    )


def _floats(row: Filed) -> dict[str, float]:
    return {asset: weight_float(Decimal(weight)) for asset, (weight, _) in row.weights.items()}
