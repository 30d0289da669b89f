"""A receipt against what is stored of its decision, and against what the rules make of the same inputs today."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from indices.core import receipts
from indices.core.receipt_chain import Record, document_of
from indices.core.receipts import Execution
from indices.core.rulebook import Decision

CLOSE = 1e-12
"""A decision of another machine may differ in the last bits of what was drifted."""


@dataclass(frozen=True)
class Filed:
    """A stored decision. `weights` are asset -> (weight with 18 places, rank); `promised` is the commitment, if any."""

    as_of: date
    effective_on: date
    epoch: str
    version: int
    rules_digest: str
    input_hash: str
    turnover: float
    is_held: bool
    weights: Mapping[str, tuple[str, int | None]] = field(repr=False)
    reasons: Mapping[str, str] = field(repr=False)
    promised: str | None = None
    salt: str | None = field(default=None, repr=False)


def fact_faults(
    filed: Iterable[Filed],
    records: Iterable[Record],
    *,
    decisions: Iterable[Decision] = (),
    executions: Iterable[Execution] = (),
) -> list[str]:
    """Where receipts say something else than the stored decisions and the recomputed ones; empty where all is well."""
    documents = [document_of(record) for record in records]
    told = {each["as_of"]: dict(each) for each in documents if each["kind"] == "decision"}
    settled = {each["as_of"]: each for each in documents if each["kind"] == "settlement"}
    # What a sealed decision kept back is in the settlement that opened it.
    for day in told.keys() & settled.keys():
        told[day] |= settled[day].get("opening") or {}
    faults = []
    for row in filed:
        document = told.get(row.as_of.isoformat())
        if document is None:
            faults.append(f"{row.as_of}: the decision has no receipt")
        else:
            faults += _filed_faults(row, document)
    for made in decisions:
        document = told.get(made.as_of.isoformat())
        if document is not None and not made.held and document.get("assets") is not None:
            faults += _line_faults(made.as_of, document["assets"], made.drifted, "weight_before")
    by_day = {execution.traded_on.isoformat(): execution for execution in executions}
    for document in settled.values():
        execution = by_day.get(str(document.get("traded_on")))
        if execution is not None:
            faults += _execution_faults(document, execution)
    return faults


def _filed_faults(row: Filed, document: Mapping[str, Any]) -> list[str]:
    stored = {
        "effective_on": row.effective_on.isoformat(),
        "epoch": row.epoch,
        "input_hash": row.input_hash,
        "rulebook": {"version": row.version, "digest": row.rules_digest},
    }
    faults = [
        f"{row.as_of}: {name} is {value}, the receipt says {document.get(name)}"
        for name, value in stored.items()
        if document.get(name) != value
    ]
    if bool(document.get("held")) != row.is_held:
        faults.append(f"{row.as_of}: is_held is {row.is_held}, the receipt says {document.get('held')!r}")
    if row.promised != document.get("commitment"):
        faults.append(f"{row.as_of}: the commitment is {row.promised}, the receipt says otherwise")
    if row.promised is not None and row.salt is not None:
        kept = receipts.commitment(row.salt, {asset: weight for asset, (weight, _) in row.weights.items()})
        if kept != row.promised:
            faults.append(f"{row.as_of}: the weights do not give the commitment {row.promised}")
    if document.get("assets") is None:
        return faults
    if receipts.number(row.turnover) != document["turnover"]:
        faults.append(f"{row.as_of}: turnover is {row.turnover!r}, the receipt says {document['turnover']}")
    return faults + _weight_faults(row, document["assets"])


def _weight_faults(row: Filed, told: list[dict[str, Any]]) -> list[str]:
    faults = []
    lines = {line["asset"]: line for line in told}
    for asset in sorted({*lines, *row.weights}):
        line = lines.get(asset, {})
        weight, rank = row.weights.get(asset, (receipts.fraction(0), None))
        if line.get("weight_after") != weight:
            faults.append(
                f"{row.as_of}: weight of {asset} is {weight}, the receipt says {line.get('weight_after')}"
            )
        if asset in row.weights and line.get("rank_after") != rank:
            faults.append(
                f"{row.as_of}: rank of {asset} is {rank}, the receipt says {line.get('rank_after')}"
            )
        if line.get("reason", "") != row.reasons.get(asset, ""):
            faults.append(f"{row.as_of}: the reason of {asset} is not that of the receipt")
    return faults


def _execution_faults(document: Mapping[str, Any], execution: Execution) -> list[str]:
    day = execution.traded_on
    told = (
        ("turnover", execution.turnover),
        ("cost", execution.cost),
        ("level", execution.level),
    )
    faults = [
        f"{day}: {name} is {document[name]} in the receipt, computed {value!r}"
        for name, value in told
        if abs(float(document[name]) - value) > CLOSE * max(1.0, abs(value))
    ]
    faults += _line_faults(day, document["assets"], execution.before, "weight_before")
    faults += _line_faults(day, document["assets"], execution.after, "weight_after")
    return faults


def _line_faults(
    day: date, lines: list[dict[str, Any]], computed: Mapping[str, float], name: str
) -> list[str]:
    told = {line["asset"]: float(line[name]) for line in lines}
    return [
        f"{day}: {name} of {asset} is {told.get(asset, 0.0)!r} in the receipt, computed {computed.get(asset, 0.0)!r}"
        for asset in sorted({*told, *computed})
        if abs(told.get(asset, 0.0) - computed.get(asset, 0.0)) > CLOSE
    ]
