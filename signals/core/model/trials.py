"""The public list of every trial: one line each, chained by hash, so that none can be left out or changed later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FIELDS = ("number", "kind", "git_sha", "spec", "spec_hash", "data_hash", "result", "previous", "digest")


class TrialError(ValueError):
    """The list of trials is not what was written; the message names the line and what is wrong with it."""


@dataclass(frozen=True)
class Trial:
    """One look at the data. `digest` covers every other field, `previous` is the digest of the trial before."""

    number: int
    kind: str
    git_sha: str
    spec: Mapping[str, Any]
    spec_hash: str
    data_hash: str
    result: Mapping[str, Any]
    previous: str
    digest: str

    def line(self) -> str:
        """The trial as one line of JSON, keys sorted."""
        return canonical({name: getattr(self, name) for name in FIELDS})


def canonical(value: Any) -> str:
    """JSON that is the same text for the same content: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def registered(
    lines: Iterable[str],
    *,
    kind: str,
    git_sha: str,
    spec: Mapping[str, Any],
    data_hash: str,
    result: Mapping[str, Any],
) -> Trial:
    """The next trial after `lines`, which are verified first. Raises TrialError where they were tampered with."""
    before = verified(lines)
    content: dict[str, Any] = {
        "number": len(before) + 1,
        "kind": kind,
        "git_sha": git_sha,
        "spec": dict(spec),
        "spec_hash": digest(dict(spec)),
        "data_hash": data_hash,
        "result": dict(result),
        "previous": before[-1].digest if before else "",
    }
    return Trial(**content, digest=digest(content))


def verified(lines: Iterable[str]) -> list[Trial]:
    """The trials of `lines`, whose numbers, digests and chain hold. Raises TrialError at the first that does not."""
    trials: list[Trial] = []
    for number, line in enumerate(lines, start=1):
        content = json.loads(line)
        if set(content) != set(FIELDS):
            raise TrialError(f"trial {number}: has {sorted(content)}; a trial has {', '.join(FIELDS)}")
        claimed = content.pop("digest")
        if content["number"] != number:
            raise TrialError(f"trial {number}: says it is number {content['number']}; a trial is missing")
        if content["previous"] != (trials[-1].digest if trials else ""):
            raise TrialError(f"trial {number}: does not follow the one before; restore the list as it was")
        if claimed != digest(content) or content["spec_hash"] != digest(content["spec"]):
            raise TrialError(
                f"trial {number}: its digest is not that of its content; restore the list as it was"
            )
        trials.append(Trial(**content, digest=claimed))
    return trials
