"""One effect per Idempotency-Key: the answer is stored in the same transaction as the effect it reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from portfolios.models import IdempotencyRecord, User

KEPT_FOR = timedelta(days=30)


class IdempotencyMismatchError(Exception):
    """The key was used before, for a request with another method, path or body."""


@dataclass(frozen=True)
class Answer:
    """What a write answered: HTTP status and JSON-ready body. `is_replay` where it was answered before."""

    status: int
    body: dict[str, Any]
    is_replay: bool = False


def fingerprint(method: str, path: str, data: Mapping[str, Any]) -> str:
    """SHA-256 of method, path and body; spacing and the order of fields in the body do not matter."""
    canonical = json.dumps([method, path, data], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def answer_once(user: User, key: str, print_: str, act: Callable[[], Answer]) -> Answer:
    """`act()`'s answer, and its effect exactly once however often and however simultaneously this is called.

    A second caller waits on the unique index until the first commits (then gets the stored answer) or rolls back (then
    acts itself): an attempt that raised leaves no record. Raises IdempotencyMismatchError where `key` was used with
    another fingerprint, and whatever `act` raises.
    """
    with transaction.atomic():
        mine = IdempotencyRecord(user=user, key=key, fingerprint=print_)
        # ON CONFLICT DO NOTHING waits for a transaction in flight that holds the same key.
        IdempotencyRecord.objects.bulk_create([mine], ignore_conflicts=True)
        record = IdempotencyRecord.objects.select_for_update().get(user=user, key=key)
        if record.fingerprint != print_:
            raise IdempotencyMismatchError(key)
        if record.status is not None:
            return Answer(record.status, json.loads(str(record.body)), is_replay=True)
        answer = act()
        # As text inside the JSON column: an object would lose the order of its fields and the replay its sameness.
        IdempotencyRecord.objects.filter(pk=record.pk).update(
            status=answer.status, body=json.dumps(answer.body)
        )
    return answer


def records_prune(*, now: datetime) -> int:
    """Answers older than 30 days are forgotten; returns how many."""
    deleted, _ = IdempotencyRecord.objects.filter(created_at__lt=now - KEPT_FOR).delete()
    return deleted
