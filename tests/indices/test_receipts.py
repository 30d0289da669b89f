"""Receipts as they are stored: one per decision and settlement, in a chain, signed; and found out when changed."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import override_settings

from config.replay import steps_inline
from indices import services, tasks
from indices.core import receipts
from indices.core.receipt_chain import chain_faults
from indices.core.signatures import signed
from indices.models import Decision, Index, IndexLevel, Receipt, SigningKey, TargetWeight, WeightCommitment
from indices.services.receipt_checks import public_keys, receipt_records
from indices.services.signing import seed_current
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day
from tests.indices.forgetting import unguarded
from tests.indices.test_history import BODY, MIDDLE, PANEL, index_of
from tests.markets import market_store

AI: dict[str, object] = {
    **BODY,
    "slug": "clever-5",
    "family": "ai",
}


@pytest.fixture
def stored(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    services.index_backfill(index, through=MIDDLE)
    return index


def documents(index: Index) -> list[dict[str, Any]]:
    return [
        json.loads(body)
        for body in Receipt.objects.filter(index=index).order_by("sequence").values_list("body", flat=True)
    ]


def advance(through: date) -> None:
    """Day by day, as the ticks do it."""
    day = signal_selectors.last_closed_day()
    while (day := day + timedelta(days=1)) <= through:
        signal_services.clock_set(end_of_day(day))
        with steps_inline():
            tasks.decisions_tick()


def test_every_decision_and_every_trade_has_its_receipt_in_order(stored: Index) -> None:
    found = documents(stored)
    decisions = list(Decision.objects.filter(index=stored).order_by("as_of"))
    assert [document["sequence"] for document in found] == list(range(1, len(found) + 1))
    assert len(found) == sum(1 if row.is_held else 2 for row in decisions) >= 25
    assert [document["kind"] for document in found[:4]] == [
        "decision",
        "settlement",
        "decision",
        "settlement",
    ]
    first, settled, second = found[:3]
    assert first["previous"] == receipts.NOTHING_BEFORE
    assert (first["as_of"], first["announced_on"], first["effective_on"], first["epoch"]) == (
        "2020-01-09",
        "2020-01-09",
        "2020-01-10",
        "initial",
    )
    assert first["rulebook"] == {"version": 1, "digest": decisions[0].rulebook.digest}
    assert first["input_hash"] == decisions[0].input_hash
    assert first["is_backfilled"] is True
    assert first["turnover"] == "1.0"
    assert sum(Decimal(line["weight_after"]) for line in first["assets"]) == 1
    assert all(line["weight_before"] == "0.000000000000000000" for line in first["assets"])
    assert {line["asset"]: line["reason"] for line in first["assets"]} == decisions[0].reasons
    # Bought with everything at 20 basis points: the level is 998, as the first stored one.
    assert (settled["traded_on"], settled["turnover"], settled["cost"]) == ("2020-01-10", "1.0", "0.002")
    assert (
        float(settled["level"]) == IndexLevel.objects.get(index=stored, date=date(2020, 1, 10)).level == 998.0
    )
    newest = Receipt.objects.filter(index=stored).latest("sequence")
    assert (newest.published_at.isoformat(), found[-1]["published_at"]) == (
        "2020-04-02T00:00:00+00:00",
        "2020-04-02T00:00:00Z",
    )
    rank = {line["asset"]: line["rank_after"] for line in first["assets"]}
    stayed = [line for line in second["assets"] if line["asset"] in rank]
    assert stayed
    assert all(line["rank_before"] == rank[line["asset"]] for line in stayed)
    assert services.receipts_verify(stored) == []


def test_what_left_is_told_with_its_rank_and_what_was_sold(stored: Index) -> None:
    left = [
        line
        for document in documents(stored)
        if document["kind"] == "decision"
        for line in document["assets"]
        if line["reason"].startswith("left: rank")
    ]
    assert left, "the market of this test has leavers"
    for line in left:
        assert line["reason"] == f"left: rank {line['rank_after']}"
        assert line["weight_after"] == "0.000000000000000000"
        assert Decimal(line["trade"]) == -Decimal(line["weight_before"]) < 0


def test_settlements_tell_what_the_level_paid(stored: Index) -> None:
    by_digest = {receipts.digest_of(row.body): row for row in Receipt.objects.filter(index=stored)}
    settled = [document for document in documents(stored) if document["kind"] == "settlement"]
    assert len(settled) == Decision.objects.filter(index=stored, is_held=False).count() >= 12
    for document in settled:
        assert by_digest[document["decision"]].decision.as_of.isoformat() == document["as_of"]
        total = sum(abs(Decimal(line["trade"])) for line in document["assets"])
        assert float(total) == pytest.approx(float(document["turnover"]), abs=1e-15)
        assert float(document["cost"]) == pytest.approx(0.002 * float(document["turnover"]), rel=1e-12)
        day = date.fromisoformat(document["traded_on"])
        assert float(document["level"]) == IndexLevel.objects.get(index=stored, date=day).level


def test_day_by_day_the_receipts_tell_the_same_as_all_at_once(stored: Index) -> None:
    advance(date(2020, 4, 20))
    walked = documents(stored)
    at_once = index_of({**BODY, "slug": "small-5-again"})
    services.index_backfill(at_once, through=date(2020, 4, 20))
    varies = ("index", "previous", "decision", "published_at", "is_backfilled", "rulebook", "input_hash")

    def plain(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: each[name] for name in each if name not in varies} for each in found]

    assert plain(walked) == plain(documents(at_once))
    assert [each["is_backfilled"] for each in walked[-4:]] == [False] * 4
    assert services.receipts_verify(stored) == []


def test_weights_of_an_ai_index_are_committed_to_and_opened_after_the_trade(db: None) -> None:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(AI)
    services.index_backfill(index, through=MIDDLE)
    assert WeightCommitment.objects.count() == 0, "what was traded already needs no commitment"
    sunday = date(2020, 4, 5)
    advance(sunday)
    promised = WeightCommitment.objects.get()
    sealed = documents(index)[-1]
    assert sealed["as_of"] == "2020-04-05"
    assert sealed["opens_on"] == "2020-04-06"
    assert sealed["commitment"] == promised.digest
    assert {"assets", "turnover"} & set(sealed) == set()
    weights = {
        slug: f"{weight:.18f}"
        for slug, weight in TargetWeight.objects.filter(decision=promised.decision).values_list(
            "asset__slug", "weight"
        )
    }
    text = promised.salt + "|" + json.dumps(weights, sort_keys=True, separators=(",", ":"))
    assert receipts.digest_of(text) == promised.digest
    assert len(bytes.fromhex(promised.salt)) == 32
    assert services.receipts_verify(index) == []

    advance(sunday + timedelta(days=1))
    opened = documents(index)[-1]
    assert opened["kind"] == "settlement"
    assert opened["opening"]["salt"] == promised.salt
    assert receipts.weights_of(opened["opening"]) == weights
    assert opened["decision"] == receipts.digest_of(receipts.canonical(sealed))
    assert services.receipts_verify(index) == []


def test_held_decisions_have_a_receipt_and_nothing_to_settle(stored: Index) -> None:
    index_of({**BODY, "universe": {"exclude": list(PANEL.assets)}})
    advance(date(2020, 4, 6))
    held = documents(stored)[-1]
    assert held["kind"] == "decision"
    assert "no asset passes the screens" in held["held"]
    assert (held["assets"], held["turnover"]) == ([], "0.0")
    assert services.receipts_verify(stored) == []


def test_a_decision_that_was_overtaken_is_settled_without_a_trade(db: None) -> None:
    close = PANEL.frame("close").drop(index="2020-03-30")
    lost: dict[str, Any] = {
        name: PANEL.frame(name).drop(index="2020-03-30") for name in ("market_cap", "volume")
    }
    market_store(type(PANEL).from_frames(close=close, **lost), clock_at=end_of_day(date(2020, 4, 3)))
    calendar = {"frequency": "daily", "lag_days": 2}
    index = index_of({**BODY, "slug": "daily-5", "calendar": calendar, "base": {"date": "2020-03-25"}})
    services.index_backfill(index, through=date(2020, 4, 3))
    settled = {each["as_of"]: each for each in documents(index) if each["kind"] == "settlement"}
    # The 30th is lost, so what was decided on the 28th is due on the 31st, as is what was decided on the 29th.
    overtaken, traded = settled["2020-03-28"], settled["2020-03-29"]
    assert (overtaken["effective_on"], overtaken["is_traded"]) == ("2020-03-30", False)
    assert {"assets", "cost", "level"} & set(overtaken) == set()
    assert (traded["traded_on"], traded["is_traded"]) == ("2020-03-31", True)
    again = services.recomputed(index)
    made, done = again.decisions.values(), again.executions
    assert services.receipts_verify(index, decisions=made, executions=done) == []


@pytest.mark.parametrize("model", [Receipt, WeightCommitment, SigningKey])
def test_the_database_refuses_to_change_what_was_published(db: None, model: Any) -> None:
    market_store(PANEL, clock_at=end_of_day(date(2020, 4, 5)))
    services.index_backfill(index_of(AI), through=date(2020, 4, 5))
    row = model.objects.first()
    assert row is not None
    for change in (row.save, row.delete):
        with pytest.raises((DatabaseError, IntegrityError)), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda row: {"body": row.body.replace('"turnover":"0.', '"turnover":"1.', 1)},
            "the digest of the text is",
        ),
        (lambda row: {"signature": "00" * 64}, "the signature is not one of the key"),
        (lambda row: {"previous_digest": "00" * 32}, "names 0000"),
        (lambda row: {"body": "[]"}, "the text is not a JSON object"),
    ],
)
def test_a_changed_receipt_is_named(stored: Index, change: Any, fault: str) -> None:
    row = Receipt.objects.get(index=stored, sequence=3)
    with unguarded():
        Receipt.objects.filter(pk=row.pk).update(**change(row))
    found = services.receipts_verify(stored)
    assert any(text.startswith("receipt 3: ") and fault in text for text in found), found


def test_a_receipt_made_anew_with_another_key_is_named(stored: Index) -> None:
    row = Receipt.objects.get(index=stored, sequence=3)
    body = row.body.replace('"turnover":"0.', '"turnover":"1.', 1)
    digest = receipts.digest_of(body)
    with unguarded():
        Receipt.objects.filter(pk=row.pk).update(
            body=body, digest=digest, signature=signed("11" * 32, digest)
        )
    found = services.receipts_verify(stored)
    assert any("receipt 3: the signature is not one of the key" in text for text in found)
    assert any("receipt 4: names" in text for text in found)


def test_a_changed_weight_or_a_lost_receipt_is_named(stored: Index) -> None:
    line = TargetWeight.objects.filter(decision__index=stored).order_by("decision__as_of", "asset__slug")[0]
    TargetWeight.objects.filter(pk=line.pk).update(weight=line.weight - Decimal("1e-18"))
    (fault,) = services.receipts_verify(stored)
    assert fault.startswith(f"2020-01-09: weight of {line.asset.slug} is 0.")
    TargetWeight.objects.filter(pk=line.pk).update(weight=line.weight)
    with unguarded():
        Receipt.objects.filter(index=stored, sequence=5).delete()
    found = services.receipts_verify(stored)
    assert found[0] == "receipt 5: is missing"
    assert any("the decision has no receipt" in text for text in found)


def test_a_new_key_signs_on_and_the_old_one_stays(stored: Index) -> None:
    with override_settings(BELLWETHER_SIGNING_KEY="5a" * 32):
        advance(date(2020, 4, 6))
    assert SigningKey.objects.count() == 2
    first, newest = SigningKey.objects.order_by("id")
    used = Receipt.objects.filter(index=stored).order_by("sequence").values_list("key__key_id", flat=True)
    assert set(used) == {first.key_id, newest.key_id}
    assert used[len(used) - 1] == newest.key_id
    assert services.receipts_verify(stored) == []


def test_a_history_older_than_receipts_gets_them(stored: Index) -> None:
    told = documents(stored)
    index_of({**BODY, "selection": {"count": 3, "buffer": 0}})
    advance(date(2020, 4, 14))
    with unguarded():
        Receipt.objects.filter(index=stored).delete()
    assert services.receipts_verify(stored)
    (written,) = services.receipts_fill_all().values()
    assert written == Receipt.objects.filter(index=stored).count()
    again = documents(stored)
    assert [each["assets"] for each in again[: len(told)]] == [each["assets"] for each in told]
    assert all(each["is_backfilled"] for each in again)
    recomputed = services.recomputed(stored)
    made, traded = recomputed.decisions.values(), recomputed.executions
    assert services.receipts_verify(stored, decisions=made, executions=traded) == []
    assert services.receipts_fill_all() == {}


def test_weights_opened_otherwise_than_promised_are_named_even_if_we_sign_them(db: None) -> None:
    market_store(PANEL, clock_at=end_of_day(date(2020, 4, 5)))
    index = index_of(AI)
    services.index_backfill(index, through=date(2020, 4, 5))
    advance(date(2020, 4, 6))
    records, keys = receipt_records(index), public_keys()
    assert chain_faults(index.slug, records, keys) == []
    document = json.loads(records[-1].body)
    first, second = document["opening"]["assets"][:2]
    first["weight_after"], second["weight_after"] = second["weight_after"], first["weight_after"]
    body = receipts.canonical(document)
    digest = receipts.digest_of(body)
    forged = replace(records[-1], body=body, digest=digest, signature=signed(seed_current(), digest))
    found = chain_faults(index.slug, [*records[:-1], forged], keys)
    assert any("the opened weights give the commitment" in text for text in found)
    assert not any("signature" in text or "digest of the text" in text for text in found)
