"""Proof of reserves over real books: who is owed what, what covers it, and what a gap stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from portfolios import selectors, tasks
from portfolios.core import merkle
from portfolios.core.money import to_base
from portfolios.errors import NoProof
from portfolios.models import (
    Balance,
    CustodyReport,
    DealingCycle,
    LedgerAsset,
    Pause,
    ReserveLeaf,
    ReserveLine,
    ReserveSnapshot,
    User,
)
from portfolios.selectors.personal import Settings
from portfolios.selectors.reserves import reserve_proof, reserves, reserves_history
from portfolios.services import accounts, execution, investing, ledger, payments, personal, plans
from portfolios.services import reserves as service
from portfolios.services.payments.receivables import take_back
from tests.factories import user_make
from tests.worlds import world_create

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.fixture
def people() -> list[User]:
    """Three with units, cash, and money that waits in an order."""
    world_create()
    found = [user_make(cash=cash) for cash in ("1000", "333.33", "70")]
    investing.invest(found[0], "global-100", "400")
    investing.invest(found[1], "global-100", "333.33")
    execution.dealing_run()
    investing.invest(found[2], "global-100", "60")
    return found


def taken(at: datetime = NOW) -> ReserveSnapshot:
    snapshot = service.snapshot_take(now=at)
    assert snapshot is not None
    return snapshot


def test_everything_owed_is_held_and_everybody_can_prove_their_part(people: list[User]) -> None:
    snapshot = taken()
    assert (snapshot.verdict, snapshot.people) == ("covered", 3)
    shown = reserves()
    assert shown is not None
    assert shown.simulated
    assert [row.code for row in shown.rows][:2] == ["USD", "token:alpha"]
    for row in shown.rows:
        assert row.held >= row.owed > 0
    for person in people:
        proof = reserve_proof(person)
        assert merkle.verify(proof) == ""
        assert proof["commitment"] == shown.commitment
        assert proof["leaf"]["label"] == person.email
        cash = selectors.cash(person) + selectors.reserved(person)
        dollars = int(proof["leaf"]["amounts"][0])
        assert dollars >= to_base(cash, 6)
    assert proof["root"]["sums"] == [str(to_base(line.owed, line.asset.scale)) for line in _lines()]
    assert not Pause.objects.exists()


def _lines() -> list[ReserveLine]:
    return list(ReserveLine.objects.select_related("asset").order_by("place"))


def test_the_sums_are_those_of_the_ledger(people: list[User]) -> None:
    taken()
    for line in _lines():
        kinds = ["cash", "reserved", "assets"]
        there = Balance.objects.filter(account__kind__in=kinds, asset=line.asset).aggregate(all=Sum("amount"))
        assert line.owed == there["all"]


def test_units_are_looked_through_to_what_the_portfolio_holds(people: list[User]) -> None:
    taken()
    holding = selectors.holdings(people[1])[0]
    proof = reserve_proof(people[1])
    got = {
        asset["code"]: int(amount)
        for asset, amount in zip(proof["assets"], proof["leaf"]["amounts"], strict=True)
    }
    for position in holding.positions:
        if position.token != "usd":
            scale = LedgerAsset.objects.get(code=f"token:{position.token}").scale
            assert abs(got[f"token:{position.token}"] - to_base(position.quantity, scale)) <= 1


def test_units_of_the_house_are_owed_to_nobody(people: list[User]) -> None:
    pool = selectors.portfolio("global-100")
    assert pool is not None
    taken()
    before = _owed("token:alpha")
    fees = accounts._account("fees:management", accounts.Account.Kind.FEES)
    units = Balance.objects.get(account=accounts.user_cash(people[0]), asset=pool.units).amount
    ledger.entry_post(
        reference="test:fee",
        kind="fee",
        effective_at=NOW,
        legs=[
            ledger.Leg(accounts.user_cash(people[0]), pool.units, -units / 2),
            ledger.Leg(fees, pool.units, units / 2),
        ],
    )
    taken(NOW + timedelta(days=1))
    assert 0 < _owed("token:alpha") < before


def _owed(code: str) -> Decimal:
    return ReserveLine.objects.filter(asset__code=code).order_by("-snapshot__day")[0].owed


def test_a_personal_portfolio_owns_what_its_book_says(people: list[User]) -> None:
    plans.subscribe(people[0], "platinum")
    book = personal.book_create(people[0], "global-100", Settings(exclude=("beta",)))
    personal.book_invest(people[0], book.pk, "150")
    execution.dealing_run()
    book.refresh_from_db()
    assert any(book.quantities)
    assert taken().verdict == "covered"
    for line in _lines():
        kinds = ["cash", "reserved", "assets", "books"]
        there = Balance.objects.filter(account__kind__in=kinds, asset=line.asset).aggregate(all=Sum("amount"))
        assert line.owed == there["all"]
    proof = reserve_proof(people[0])
    assert merkle.verify(proof) == ""
    service.custody_report(
        "venue:paper",
        kind="venue",
        balances={"token:alpha": _owed("token:alpha"), "token:beta": _owed("token:beta")},
        as_of=NOW,
    )
    assert taken(NOW + timedelta(days=1)).verdict == "short"


def test_one_snapshot_a_day(people: list[User]) -> None:
    first = taken()
    payments.deposit(people[0], "5")
    assert taken(NOW + timedelta(hours=20)).pk == first.pk
    assert taken(NOW + timedelta(days=1)).pk != first.pk
    assert [past.day.day for past in reserves_history()] == [24, 23]


def test_none_is_taken_while_something_is_dealt(people: list[User]) -> None:
    cycle = DealingCycle.objects.latest("pk")
    DealingCycle.objects.filter(pk=cycle.pk).update(status="buying")
    assert service.snapshot_take(now=NOW) is None
    DealingCycle.objects.filter(pk=cycle.pk).update(status=cycle.status)
    assert service.snapshot_take(now=NOW) is not None


def test_a_gap_pauses_everything_and_is_published(people: list[User]) -> None:
    """A venue that reports 2 % less alpha than people are owed."""
    taken()
    owed = {line.asset.code: line.owed for line in _lines() if line.asset.code != "USD"}
    short = {**owed, "token:alpha": (owed["token:alpha"] * Decimal("0.98")).quantize(Decimal("1E-10"))}
    service.custody_report("venue:paper", kind="venue", balances=short, as_of=NOW + timedelta(days=1))
    snapshot = taken(NOW + timedelta(days=1))
    assert (snapshot.verdict, snapshot.reason) == ("short", "Less is held than owed of: token:alpha.")
    assert Pause.objects.get().scope == "all"
    shown = reserves()
    assert shown is not None
    assert [row.code for row in shown.rows if row.short] == ["token:alpha"]
    service.custody_report("venue:paper", kind="venue", balances=owed, as_of=NOW + timedelta(days=2))
    assert taken(NOW + timedelta(days=2)).verdict == "covered"


def test_a_custodian_that_fell_silent_is_said_so(people: list[User]) -> None:
    taken()
    owed = {line.asset.code: line.owed for line in _lines() if line.asset.code != "USD"}
    service.custody_report("venue:paper", kind="venue", balances=owed, as_of=NOW)
    later = taken(NOW + timedelta(days=3))
    assert (later.verdict, later.reason) == ("unknown", "No answer for too long from: venue:paper.")
    assert not Pause.objects.exists()


@pytest.mark.parametrize(
    ("balances", "words"),
    [
        ({}, "missing reply"),
        ({"token:nothing": Decimal(1)}, "does not know"),
        ({"USD": Decimal(-1)}, "less than 0"),
        ({"USD": Decimal("0.0000001")}, "more than 6 decimals"),
    ],
)
def test_what_is_no_report_is_refused(balances: dict[str, Decimal], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        service.custody_report("bank:x", kind="bank", balances=balances, as_of=NOW)
    assert not CustodyReport.objects.exists()


def test_dollars_are_believed_to_reports_only_where_every_bank_reports(people: list[User]) -> None:
    service.custody_report("venue:paper", kind="venue", balances={"USD": Decimal(9999)}, as_of=NOW)
    there = service.held(now=NOW)
    assert there.reported["USD"] == 0
    assert there.simulated["USD"] > 0
    service.custody_report("bank:sandbox", kind="bank", balances={"USD": Decimal(500)}, as_of=NOW)
    there = service.held(now=NOW)
    assert there.of("USD") == 10_499_000_000


def test_a_debt_makes_nobody_a_creditor(people: list[User]) -> None:
    take_back(
        people[2],
        Decimal(30),
        into=[ledger.Leg(accounts.outside("sandbox"), accounts.usd(), Decimal(30))],
        reference="test:taken",
        kind="reversal",
        effective_at=NOW,
        description="",
    )
    assert taken().verdict == "covered"
    # $60 wait in an order, $10 were there to be taken, and $20 are owed back.
    assert reserve_proof(people[2])["leaf"]["amounts"][0] == "40000000"


def test_leaves_are_kept_for_a_week_and_roots_for_good(people: list[User]) -> None:
    for day in range(9):
        taken(NOW + timedelta(days=day))
    assert ReserveSnapshot.objects.count() == 9
    assert ReserveLeaf.objects.values("snapshot").distinct().count() == 7
    assert merkle.verify(reserve_proof(people[0])) == ""


def test_whoever_has_nothing_has_no_proof(people: list[User]) -> None:
    with pytest.raises(NoProof):
        reserve_proof(people[0])
    taken()
    with pytest.raises(NoProof):
        reserve_proof(user_make())


def test_a_platform_that_owes_nothing_can_say_so() -> None:
    world_create()
    snapshot = taken()
    assert (snapshot.people, snapshot.verdict) == (0, "covered")


def test_salts_differ_each_day_and_neighbours_are_strangers(people: list[User]) -> None:
    taken()
    first = reserve_proof(people[0])["leaf"]["salt"]
    taken(NOW + timedelta(days=1))
    assert reserve_proof(people[0])["leaf"]["salt"] != first


def test_more_people_than_a_block_holds(people: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("portfolios.selectors.reserves", "portfolios.services.reserves.snapshots"):
        monkeypatch.setattr(f"{module}.BLOCK", 2)
    others = [user_make(cash=str(10 + place)) for place in range(4)]
    snapshot = taken()
    assert snapshot.people == 7
    for person in [*people, *others]:
        proof = reserve_proof(person)
        assert merkle.verify(proof) == ""
        assert proof["commitment"] == snapshot.commitment


def test_the_tick_takes_it(people: list[User]) -> None:
    assert tasks.reserves_tick() in ("covered", "short", "unknown")
    assert ReserveSnapshot.objects.count() == 1
