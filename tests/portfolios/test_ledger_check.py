"""Each planted corruption is found by the check that is there for it."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import connection

from portfolios import tasks
from portfolios.services import execution, investing, payments, plans, rebalancing
from portfolios.services.ledger_check import checks_run
from signals import selectors as signal_selectors
from tests.factories import user_make
from tests.worlds import world_create

pytestmark = pytest.mark.django_db

ORDER = "(SELECT id FROM portfolios_order WHERE status = 'settled' LIMIT 1)"
USD = "(SELECT id FROM portfolios_ledgerasset WHERE code = 'USD')"
CORRUPTIONS = {
    "entries_balanced": "UPDATE portfolios_posting SET amount = amount + 1 "
    "WHERE id = (SELECT MIN(id) FROM portfolios_posting)",
    "entries_have_legs": "INSERT INTO portfolios_entry (reference, kind, description, effective_at, recorded_at) "
    "VALUES ('empty', 'x', '', '2000-01-01', now())",
    "assets_conserved": f"UPDATE portfolios_balance SET amount = amount + 1 WHERE asset_id = {USD} AND amount > 0",
    "balances_projected": f"UPDATE portfolios_balance SET amount = amount + 1 WHERE asset_id = {USD} AND amount > 0",
    "no_overdraft": "UPDATE portfolios_balance SET may_be_negative = true",
    "whole_base_units": "UPDATE portfolios_posting SET amount = amount + 0.0000001 WHERE id = "
    f"(SELECT MIN(id) FROM portfolios_posting WHERE asset_id = {USD})",
    "units_held_by_people": "UPDATE portfolios_account SET kind = 'assets' WHERE kind = 'cash'",
    "books_projected": "INSERT INTO portfolios_basket (assets, digest) SELECT ARRAY[id], 'x' "
    "FROM portfolios_ledgerasset WHERE code = 'USD'; INSERT INTO portfolios_book "
    "(nominee_id, owner_id, basket_id, cash, quantities, excluded, "
    "max_weight, risk_share, version) SELECT f.id, u.id, k.id, 1, '{0}', '\\x00', 1, 1, 0 "
    "FROM portfolios_portfolio f, portfolios_user u, portfolios_basket k LIMIT 1",
    "books_controlled": "UPDATE portfolios_account SET kind = 'books' WHERE kind = 'assets'",
    "clearing_at_rest": "UPDATE portfolios_account SET kind = 'clearing' WHERE kind = 'assets'",
    "dollars_reserved": "UPDATE portfolios_order SET amount = amount + 1 WHERE status = 'accepted' AND side = 'invest'",
    "units_reserved": "UPDATE portfolios_order SET units = units + 1 WHERE status = 'accepted' AND side = 'redeem'",
    "orders_settled_once": f"UPDATE portfolios_order SET units = units + 1 WHERE id = {ORDER}",
    "order_states": f"UPDATE portfolios_order SET status = 'dealing' WHERE id = {ORDER}",
    "cycle_states": "UPDATE portfolios_blockorder SET status = 'unknown'",
    "rebalance_states": "UPDATE portfolios_rebalance SET status = 'done'",
    "fills_posted": "UPDATE portfolios_fill SET quantity = quantity * 2",
    "fill_entries_known": "DELETE FROM portfolios_fill WHERE id = (SELECT MIN(id) FROM portfolios_fill)",
    "orders_not_overfilled": "UPDATE portfolios_allocation SET filled = 0 "
    "WHERE id = (SELECT MIN(id) FROM portfolios_allocation)",
    "payments_posted": "UPDATE portfolios_payment SET amount = amount + 1",
    "invoices_posted": "UPDATE portfolios_invoice SET amount = amount + 1",
    "subscriptions_apart": "INSERT INTO portfolios_invoice (subscription_id, plan_id, reference, amount, "
    "status, period_start, period_end, provider_reference, effective_at, created_at) "
    "SELECT subscription_id, plan_id, 'again', amount, 'open', period_start, "
    "period_end, '', effective_at, created_at FROM portfolios_invoice",
    "rounding_small": "UPDATE portfolios_account SET kind = 'rounding' WHERE kind = 'revenue'",
    "clocks": "UPDATE signals_market SET source = 'live'; "
    "UPDATE portfolios_entry SET effective_at = recorded_at + interval '1 minute'",
}


@pytest.fixture
def _books() -> None:
    """A bit of everything: settled and waiting orders of both sides, fills, a payment out, a plan, a rebalance."""
    world_create()
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    investing.invest(user, "global-100", "100")
    investing.redeem(user, "global-100", amount="50")
    payments.withdraw(user, "10")
    plans.subscribe(user, "silver")
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())


@pytest.mark.usefixtures("_books")
def test_every_check_has_its_corruption() -> None:
    checks = checks_run()
    assert [check.name for check in checks if not check.passed] == []
    assert {check.name for check in checks} == CORRUPTIONS.keys()


@pytest.mark.usefixtures("_books")
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_planted_corruption_is_found(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("entry", "posting"):
            cursor.execute(f"ALTER TABLE portfolios_{table} DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE portfolios_allocation DROP CONSTRAINT allocation_not_overfilled")
        cursor.execute(CORRUPTIONS[name])
    failed = {check.name: check.detail for check in checks_run() if not check.passed}
    assert name in failed
    assert failed[name]
    assert any(line.startswith(f"{name}: ") for line in tasks.ledger_check_tick())
    with pytest.raises(SystemExit) as exit_:
        call_command("ledger_check", stdout=io.StringIO(), stderr=io.StringIO())
    assert exit_.value.code == 1


@pytest.mark.usefixtures("_books")
def test_the_command_reports_every_check() -> None:
    out = io.StringIO()
    call_command("ledger_check", "--json", stdout=out)
    assert {row["name"] for row in json.loads(out.getvalue())} == CORRUPTIONS.keys()
    out = io.StringIO()
    call_command("ledger_check", stdout=out)
    assert f"All {len(CORRUPTIONS)} checks hold." in out.getvalue()
