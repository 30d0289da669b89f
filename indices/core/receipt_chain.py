"""Is a chain of receipts whole, signed and true to itself? Needs nothing but the receipts and the public keys."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from indices.core import receipts, signatures

TOLERANCE = 1e-9
"""Sums of rounded fractions differ from the exact ones by this much at most."""


@dataclass(frozen=True)
class Record:
    """One receipt as it was published."""

    sequence: int
    kind: str
    previous: str
    digest: str
    body: str
    key_id: str
    signature: str


def chain_faults(index: str, records: Iterable[Record], keys: Mapping[str, str]) -> list[str]:
    """What is wrong with the receipts of `index`, in order of their sequence; empty where all is well.

    `keys` are key id -> public key, hexadecimal. Looked at: numbers without a gap, the digest of each text, the digest
    each one names as the one before, the signature, what the text says of itself, and every opened commitment.
    """
    faults = [
        f"key {key_id}: is not the name of its public key"
        for key_id, public in keys.items()
        if signatures.key_id_of(public) != key_id
    ]
    previous, decisions = receipts.NOTHING_BEFORE, dict[str, Mapping[str, Any]]()
    for expected, record in enumerate(records, start=1):
        name = f"receipt {record.sequence}"
        if record.sequence != expected:
            return [*faults, f"receipt {expected}: is missing"]
        faults += [f"{name}: {text}" for text in _own_faults(record, previous, keys)]
        previous = record.digest
        document = _read(record.body)
        if document is None:
            faults.append(f"{name}: the text is not a JSON object")
            continue
        faults += [f"{name}: {text}" for text in _told_faults(index, record, document)]
        if record.kind == "decision":
            decisions[record.digest] = document
            faults += [f"{name}: {text}" for text in _sum_faults(document)]
        else:
            decided = decisions.get(str(document.get("decision")))
            faults += [f"{name}: {text}" for text in _settled_faults(document, decided)]
    return faults


def document_of(record: Record) -> dict[str, Any]:
    """The document in the text of `record`. Raises ValueError where it is none."""
    document = _read(record.body)
    if document is None:
        raise ValueError(f"receipt {record.sequence}: the text is not a JSON object")
    return document


def _own_faults(record: Record, previous: str, keys: Mapping[str, str]) -> list[str]:
    faults = []
    if receipts.digest_of(record.body) != record.digest:
        faults.append(f"the digest of the text is {receipts.digest_of(record.body)}, stored {record.digest}")
    if record.previous != previous:
        faults.append(f"names {record.previous} as the one before, which is {previous}")
    public = keys.get(record.key_id)
    if public is None:
        faults.append(f"signed with the key {record.key_id}, which is not published")
    elif not signatures.is_signed_by(public, record.digest, record.signature):
        faults.append(f"the signature is not one of the key {record.key_id}")
    return faults


def _told_faults(index: str, record: Record, document: Mapping[str, Any]) -> list[str]:
    told = {
        "format": receipts.FORMAT,
        "index": index,
        "sequence": record.sequence,
        "kind": record.kind,
        "previous": record.previous,
        "key_id": record.key_id,
    }
    return [
        f"the text says {name} {document.get(name)!r}, but it is {value!r}"
        for name, value in told.items()
        if document.get(name) != value
    ]


def _sum_faults(document: Mapping[str, Any]) -> list[str]:
    """Trades are after less before, and turnover is their sum."""
    if document.get("assets") is None or document.get("held"):
        return []
    total, faults = 0.0, []
    for line in document["assets"]:
        trade = float(line["weight_after"]) - float(line["weight_before"])
        total += abs(trade)
        if abs(trade - float(line["trade"])) > TOLERANCE:
            faults.append(f"{line['asset']}: the trade is {line['trade']}, after less before {trade!r}")
    if abs(total - float(document["turnover"])) > TOLERANCE * max(len(document["assets"]), 1):
        faults.append(f"the turnover is {document['turnover']}, the sum of all trades {total!r}")
    return faults


def _settled_faults(document: Mapping[str, Any], decided: Mapping[str, Any] | None) -> list[str]:
    if decided is None:
        return [f"settles the decision {document.get('decision')}, which has no receipt before"]
    faults = [
        f"{name} is {document.get(name)}, decided {decided.get(name)}"
        for name in ("as_of", "effective_on")
        if document.get(name) != decided.get(name)
    ]
    promised, shown = decided.get("commitment"), decided
    if promised is not None:
        opening = document.get("opening")
        if opening is None:
            return [*faults, "does not open the commitment of its decision"]
        shown = opening
        kept = receipts.commitment(opening["salt"], receipts.weights_of(opening))
        if kept != promised:
            faults.append(f"the opened weights give the commitment {kept}, promised was {promised}")
        faults += _sum_faults(opening)
    if document.get("is_traded"):
        planned = receipts.weights_of(shown)
        faults += [
            f"{line['asset']}: planned is {line['weight_planned']}, decided {planned.get(line['asset'])}"
            for line in document["assets"]
            if line["weight_planned"] != planned.get(line["asset"], receipts.fraction(0))
        ]
        faults += _sum_faults(document)
    return faults


def _read(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
