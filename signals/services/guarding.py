"""Marks of a live market pass the price guard: one round a minute, and a person where a freeze asks for one (ADR 7)."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction

from signals.core import categories, figures
from signals.core.candles import COLUMNS
from signals.core.guard import (
    TRADING,
    GuardState,
    PegRules,
    Quote,
    Verdict,
    guard_dict,
    guard_state,
    peg_dict,
    peg_state,
)
from signals.models import Asset, Candle, Freeze, GuardRecord
from signals.selectors.guarding import (
    CONSENSUS,
    MINUTE,
    is_guarded,
    large_assets,
    quotes_of_round,
    round_moment,
)
from signals.selectors.market import market_active
from signals.services.ingest import candles_ingest

log = logging.getLogger(__name__)

PEG_RULES = PegRules()
TYPED_AGREES = 0.01
"""How far what an operator typed may lie from what the sources say at that moment, a fraction."""
BY_SOURCES = "sources"
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


class ConfirmationRefused(ValueError):
    """A freeze was not confirmed; the message says why and what to do."""


@dataclass
class Judged:
    """What one call did: verdicts by status, and the slugs whose freeze began or ended."""

    accepted: int = 0
    withheld: int = 0
    pending: int = 0
    frozen: int = 0
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    @property
    def verdicts(self) -> int:
        """How many assets were judged."""
        return self.accepted + self.withheld + self.pending + self.frozen


def marks_judge(*, at: datetime) -> Judged:
    """Every asset with live quotes has been judged for the minute of `at`; accepted marks are stored as the quotes of
    source `consensus`, with the guard's memory and every freeze that began or ended, in one transaction.

    A second call for the same minute changes nothing, and of two at once one waits and then finds it done. A market
    without live quotes passes by the guard.
    """
    market = market_active()
    if not is_guarded(market):
        return Judged()
    moment = round_moment(at)
    quotes = quotes_of_round(market, moment)
    large = large_assets(market)
    judged = Judged()
    with transaction.atomic():
        GuardRecord.objects.bulk_create(
            [GuardRecord(asset_id=asset, stepped_at=_BEFORE_ALL) for asset in sorted(quotes)],
            ignore_conflicts=True,
        )
        records = [record for record in _locked() if record.stepped_at < moment]
        marks: dict[str, float] = {}
        for record in records:
            verdict = _step(record, quotes.get(record.asset_id, []), moment, large)
            _count(judged, record, verdict)
            if verdict.price is not None:
                marks[record.asset.slug] = verdict.price
        _freezes_keep(records, judged, moment)
        _records_store(records)
        _marks_store(marks, moment)
    return judged


@transaction.atomic
def freeze_confirm(freeze_id: int, *, candidate: float, by: str, at: datetime) -> Freeze:
    """The freeze is over because `by` stands for the price that the sources agree on now, which `candidate` (USD, as
    typed) matches within 1 %; the asset has that mark and trades again.

    Raises ConfirmationRefused where the freeze is over already, where the sources do not agree on a price at `at`
    (a person stands for a move, never for a missing agreement), or where the price is no longer the one typed.
    """
    if not by:
        raise ConfirmationRefused("Nothing was changed: say who confirms.")
    market, moment = market_active(), round_moment(at)
    freeze = Freeze.objects.select_related("asset").filter(pk=freeze_id).first()
    record = None if freeze is None else _locked([freeze.asset_id]).first()
    if freeze is None or record is None or not is_guarded(market):
        raise ConfirmationRefused("Nothing was changed: there is no such freeze in a live market.")
    freeze.refresh_from_db()
    if freeze.ended_at is not None:
        raise ConfirmationRefused(
            f"Nothing was changed: the freeze ended at {freeze.ended_at:%Y-%m-%d %H:%M} UTC by {freeze.ended_by}."
        )
    moment = max(moment, record.stepped_at)
    quotes = quotes_of_round(market, moment, assets=[record.asset_id]).get(record.asset_id, [])
    before = guard_state(record.state, TRADING)
    large = record.asset_id in large_assets(market)
    _, verdict = before.step(quotes, at=moment, large=large, confirmed_by=by)
    if verdict.price is None:
        raise ConfirmationRefused(
            f"Nothing was changed: the sources do not agree on a price now. {' '.join(verdict.reasons)}"
        )
    if not abs(candidate - verdict.price) <= TYPED_AGREES * verdict.price:
        raise ConfirmationRefused(
            f"Nothing was changed: {figures.price(candidate)} was typed and the sources say "
            f"{figures.price(verdict.price)} now. Look at them again."
        )
    _step(record, quotes, moment, frozenset({record.asset_id} if large else ()), by=by)
    _records_store([record])
    _freeze_end(freeze, moment, by)
    _marks_store({record.asset.slug: verdict.price}, moment)
    return freeze


def _locked(assets: Collection[int] | None = None) -> Any:
    records = GuardRecord.objects.select_for_update(of=("self",)).select_related("asset").order_by("asset_id")
    return records if assets is None else records.filter(asset_id__in=assets)


def _step(
    record: GuardRecord, quotes: list[Quote], moment: datetime, large: Collection[int], *, by: str = ""
) -> Verdict:
    """`record` carries the state after this round; nothing is stored yet."""
    before: GuardState = guard_state(record.state, TRADING)
    after, verdict = before.step(quotes, at=moment, large=record.asset_id in large, confirmed_by=by)
    record.state = guard_dict(after)
    record.status = verdict.status.name.lower()
    record.stepped_at = moment
    record.verdict = _told(verdict, quotes)
    if verdict.price is not None:
        record.mark, record.marked_at = verdict.price, moment
    if is_pegged(record.asset):
        # The candidate, believed or not: a fall that waits for confirmation must already stop purchases.
        peg, _ = peg_state(record.peg, PEG_RULES).step(verdict.candidate, at=moment)
        record.peg = peg_dict(peg)
    return verdict


def is_pegged(asset: Asset) -> bool:
    """Whether the asset promises a dollar: a stablecoin, but not one of another currency."""
    return categories.STABLECOIN in asset.categories and "eur-stablecoin" not in asset.categories


def _told(verdict: Verdict, quotes: list[Quote]) -> dict[str, Any]:
    return {
        "cause": str(verdict.cause),
        "candidate": verdict.candidate,
        "move": verdict.move,
        "reasons": list(verdict.reasons),
        "quotes": [
            {
                "source": quote.source,
                "price": quote.price,
                "at": quote.at.isoformat(),
                "counts": quote.source in verdict.sources,
            }
            for quote in sorted(quotes, key=lambda quote: quote.source)
        ],
    }


def _count(judged: Judged, record: GuardRecord, verdict: Verdict) -> None:
    setattr(judged, record.status, getattr(judged, record.status) + 1)
    if verdict.price is None and record.status != "withheld":
        log.info("guard: %s %s: %s", record.asset.slug, record.status, verdict.reasons[0])


def _freezes_keep(records: list[GuardRecord], judged: Judged, moment: datetime) -> None:
    """An open freeze for every frozen asset among `records`, and none for the others."""
    open_ones = {
        freeze.asset_id: freeze
        for freeze in Freeze.objects.filter(
            ended_at__isnull=True, asset__in=[record.asset_id for record in records]
        )
    }
    begun = []
    for record in records:
        pending = record.state["pending"]
        frozen, freeze = bool(pending and pending["frozen"]), open_ones.get(record.asset_id)
        if frozen and freeze is None:
            begun.append(
                Freeze(
                    asset=record.asset,
                    began_at=moment,
                    last_mark=record.mark,
                    candidate=record.verdict["candidate"],
                    reasons=record.verdict["reasons"],
                    sources={quote["source"]: quote["price"] for quote in record.verdict["quotes"]},
                )
            )
            judged.began.append(record.asset.slug)
            log.critical("guard: %s is frozen: %s", record.asset.slug, record.verdict["reasons"][0])
        elif freeze is not None and not frozen:
            _freeze_end(freeze, moment, BY_SOURCES)
            judged.ended.append(record.asset.slug)
    Freeze.objects.bulk_create(begun)


def _freeze_end(freeze: Freeze, moment: datetime, by: str) -> None:
    freeze.ended_at, freeze.ended_by = moment, by
    freeze.save(update_fields=["ended_at", "ended_by"])


def _records_store(records: list[GuardRecord]) -> None:
    GuardRecord.objects.bulk_update(
        records, ["stepped_at", "state", "peg", "status", "mark", "marked_at", "verdict"], batch_size=500
    )


def _marks_store(marks: Mapping[str, float], moment: datetime) -> None:
    if not marks:
        return
    rows = pd.DataFrame(
        {
            "asset": list(marks),
            "opened_at": pd.Timestamp(moment - MINUTE).tz_convert(None),
            "close": list(marks.values()),
            **dict.fromkeys(("open", "high", "low", "volume", "market_cap"), np.nan),
        }
    )
    candles_ingest(rows[list(COLUMNS)], source=CONSENSUS, interval=Candle.Interval.MINUTE, known_at=moment)
