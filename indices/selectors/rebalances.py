"""What changed at each decision, against the one before."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from indices.models import Decision, Index, TargetWeight
from indices.selectors.decisions import decisions
from indices.selectors.receipts import sealed_decisions

_ZERO = Decimal(0)


@dataclass(frozen=True)
class WeightChange:
    """One asset's target weight before and after; `reason` is the rule that did it."""

    slug: str
    symbol: str
    name: str
    before: Decimal
    after: Decimal
    reason: str

    @property
    def change(self) -> Decimal:
        """After less before, fraction."""
        return self.after - self.before


@dataclass(frozen=True)
class RebalanceRow:
    """One decision. `turnover` is the sum of |target - drifted| at `as_of`, both sides; a held one traded nothing.

    Of a sealed one nothing is told before it is traded: its weights are committed to (indices.selectors.receipts).
    """

    decision_id: int
    as_of: date
    effective_on: date
    epoch: str
    turnover: float
    is_held: bool
    note: str
    entered: list[WeightChange]
    left: list[WeightChange]
    changed: list[WeightChange]
    is_sealed: bool = False


def rebalance_history(index: Index | str, *, as_of: date, limit: int = 10) -> list[RebalanceRow]:
    """The newest `limit` decisions made at or before `as_of`, newest first, each against the traded one before it.

    `changed` are the members that stayed, the largest change of target first.
    """
    stored = decisions(index, as_of=as_of)
    shown = list(stored[:limit])
    if not shown:
        return []
    traded = [decision for decision in shown if not decision.is_held]
    older = stored.filter(as_of__lt=shown[-1].as_of, is_held=False).first()
    chain = traded + ([older] if older is not None else [])
    weights = _weights([decision.pk for decision in chain])
    before = {later.pk: earlier.pk for later, earlier in pairwise(chain)}
    empty: dict[str, _Line] = {}
    sealed = sealed_decisions([decision.pk for decision in shown])
    rows = [
        _row(decision, weights.get(decision.pk, empty), weights.get(before.get(decision.pk, 0), empty))
        for decision in shown
    ]
    kept_back: dict[str, Any] = {"turnover": 0.0, "entered": [], "left": [], "changed": [], "is_sealed": True}
    return [replace(row, **kept_back) if row.decision_id in sealed else row for row in rows]


@dataclass(frozen=True)
class _Line:
    symbol: str
    name: str
    weight: Decimal


def _weights(decision_ids: list[int]) -> dict[int, dict[str, _Line]]:
    found: dict[int, dict[str, _Line]] = {}
    lines = TargetWeight.objects.filter(decision_id__in=decision_ids).values_list(
        "decision_id", "asset__slug", "asset__symbol", "asset__name", "weight"
    )
    for decision_id, slug, symbol, name, weight in lines:
        found.setdefault(decision_id, {})[slug] = _Line(symbol, name, weight)
    return found


def _row(decision: Decision, after: dict[str, _Line], before: dict[str, _Line]) -> RebalanceRow:
    if decision.is_held:
        before = after
    changes = []
    for slug in sorted({*after, *before}):
        line = after.get(slug) or before[slug]
        old = before[slug].weight if slug in before else _ZERO
        new = after[slug].weight if slug in after else _ZERO
        changes.append(WeightChange(slug, line.symbol, line.name, old, new, decision.reasons.get(slug, "")))
    stayed = [change for change in changes if change.before and change.after]
    return RebalanceRow(
        decision_id=decision.pk,
        as_of=decision.as_of,
        effective_on=decision.effective_on,
        epoch=decision.epoch,
        turnover=decision.turnover,
        is_held=decision.is_held,
        note=decision.note,
        entered=sorted((c for c in changes if not c.before), key=lambda c: (-c.after, c.slug)),
        left=sorted((c for c in changes if not c.after), key=lambda c: (-c.before, c.slug)),
        changed=sorted(stayed, key=lambda c: (-abs(c.change), c.slug)),
    )
