"""Corrections of prints: proposed, approved by a second person, applied; and events of tokens, entered and withdrawn.

What the indices make of a correction is their business: they call `candle_restate` and `restatement_applied` within
one transaction of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from signals.core import clock
from signals.core.restating import CorrectionError, moved, sound
from signals.models import Asset, AssetEvent, Candle, Restatement
from signals.selectors import candle_known, market_active
from signals.selectors.candles import Bar
from signals.selectors.market import require_known

_SHORTEST_REASON = 10


class SamePerson(CorrectionError):
    """Two persons are needed, and this is the first one again."""


@transaction.atomic
def restatement_propose(
    slug: str,
    *,
    day: date,
    new: Mapping[str, float],
    reason: str,
    evidence_url: str,
    by: str,
    source: str = "",
) -> Restatement:
    """A correction of one daily candle of the active market is proposed in the name of `by`; nothing changes yet.

    `new` is field -> USD. Raises CorrectionError naming what is wrong, NotYetKnown and Asset.DoesNotExist.
    """
    require_known(market_active(), day)
    bar = candle_known(slug, day=day, source=source)
    if bar is None:
        whose = f" from {source}" if source else ""
        raise CorrectionError(
            f"day: {slug} has no candle of {day}{whose}; only what there is can be corrected."
        )
    if not by:
        raise CorrectionError("by: a correction has a name to it.")
    if len(reason.strip()) < _SHORTEST_REASON:
        raise CorrectionError(
            "reason: say in a sentence what is wrong and how that is known; it is published."
        )
    if not evidence_url.startswith(("https://", "http://")):
        raise CorrectionError("evidence_url: give the address where anybody can see the right value.")
    open_one = Restatement.objects.filter(
        asset__slug=slug,
        day=day,
        source=bar.source,
        status__in=(Restatement.Status.DRAFT, Restatement.Status.APPROVED),
    ).first()
    if open_one is not None:
        raise CorrectionError(
            f"day: restatement {open_one.pk} of this candle is open; decide about it first."
        )
    old = values_of(bar)
    changed = sound(new, old)
    return Restatement.objects.create(
        asset=Asset.objects.get(slug=slug),
        day=day,
        source=bar.source,
        old={name: old[name] for name in changed},
        new=changed,
        reason=reason.strip(),
        evidence_url=evidence_url,
        proposed_by=by,
    )


@transaction.atomic
def restatement_previewed(restatement_id: int, effects: Mapping[str, Any]) -> Restatement:
    """What the indices would make of it is kept beside the proposal, for the one who decides."""
    row = _locked(restatement_id)
    if row.status != Restatement.Status.DRAFT:
        raise CorrectionError(f"status: restatement {row.pk} is {row.status}; its preview stands.")
    row.effects, row.previewed_at = dict(effects), timezone.now()
    row.save(update_fields=["effects", "previewed_at"])
    return row


@transaction.atomic
def restatement_approve(
    restatement_id: int, *, by: str, treatment: str, treatment_reason: str = ""
) -> Restatement:
    """`by`, who is not the proposer, has approved it with `treatment` (restate or notice) after a preview.

    Raises SamePerson and CorrectionError.
    """
    row = _locked(restatement_id)
    moved(row.status, Restatement.Status.APPROVED)
    if not by or by == row.proposed_by:
        raise SamePerson("approved_by: whoever proposed a correction cannot approve it; ask somebody else.")
    if row.previewed_at is None:
        raise CorrectionError("preview: look at what it changes before you approve it.")
    if treatment not in Restatement.Treatment.values:
        raise CorrectionError(f"treatment: must be restate or notice, got {treatment!r}.")
    row.status, row.approved_by, row.approved_at = Restatement.Status.APPROVED, by, timezone.now()
    row.treatment, row.treatment_reason = treatment, treatment_reason
    row.save(update_fields=["status", "approved_by", "approved_at", "treatment", "treatment_reason"])
    return row


@transaction.atomic
def restatement_close(restatement_id: int, *, to: str, by: str, why: str) -> Restatement:
    """It is rejected or withdrawn in the name of `by`, with a reason. A draft is withdrawn by its proposer only.

    Raises CorrectionError.
    """
    row = _locked(restatement_id)
    if to not in (Restatement.Status.REJECTED, Restatement.Status.WITHDRAWN):
        raise CorrectionError(f"status: must be rejected or withdrawn, got {to!r}.")
    row.status = moved(row.status, to)
    if to == Restatement.Status.WITHDRAWN and by not in (row.proposed_by, row.approved_by):
        raise CorrectionError(
            "status: only who proposed or approved a correction withdraws it; reject it instead."
        )
    if not why.strip():
        raise CorrectionError("why: say in a few words why; it is kept.")
    row.closed_by, row.closed_at, row.closed_why = by, timezone.now(), why.strip()[:240]
    row.save(update_fields=["status", "closed_by", "closed_at", "closed_why"])
    return row


def candle_restate(restatement_id: int) -> datetime:
    """The candle of an approved restatement has its corrected values, and what it said is in CandleRevision.

    Returns the moment from which on they are known. To be called in the transaction that also restates what rests on
    the candle. Raises CorrectionError where the candle does not say any more what it said when it was proposed.
    """
    row = _locked(restatement_id)
    moved(row.status, Restatement.Status.APPLIED)
    candle = (
        Candle.objects.select_for_update()
        .filter(
            asset=row.asset,
            interval=Candle.Interval.DAY,
            opened_at=clock.start_of_day(row.day),
            source=row.source,
        )
        .first()
    )
    said = None if candle is None else {name: getattr(candle, name) for name in row.old}
    if candle is None or said != row.old:
        raise CorrectionError(
            f"old: the candle says {said} now, not {row.old}; withdraw restatement {row.pk} and propose it anew."
        )
    candle.known_from = timezone.now()
    for name, value in row.new.items():
        setattr(candle, name, value)
    candle.save(update_fields=["known_from", *row.new])
    return candle.known_from


def restatement_applied(
    restatement_id: int, *, by: str, at: datetime, effects: Mapping[str, Any]
) -> Restatement:
    """It is applied and public, with what it changed. In the transaction that did so. Raises CorrectionError."""
    row = _locked(restatement_id)
    row.status = moved(row.status, Restatement.Status.APPLIED)
    row.applied_by, row.applied_at, row.effects = by, at, dict(effects)
    row.save(update_fields=["status", "applied_by", "applied_at", "effects"])
    return row


@transaction.atomic
def asset_event_enter(
    kind: str,
    slug: str,
    *,
    day: date,
    by: str,
    source_url: str,
    until: date | None = None,
    into: str = "",
    terms: Mapping[str, float] | None = None,
    note: str = "",
) -> AssetEvent:
    """An event of a token is known from now on. Whoever calls has checked that the engine understands its terms.

    Raises CorrectionError and Asset.DoesNotExist.
    """
    if kind not in AssetEvent.Kind.values:
        raise CorrectionError(f"kind: must be one of {', '.join(AssetEvent.Kind.values)}, got {kind!r}.")
    if not source_url.startswith(("https://", "http://")):
        raise CorrectionError("source_url: give the address where anybody can see it.")
    return AssetEvent.objects.create(
        kind=kind,
        asset=Asset.objects.get(slug=slug),
        day=day,
        until=until,
        into=Asset.objects.get(slug=into) if into else None,
        terms=dict(terms or {}),
        source_url=source_url,
        note=note[:240],
        entered_by=by,
        known_from=timezone.now(),
    )


@transaction.atomic
def asset_event_withdraw(event_id: int, *, by: str, why: str) -> AssetEvent:
    """The event counts no more from now on; that it did stays on record. Raises CorrectionError."""
    row = AssetEvent.objects.select_for_update().filter(pk=event_id).first()
    if row is None or row.withdrawn_at is not None:
        raise CorrectionError(f"event: there is no event {event_id} in force.")
    if not why.strip():
        raise CorrectionError("why: say in a few words why; it is kept.")
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_why = timezone.now(), by, why.strip()[:240]
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_why"])
    return row


def values_of(bar: Bar) -> dict[str, float | None]:
    """The fields of a candle that may be corrected, USD."""
    return {
        "close": bar.close,
        "market_cap": bar.market_cap,
        "volume": bar.volume,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
    }


def _locked(restatement_id: int) -> Restatement:
    row = (
        Restatement.objects.select_for_update(of=("self",))
        .select_related("asset")
        .filter(pk=restatement_id)
        .first()
    )
    if row is None:
        raise CorrectionError(f"restatement: there is no restatement {restatement_id}.")
    return row
