"""The ledger and the triggers that hold it up."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from portfolios.errors import ConflictError, InsufficientFunds
from portfolios.models import Account, Balance, Entry, LedgerAsset, Posting
from portfolios.services import accounts, ledger
from portfolios.services.bulk import rows_copy
from portfolios.services.ledger import Leg
from tests.factories import user_make

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 3, 1, tzinfo=UTC)


def post(reference: str, *legs: Leg, kind: str = "deposit") -> Entry:
    with transaction.atomic():
        return ledger.entry_post(reference=reference, kind=kind, effective_at=NOW, legs=legs)


def money(account: Account, amount: str) -> Leg:
    return Leg(account, accounts.usd(), Decimal(amount))


@pytest.fixture
def cash() -> Account:
    return accounts.user_cash(user_make())


@pytest.fixture
def world() -> Account:
    return accounts.outside("sandbox")


def balance(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset=accounts.usd()).amount


def test_an_entry_moves_balances(cash: Account, world: Account) -> None:
    entry = post("a", money(world, "-12.34"), money(cash, "12.34"))
    assert (balance(cash), balance(world)) == (Decimal("12.34"), Decimal("-12.34"))
    assert sorted(entry.postings.values_list("amount", flat=True)) == [Decimal("-12.34"), Decimal("12.34")]


def test_the_same_entry_twice_is_one(cash: Account, world: Account) -> None:
    first = post("a", money(world, "-5"), money(cash, "5"))
    assert post("a", money(cash, "5.00"), money(world, "-5")) == first
    assert balance(cash) == 5
    assert Entry.objects.count() == 1


@pytest.mark.parametrize(("amount", "kind"), [("6", "deposit"), ("5", "withdrawal")])
def test_a_reference_for_something_else_is_refused(
    cash: Account, world: Account, amount: str, kind: str
) -> None:
    post("a", money(world, "-5"), money(cash, "5"))
    with pytest.raises(ConflictError):
        post("a", money(world, f"-{amount}"), money(cash, amount), kind=kind)
    assert balance(cash) == 5


def test_no_overdraft(cash: Account, world: Account) -> None:
    post("a", money(world, "-5"), money(cash, "5"))
    with pytest.raises(InsufficientFunds, match=r"5\.000000 USD is there and 5\.000001 was needed"):
        post("b", money(cash, "-5.000001"), money(world, "5.000001"))
    assert balance(cash) == 5


@pytest.mark.parametrize(
    "amounts",
    [("-5", "4"), ("5",), ("0", "0"), ("-0.0000001", "0.0000001")],
    ids=["sum", "one", "zero", "fine"],
)
def test_malformed_entries_are_refused(cash: Account, world: Account, amounts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"entry|amount"):
        post("a", *[money(account, amount) for account, amount in zip([world, cash], amounts, strict=False)])
    assert not Entry.objects.exists()


def test_a_reversal_turns_every_sign(cash: Account, world: Account) -> None:
    entry = post("a", money(world, "-5"), money(cash, "5"))
    with transaction.atomic():
        undone = ledger.entry_reverse(entry, reference="a:undo", effective_at=NOW, description="mistake")
    assert balance(cash) == 0
    assert undone.reverses == entry


@pytest.mark.django_db(transaction=True)
def test_posting_needs_a_transaction(cash: Account, world: Account) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        ledger.entry_post(
            reference="a", kind="x", effective_at=NOW, legs=[money(world, "-5"), money(cash, "5")]
        )


def forge(*postings: tuple[int, int, str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portfolios_entry (reference, kind, description, effective_at, recorded_at) "
            "VALUES ('forged', 'deposit', '', now(), now()) RETURNING id"
        )
        entry = cursor.fetchone()[0]
        for account, asset, amount in postings:
            cursor.execute(
                "INSERT INTO portfolios_posting (entry_id, account_id, asset_id, amount) VALUES (%s, %s, %s, %s)",
                [entry, account, asset, amount],
            )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_raw_sql_cannot_unbalance(cash: Account, world: Account) -> None:
    usd = accounts.usd().pk
    other = LedgerAsset.objects.create(code="EUR", kind=LedgerAsset.Kind.CURRENCY, scale=6).pk
    for legs in (
        [(cash.pk, usd, "1"), (world.pk, usd, "-1.000001")],
        [(cash.pk, usd, "1"), (world.pk, other, "-1")],
        [(cash.pk, usd, "1")],
        [],
    ):
        with pytest.raises(DatabaseError, match="ledger: entry"):
            forge(*legs)
    with pytest.raises(DatabaseError, match="whole number of base units"):
        forge((cash.pk, usd, "0.0000001"), (world.pk, usd, "-0.0000001"))
    forge((cash.pk, usd, "1"), (world.pk, usd, "-1"))
    assert Posting.objects.count() == 2


def late_leg(entry: Entry, account: Account) -> None:
    Posting.objects.create(entry=entry, account=account, asset=accounts.usd(), amount=Decimal(1))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_raw_sql_cannot_add_to_an_old_entry(cash: Account, world: Account) -> None:
    entry = post("a", money(world, "-5"), money(cash, "5"))
    with pytest.raises(DatabaseError, match="does not balance"), transaction.atomic():
        late_leg(entry, cash)


@pytest.mark.parametrize("table", ["portfolios_entry", "portfolios_posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_history_cannot_be_changed(cash: Account, world: Account, table: str, statement: str) -> None:
    post("a", money(world, "-5"), money(cash, "5"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE portfolios_entry ENABLE TRIGGER entry_no_truncate")
        cursor.execute("ALTER TABLE portfolios_posting ENABLE TRIGGER posting_no_truncate")
    with (
        pytest.raises(DatabaseError, match="is refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


def test_the_database_refuses_an_overdraft(cash: Account, world: Account) -> None:
    post("a", money(world, "-5"), money(cash, "5"))
    with pytest.raises(DatabaseError, match="balance_no_overdraft"), transaction.atomic():
        Balance.objects.filter(account=cash).update(amount=Decimal(-1))


@pytest.mark.parametrize("amount", ["0", "0.0000001"])
def test_copied_rows_are_checked_like_any_others(cash: Account, world: Account, amount: str) -> None:
    entry = post("a", money(world, "-5"), money(cash, "5"))
    row = (entry.pk, cash.pk, accounts.usd().pk, Decimal(amount))
    with pytest.raises(IntegrityError), transaction.atomic():
        rows_copy("portfolios_posting (entry_id, account_id, asset_id, amount)", [row])
    assert Posting.objects.count() == 2
