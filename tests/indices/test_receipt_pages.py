"""The doors to receipts: pages, API and command, and what they keep back."""

import hashlib
import io
import json
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from indices import selectors, services
from indices.core.signatures import is_signed_by
from indices.models import Decision, Index, IndexLevel, Receipt, WeightCommitment
from portfolios.services.plans import plans_seed
from signals.core.clock import end_of_day
from signals.models import Grade, ModelRun
from tests.indices.forgetting import unguarded
from tests.indices.markets import market
from tests.indices.test_history import BODY, MIDDLE, PANEL, index_of
from tests.indices.test_outlook import GRADED, frame, publish
from tests.indices.test_receipts import AI, advance
from tests.journeys.reading import read
from tests.markets import market_store

SUNDAY = date(2020, 4, 5)


@pytest.fixture
def plain(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    plans_seed()
    index = index_of(BODY)
    services.index_backfill(index, through=MIDDLE)
    return index


@pytest.fixture
def sealed(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    plans_seed()
    index = index_of(AI)
    services.index_backfill(index, through=MIDDLE)
    advance(SUNDAY)
    return index


def test_the_text_of_a_receipt_can_be_checked_by_hand(client: Client, plain: Index) -> None:
    text = client.get("/indices/small-5/receipts/3.json").content
    told = client.get("/api/v1/indices/small-5/receipts/3/").json()
    (key,) = client.get("/api/v1/receipts/key/").json()["results"]
    assert hashlib.sha256(text).hexdigest() == told["digest"]
    assert told["text"].encode() == text
    assert told["document"] == json.loads(text)
    assert told["public_key"] == key["public_key"]
    assert key["is_current"] is True
    assert is_signed_by(key["public_key"], told["digest"], told["signature"])
    assert not is_signed_by(key["public_key"], told["previous"], told["signature"])


def test_pages_show_what_changed_why_and_at_what_cost(client: Client, plain: Index) -> None:
    page = read(client.get("/indices/small-5/receipts/"))
    last = Receipt.objects.filter(index=plain).count()
    assert f"No. {last}" in page.text
    assert "Traded at the close of 30 Mar 2020" in page.text
    decision = read(client.get(f"/indices/small-5/receipts/{last - 1}/"))
    document = json.loads(Receipt.objects.get(index=plain, sequence=last - 1).body)
    for line in document["assets"]:
        assert line["reason"] in decision.text
    assert document["input_hash"] in decision.text
    settlement = read(client.get(f"/indices/small-5/receipts/{last}/"))
    cost = float(json.loads(Receipt.objects.get(index=plain, sequence=last).body)["cost"])
    assert f"{cost:.4%}".replace("%", "") in settlement.text.replace(" %", "")
    assert client.get(f"/indices/small-5/receipts/{last + 1}/").status_code == 404
    assert client.get("/indices/none/receipts/").status_code == 404
    assert "Nothing older" in read(client.get("/indices/small-5/receipts/?before=1")).text


def test_the_list_of_the_api_goes_on_by_number(client: Client, plain: Index) -> None:
    first = client.get("/api/v1/indices/small-5/receipts/?page_size=20").json()
    last = Receipt.objects.filter(index=plain).count()
    assert [row["sequence"] for row in first["results"]] == list(range(last, last - 20, -1))
    rest = client.get(first["next"]).json()
    assert [row["sequence"] for row in rest["results"]] == list(range(last - 20, 0, -1))
    assert rest["next"] is None
    early = client.get("/api/v1/indices/small-5/receipts/?as_of=2020-01-12").json()
    assert [(row["sequence"], row["kind"]) for row in early["results"]] == [
        (3, "decision"),
        (2, "settlement"),
        (1, "decision"),
    ]
    assert client.get("/api/v1/indices/small-5/receipts/3/?as_of=2020-01-11").status_code == 404


def test_nothing_public_tells_sealed_weights_before_the_trade(client: Client, sealed: Index) -> None:
    kept = WeightCommitment.objects.get()
    weights = {slug: str(weight) for slug, weight in selectors.target_weights(kept.decision).items()}
    number = Receipt.objects.get(decision=kept.decision).sequence
    told = ""
    for address in (
        "/indices/clever-5/",
        "/indices/clever-5/receipts/",
        f"/indices/clever-5/receipts/{number}/",
        f"/indices/clever-5/receipts/{number}.json",
        "/api/v1/indices/clever-5/receipts/",
        f"/api/v1/indices/clever-5/receipts/{number}/",
        "/api/v1/indices/clever-5/rebalances/",
        "/api/v1/indices/clever-5/holdings/",
        "/api/v1/indices/clever-5/statistics/",
        "/indices/clever-5/export.json",
        "/indices/clever-5/export.csv",
    ):
        response = client.get(address)
        assert response.status_code == 200, address
        told += response.content.decode()
    assert kept.digest in told
    assert kept.salt not in told
    # A weight at the cap is no secret.
    free = [weight for weight in weights.values() if not weight.startswith(("0.4000", "0.3999"))]
    assert free
    for weight in free:
        assert weight[:12] not in told
    (row, *_) = selectors.rebalance_history(sealed, as_of=SUNDAY)
    assert (row.is_sealed, row.entered, row.left, row.changed, row.turnover) == (True, [], [], [], 0.0)

    advance(date(2020, 4, 6))
    (row, *_) = selectors.rebalance_history(sealed, as_of=SUNDAY)
    assert not row.is_sealed
    assert row.changed
    opened = client.get(f"/indices/clever-5/receipts/{number + 1}/").content.decode()
    assert kept.salt in opened
    assert "Opened: what was decided and why" in opened


def test_an_ai_receipt_tells_grades_and_what_made_them(db: None) -> None:
    last = date(2020, 5, 12)
    market_store(market(days=150, assets=10, seed=5, lives=False), clock_at=end_of_day(last))
    run = ModelRun.objects.create(
        name="trader", market="archive", trained_through=date(2019, 12, 31), spec={}, seed=0, text=""
    )
    publish(run, frame(date(2020, 2, 1), last))
    Grade.objects.update(
        contributions=[["momentum_30d", 0.4, 0.6], ["age", -0.1, -0.3], ["beta", 0, 0.1], ["x", 0, 0]]
    )
    index = index_of(GRADED)
    services.index_backfill(index, through=last)
    document = json.loads(Receipt.objects.filter(index=index, kind="decision").latest("sequence").body)
    assert document["grades_of"] == "2020-05-10"
    line = document["assets"][0]
    grade = Grade.objects.get(asset__slug=line["asset"], as_of=date(2020, 5, 10))
    assert float(line["grade"]) == grade.trader_grade
    assert line["contributions"] == [
        {"feature": "momentum_30d", "share": "0.6"},
        {"feature": "age", "share": "-0.3"},
        {"feature": "beta", "share": "0.1"},
    ]
    assert services.receipts_verify(index) == []


def test_an_index_that_is_not_public_has_no_public_receipts(client: Client, plain: Index) -> None:
    Index.objects.update(kind="custom")
    assert client.get("/indices/small-5/receipts/").status_code == 404
    assert client.get("/api/v1/indices/small-5/receipts/").status_code == 404
    assert client.get("/indices/small-5/receipts/3.json").status_code == 404


def test_verify_names_the_first_difference_of_each_index(plain: Index) -> None:
    other = index_of({**BODY, "slug": "small-5-again"})
    services.index_backfill(other, through=MIDDLE)
    out = io.StringIO()
    call_command("index_verify", "--all", stdout=out)
    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == ["small-5", "small-5-again"]
    assert f"{plain.receipts.count()} receipts checked, no difference" in out.getvalue()
    row = Receipt.objects.get(index=plain, sequence=7)
    with unguarded():
        Receipt.objects.filter(pk=row.pk).update(body=row.body.replace("2020-W0", "2020-W1"))
    IndexLevel.objects.filter(index=other, date=date(2020, 2, 2)).update(level=1.0)
    errors = io.StringIO()
    with pytest.raises(CommandError, match="2 indices differ: small-5, small-5-again") as failed:
        call_command("index_verify", "--all", stdout=out, stderr=errors)
    assert failed.value.returncode == 1
    first, second = errors.getvalue().splitlines()
    assert first.startswith("small-5: receipt 7: the digest of the text is")
    assert second.startswith("small-5-again: 2020-02-02: level is 1.0")
    with pytest.raises(CommandError, match="give one index, or --all"):
        call_command("index_verify")
    assert Decision.objects.exists()
