"""Receipts are written in the transaction that writes the decisions and levels they tell of: in a chain, signed."""

import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django.db import connection
from django.utils import timezone

from indices.core import calendar, receipts, signatures
from indices.core.receipts import Execution, Graded, Known, Rules
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Rulebook
from indices.models import (
    Decision,
    Index,
    IndexLevel,
    Receipt,
    RulebookVersion,
    TargetWeight,
    WeightCommitment,
)
from indices.services.outlook import sources
from indices.services.signing import key_current
from signals import selectors as signal_selectors

_COLUMNS = (
    "index_id, decision_id, kind, sequence, previous_digest, digest, body, key_id, signature, published_at, "
    "recorded_at"
)


Facts = dict[str, Any]


@dataclass(frozen=True)
class _Step:
    """One receipt to be written; `at` puts the receipts of an index in order. `facts` is given the digest of the
    decision receipt, which a settlement names."""

    at: tuple[date, date, int]
    decision_id: int
    kind: str
    facts: Callable[[str], Facts]
    is_backfilled: bool


def receipts_store(
    index: Index,
    version: RulebookVersion,
    rows: Sequence[Decision],
    made: Sequence[Decided],
    executions: Iterable[Execution],
    *,
    through: date,
) -> int:
    """Every one of `rows` (the stored `made`, parallel) has its decision receipt, and every decision traded by
    `through` its settlement receipt; returns how many were written. Expects the index row to be locked.

    A decision of an AI index that is still to be traded is sealed: its receipt holds a commitment to the weights, and
    the settlement receipt opens it. What was traded before it was stored is history filled in and says so.
    """
    stored = list(zip(rows, made, strict=True))
    steps = _decisions(index, version, stored, through=through)
    chain = Receipt.objects.filter(index=index).order_by("-sequence")
    newest = chain.values_list("sequence", "digest").first()
    told = {step.decision_id: step for step in steps}
    digests, settled = _settlements(index, told, executions, through=through)
    return _chain(index, sorted([*steps, *settled], key=lambda step: step.at), newest, digests)


def _decisions(
    index: Index, version: RulebookVersion, stored: list[tuple[Decision, Decided]], *, through: date
) -> list[_Step]:
    if not stored:
        return []
    rulebook = Rulebook.from_dict(version.body)
    rules = Rules(version.version, version.digest)
    ranks = _ranks_before(index, stored[0][0].as_of)
    secret = index.kind == Index.Kind.HOUSE and index.family == Index.Family.AI
    steps, commitments = [], []
    for row, decided in stored:
        facts = receipts.decision_facts(
            decided,
            rules=rules,
            announced_on=calendar.announcement_day(rulebook.calendar, decided.as_of),
            ranks_before=ranks,
            known=_known(rulebook, decided),
        )
        is_backfilled = decided.effective_on <= through
        if secret and not is_backfilled and not decided.held:
            salt = secrets.token_hex(32)
            kept = {"turnover": facts["turnover"], "assets": facts["assets"]}
            facts = receipts.sealed(facts, salt=salt)
            commitments.append(
                WeightCommitment(decision=row, digest=facts["commitment"], salt=salt, sealed=kept)
            )
        at, kind = (decided.as_of, decided.as_of, 0), Receipt.Kind.DECISION
        steps.append(_Step(at, row.pk, kind, lambda _, known=facts: known, is_backfilled))  # type: ignore[misc]
        if not decided.held:
            ranks = {asset: rank for asset, rank in decided.ranks.items() if asset in decided.weights}
    WeightCommitment.objects.bulk_create(commitments)
    return steps


def _settlements(
    index: Index, told: Mapping[int, _Step], executions: Iterable[Execution], *, through: date
) -> tuple[dict[int, str], list[_Step]]:
    """Settlements of everything that the market has traded by `through` and that has none yet, of decisions `told` now
    and of earlier ones; and the digests of the earlier ones' receipts, by decision."""
    waiting = Decision.objects.filter(index=index, is_held=False, effective_on__lte=through).exclude(
        receipts__kind=Receipt.Kind.SETTLEMENT
    )
    receipted = Receipt.objects.filter(decision__in=waiting, kind=Receipt.Kind.DECISION)
    digests = dict(receipted.values_list("decision_id", "digest"))
    rows = [row for row in waiting.order_by("as_of") if row.pk in told or row.pk in digests]
    if not rows:
        return digests, []
    first = min(row.effective_on for row in rows)
    levels = IndexLevel.objects.filter(index=index, date__gte=first, date__lte=through).order_by("date")
    days = list(levels.values_list("date", flat=True))
    places = {row.pk: bisect_left(days, row.effective_on) for row in rows}
    traded_on = {key: days[place] for key, place in places.items() if place < len(days)}
    # Of several decisions for one close the last one is traded.
    last = {traded_on[row.pk]: row.pk for row in rows if row.pk in traded_on}
    by_day = {execution.traded_on: execution for execution in executions}
    kept = {row.decision_id: row for row in WeightCommitment.objects.filter(decision__in=rows)}
    weights = _weights(rows)
    steps = []
    for row in rows:
        day = traded_on.get(row.pk)
        if day is None:
            continue
        opening = kept.get(row.pk)
        facts = partial(
            _settlement,
            row,
            weights[row.pk],
            by_day.get(day) if last[day] == row.pk else None,
            None if opening is None else {"salt": opening.salt, **opening.sealed},
        )
        is_backfilled = row.pk in told and told[row.pk].is_backfilled
        steps.append(_Step((day, row.as_of, 1), row.pk, Receipt.Kind.SETTLEMENT, facts, is_backfilled))
    return digests, steps


def _settlement(
    row: Decision,
    weights: Mapping[str, str],
    execution: Execution | None,
    opening: Facts | None,
    decision_digest: str,
) -> Facts:
    return receipts.settlement_facts(
        as_of=row.as_of,
        effective_on=row.effective_on,
        decision_digest=decision_digest,
        weights=weights,
        execution=execution,
        opening=opening,
    )


def _chain(index: Index, steps: list[_Step], newest: tuple[int, str] | None, digests: dict[int, str]) -> int:
    if not steps:
        return 0
    seed, key = key_current()
    sequence, previous = newest or (0, receipts.NOTHING_BEFORE)
    published_at = signal_selectors.market_time().astimezone(UTC).replace(microsecond=0)
    recorded_at = timezone.now()
    with connection.cursor() as cursor, cursor.copy(f"COPY indices_receipt ({_COLUMNS}) FROM STDIN") as copy:
        for step in steps:
            sequence += 1
            body = receipts.chained(
                step.facts(digests.get(step.decision_id, "")),
                index=index.slug,
                sequence=sequence,
                previous=previous,
                key_id=key.key_id,
                published_at=moment_text(published_at),
                is_backfilled=step.is_backfilled,
            )
            digest = receipts.digest_of(body)
            signature = signatures.signed(seed, digest)
            place = (index.pk, step.decision_id, str(step.kind), sequence)
            copy.write_row((*place, previous, digest, body, key.pk, signature, published_at, recorded_at))
            previous = digest
            if step.kind == Receipt.Kind.DECISION:
                digests[step.decision_id] = digest
    return len(steps)


def moment_text(moment: datetime) -> str:
    """`moment` as receipts write it, in UTC to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _known(rulebook: Rulebook, made: Decided) -> Known:
    """The grades and the regime that the decision says it used, with what made the grades of its assets."""
    graded_on, regime_on = sources(rulebook, "; ".join(made.notes), as_of=made.as_of)
    grades = {}
    if graded_on is not None and not made.held:
        rows = signal_selectors.grades(as_of=graded_on, assets={*made.drifted, *made.weights})
        grades = {
            row.slug: Graded(
                row.trader_grade, tuple((str(part[0]), float(part[-1])) for part in row.contributions)
            )
            for row in rows
        }
    regime = None if regime_on is None else signal_selectors.regime_day(as_of=regime_on)
    return Known(
        grades_of=graded_on,
        grades=grades,
        regime_of=None if regime is None else regime.day,
        risk_share=None if regime is None else regime.risk_share,
    )


def _ranks_before(index: Index, as_of: date) -> dict[str, int]:
    before = Decision.objects.filter(index=index, as_of__lt=as_of, is_held=False).order_by("-as_of").first()
    if before is None:
        return {}
    lines = TargetWeight.objects.filter(decision=before, rank__isnull=False)
    return {slug: rank for slug, rank in lines.values_list("asset__slug", "rank") if rank is not None}


def _weights(rows: Sequence[Decision]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {row.pk: {} for row in rows}
    lines = TargetWeight.objects.filter(decision__in=rows)
    for key, slug, weight in lines.values_list("decision_id", "asset__slug", "weight"):
        found[key][slug] = f"{weight:.18f}"
    return found
