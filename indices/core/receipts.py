"""The receipt of a rebalance: a document of what changed, why and at what cost, chained to the one before it.

Two kinds share one chain per index. A `decision` receipt is made at the determination; a `settlement` receipt at the
close at which the decision was traded. Everything that is not a whole number is written as text, so that the canonical
form is the same in every language: weights with 18 decimal places, other numbers in their shortest exact form.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from indices.core.exact import weights_exact
from indices.core.levels import Rebalance
from indices.core.rulebook import Decision

FORMAT = "bellwether-receipt/1"
NOTHING_BEFORE = "0" * 64
"""What the first receipt of a chain names as the one before it."""
TOLD_CONTRIBUTIONS = 3
_ZERO, _MINUS_ZERO = f"{0:.18f}", f"{-0.0:.18f}"


@dataclass(frozen=True)
class Execution:
    """What the level paid for: at the close of `traded_on`, `before` (drifted) became `after`; asset -> weight.

    `turnover` and `cost` are fractions of the index at that close, `level` is the level after the cost.
    """

    traded_on: date
    before: Mapping[str, float] = field(repr=False)
    after: Mapping[str, float] = field(repr=False)
    turnover: float
    cost: float
    level: float


@dataclass(frozen=True)
class Graded:
    """One token's grade (0 to 100) and what made it: (feature, signed share of the grade), the largest first."""

    grade: float
    contributions: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Known:
    """What a decision knew beside the market: grades and the day they are of, the regime's risk share and its day."""

    grades_of: date | None = None
    grades: Mapping[str, Graded] = field(default_factory=dict, repr=False)
    regime_of: date | None = None
    risk_share: int | None = None


@dataclass(frozen=True)
class Rules:
    """Which rules decided."""

    version: int
    digest: str


def executions(
    rebalances: Iterable[Rebalance], dates: pd.DatetimeIndex, assets: Sequence[str], level: pd.Series
) -> list[Execution]:
    """Recorded `rebalances`, whose rows and columns are places in `dates` and `assets`, as executions."""
    found = []
    for step in rebalances:
        if step.before is None:
            raise ValueError("rebalances: were not recorded; ask the backtest for record=True")
        day = dates[step.row]
        found.append(
            Execution(
                traded_on=day.date(),
                before={assets[at]: float(step.before[at]) for at in np.flatnonzero(step.before).tolist()},
                after={
                    assets[at]: weight
                    for at, weight in zip(step.columns.tolist(), step.weights.tolist(), strict=True)
                },
                turnover=step.turnover,
                cost=step.cost,
                level=float(level[day]),
            )
        )
    return found


def decision_facts(
    made: Decision, *, rules: Rules, announced_on: date, ranks_before: Mapping[str, int], known: Known
) -> dict[str, Any]:
    """What a decision receipt says before it is chained. `ranks_before` are those that the decision before gave."""
    exact = {} if made.held else weights_exact(made.weights)
    lines = []
    if not made.held:
        for asset in sorted({*made.drifted, *made.weights}):
            before, after = made.drifted.get(asset, 0.0), made.weights.get(asset, 0.0)
            line: dict[str, Any] = {
                "asset": asset,
                "rank_before": ranks_before.get(asset),
                "rank_after": made.ranks.get(asset),
                "weight_before": fraction(before),
                "weight_after": f"{exact[asset]:.18f}" if asset in exact else _ZERO,
                "trade": fraction(after - before),
                "reason": made.reasons.get(asset, ""),
            }
            graded = known.grades.get(asset)
            if graded is not None:
                line["grade"] = number(graded.grade)
                line["contributions"] = [
                    {"feature": name, "share": number(share)}
                    for name, share in graded.contributions[:TOLD_CONTRIBUTIONS]
                ]
            lines.append(line)
    return {
        "kind": "decision",
        "rulebook": {"version": rules.version, "digest": rules.digest},
        "as_of": made.as_of.isoformat(),
        "announced_on": announced_on.isoformat(),
        "effective_on": made.effective_on.isoformat(),
        "epoch": made.epoch,
        "input_hash": made.input_hash,
        "held": made.held,
        "notes": list(made.notes),
        "grades_of": _day(known.grades_of),
        "regime_of": _day(known.regime_of),
        "risk_share": known.risk_share,
        "turnover": number(made.turnover),
        "assets": lines,
    }


def weights_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Asset -> target weight, 18 places, of everything that decision facts (or opened ones) hold."""
    return {line["asset"]: line["weight_after"] for line in facts["assets"] if line["weight_after"] != _ZERO}


def sealed(facts: Mapping[str, Any], *, salt: str) -> dict[str, Any]:
    """Decision facts as they may be published before the trade: a commitment in the place of weights and turnover."""
    kept = {name: value for name, value in facts.items() if name not in ("assets", "turnover")}
    return {**kept, "commitment": commitment(salt, weights_of(facts)), "opens_on": facts["effective_on"]}


def commitment(salt: str, weights: Mapping[str, str]) -> str:
    """SHA-256 of the text `salt|canonical weights`, hexadecimal; `weights` are asset -> weight with 18 places."""
    return digest_of(f"{salt}|{canonical(weights)}")


def settlement_facts(
    *,
    as_of: date,
    effective_on: date,
    decision_digest: str,
    weights: Mapping[str, str],
    execution: Execution | None,
    opening: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a settlement receipt says: planned and realised trades at the close that the decision was traded at.

    `weights` are the decision's targets. Without an `execution` the decision was overtaken by a later one of the same
    close, or nothing of it could be bought. `opening` is what a sealed decision kept back: salt, turnover and assets.
    """
    facts: dict[str, Any] = {
        "kind": "settlement",
        "decision": decision_digest,
        "as_of": as_of.isoformat(),
        "effective_on": effective_on.isoformat(),
        "is_traded": execution is not None,
        "opening": dict(opening) if opening is not None else None,
    }
    if execution is None:
        return facts
    planned = {asset: float(weight) for asset, weight in weights.items()}
    lines = []
    for asset in sorted({*execution.before, *execution.after, *planned}):
        before, after = execution.before.get(asset, 0.0), execution.after.get(asset, 0.0)
        lines.append(
            {
                "asset": asset,
                "weight_before": fraction(before),
                "weight_planned": weights.get(asset, _ZERO),
                "weight_after": fraction(after),
                "trade": fraction(after - before),
            }
        )
    return {
        **facts,
        "traded_on": execution.traded_on.isoformat(),
        "turnover": number(execution.turnover),
        "cost": number(execution.cost),
        "level": number(execution.level),
        "assets": lines,
    }


def chained(
    facts: Mapping[str, Any],
    *,
    index: str,
    sequence: int,
    previous: str,
    key_id: str,
    published_at: str,
    is_backfilled: bool,
) -> str:
    """The canonical text of the receipt; its SHA-256 is the digest that is signed and that the next receipt names."""
    return canonical(
        {
            **facts,
            "format": FORMAT,
            "index": index,
            "sequence": sequence,
            "previous": previous,
            "key_id": key_id,
            "published_at": published_at,
            "is_backfilled": is_backfilled,
        }
    )


def canonical(document: Any) -> str:
    """JSON with sorted keys and no spaces. Raises TypeError for a float: only text keeps every digit everywhere."""
    _refuse_floats(document)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of `text`, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def fraction(value: float) -> str:
    """A fraction with 18 decimal places."""
    text = f"{value:.18f}"
    return text if text != _MINUS_ZERO else _ZERO


def number(value: float) -> str:
    """The shortest text that reads back as the same float."""
    return repr(float(value))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"receipt: {value!r} is a float; write it as text")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
