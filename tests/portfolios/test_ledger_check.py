"""Each planted corruption is found by the check that is there for it."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import connection

from portfolios import tasks
from portfolios.selectors.personal import Settings
from portfolios.services import execution, investing, payments, personal, plans, rebalancing
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
    "books_projected": "UPDATE portfolios_book SET cash = cash + 1",
    "books_controlled": "UPDATE portfolios_account SET kind = 'books' WHERE kind = 'assets'",
    "clearing_at_rest": "UPDATE portfolios_account SET kind = 'clearing' WHERE kind = 'assets'",
    "books_fit": "UPDATE portfolios_book SET quantities = quantities || 0::bigint",
    "book_orders_posted": "UPDATE portfolios_order SET book_id = (SELECT MIN(id) FROM portfolios_book) "
    f"WHERE id = {ORDER}",
    "nominee_blocks": 'INSERT INTO portfolios_nomineedealing (dealing_id, basket_id, places, weights, hold, "full", '
    "turnover, smallest, reserve, crossed, crossed_value) SELECT d.id, k.id, '{}', '{}', 0, 0, 0, 0, 0, '{}', '{}' "
    "FROM portfolios_dealing d, portfolios_basket k WHERE NOT d.is_open LIMIT 1; "
    "INSERT INTO portfolios_dealingblock (dealing_id, number, first, last, sells, buys) "
    "SELECT dealing_id, 0, 1, 1, '{}', '{}' FROM portfolios_nomineedealing",
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
    "fill_fees_whole": "UPDATE portfolios_fill SET fee_quantity = 1, "
    "fee_asset_id = (SELECT asset_id FROM portfolios_blockorder LIMIT 1)",
    "fills_used": "UPDATE portfolios_fill SET used = used / 2",
    "payments_posted": "UPDATE portfolios_payment SET amount = amount + 1",
    "holds_end_once": "UPDATE portfolios_payment SET status = 'held' WHERE direction = 'withdrawal'",
    "withdrawals_approved": "UPDATE portfolios_payment SET approvals_needed = 2 WHERE direction = 'withdrawal'",
    "payments_referenced": "UPDATE portfolios_payment SET method = 'wire', provider_reference = ''",
    "taken_back_posted": "UPDATE portfolios_payment SET refunded = 1 WHERE direction = 'deposit'",
    "receivables_owed": "UPDATE portfolios_account SET kind = 'receivable' WHERE kind = 'cash'",
    "cards_told": "UPDATE portfolios_payment SET method = 'stripe' WHERE direction = 'deposit'",
    "invoices_posted": "UPDATE portfolios_invoice SET amount = amount + 1",
    "subscriptions_apart": "INSERT INTO portfolios_invoice (subscription_id, plan_id, reference, amount, "
    "status, period_start, period_end, provider_reference, effective_at, created_at) "
    "SELECT subscription_id, plan_id, 'again', amount, 'open', period_start, "
    "period_end, '', effective_at, created_at FROM portfolios_invoice",
    "usdc_credited": "UPDATE portfolios_payment SET method = 'usdc' WHERE direction = 'deposit'",
    "usdc_conserved": "UPDATE portfolios_account SET key = 'outside:usdc' WHERE key = 'outside:sandbox'; "
    "UPDATE portfolios_ledgerasset SET code = 'USDC' WHERE code = 'USD'",
    "usdc_paid": "UPDATE portfolios_payment SET method = 'usdc' WHERE direction = 'withdrawal'",
    "statements_continuous": "INSERT INTO portfolios_statement (user_id, month, version, note, opening, deposits, "
    "withdrawals, other, gains, costs, closing, body, digest, pdf_digest, entries_digest, as_of, issued_at) "
    "SELECT u.id, m.month, 1, '', m.value, 0, 0, 0, 0, 0, m.value, '{}', '', '', '', now(), now() FROM "
    "(SELECT MIN(user_id) AS id FROM portfolios_order) u, "
    "(VALUES ('2022-01-01'::date, 10), ('2022-02-01', 11)) AS m(month, value)",
    "lots_chosen_once": "INSERT INTO portfolios_lotchoice (user_id, order_id, lot_id, units, chosen_at) "
    "SELECT o.user_id, o.id, e.id, 1000, now() FROM portfolios_order o, portfolios_entry e "
    "WHERE o.side = 'redeem' AND e.kind = 'units_issue' LIMIT 1",
    "fees_posted": "INSERT INTO portfolios_entry (reference, kind, description, effective_at, recorded_at) "
    "VALUES ('fee:x', 'fee', '', '2000-01-01', now())",
    "fees_held": "UPDATE portfolios_user SET email = 'house@bellwether.invalid' "
    f"WHERE id = (SELECT user_id FROM portfolios_order WHERE id = {ORDER})",
    "fees_by_schedule": "INSERT INTO portfolios_feeschedule (management_rate, performance_rate, announced_on, "
    "effective_from, announced_by, created_at) VALUES (0.01, 0, '2022-01-01', '2022-02-01', '', now()); "
    "INSERT INTO portfolios_feeaccrual (portfolio_id, schedule_id, kind, day, rate, units_before, units, carry, "
    "unit_price, recorded_at) SELECT o.portfolio_id, s.id, 'management', '2022-02-01', 0.01, 1, 0, 5, 100, now() "
    f"FROM portfolios_order o, portfolios_feeschedule s WHERE o.id = {ORDER}",
    "rounding_small": "UPDATE portfolios_account SET kind = 'rounding' WHERE kind = 'revenue'",
    "switches_whole": "INSERT INTO portfolios_switch (id, user_id, target_id, status, redeem_id, invest_id, reason, "
    "created_at) SELECT gen_random_uuid(), r.user_id, f.index_id, 'buying', r.id, i.id, '', now() "
    "FROM portfolios_order r JOIN portfolios_portfolio f ON f.id = r.portfolio_id, portfolios_order i "
    "WHERE r.side = 'redeem' AND i.side = 'invest' LIMIT 1",
    "recurring_once": f"UPDATE portfolios_order SET reference = 'recurring:x:2022-01-01' WHERE id = {ORDER}",
    "clocks": "UPDATE signals_market SET source = 'live'; "
    "UPDATE portfolios_entry SET effective_at = recorded_at + interval '1 minute'",
}


@pytest.fixture
def _books() -> None:
    """A bit of everything: settled and waiting orders of both sides, fills, a payment out, a plan, a rebalance, a
    personal portfolio."""
    world_create()
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    investing.invest(user, "global-100", "100")
    investing.redeem(user, "global-100", amount="50")
    payments.withdraw(user, "10")
    plans.subscribe(user, "silver")
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    personal.book_create(user, "global-100", Settings())


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
        for table in ("entry", "posting", "blockorder"):
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
