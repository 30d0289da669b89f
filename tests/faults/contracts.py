"""Plans that are paid for: every invoice is a charge, and no time is paid for twice."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from tests.faults.bank import Bank
from tests.faults.database import Database
from tests.faults.people import People
from tests.faults.problems import Broken

CENT = Decimal("0.01")
_INVOICES = """
SELECT i.reference, s.user_id, s.id, p.slug, i.amount, i.period_start, i.period_end, p.monthly_price,
       (SELECT ARRAY_AGG(o.amount ORDER BY o.amount) FROM portfolios_posting o JOIN portfolios_entry e
        ON e.id = o.entry_id WHERE e.reference = i.reference)
FROM portfolios_invoice i JOIN portfolios_subscription s ON s.id = i.subscription_id
JOIN portfolios_plan p ON p.id = i.plan_id ORDER BY i.period_end, i.period_start, i.id
"""
_CONTRACTS = """
SELECT s.id, s.user_id, p.slug, s.period_start, s.period_end FROM portfolios_subscription s
JOIN portfolios_plan p ON p.id = s.plan_id WHERE s.status = 'active'
"""


def contracts_right(database: Database, people: People, bank: Bank) -> None:
    """Raises Broken for an invoice that nobody was charged or that nobody asked for, for time that is paid for twice or
    too dearly, and for a plan in force that is not paid."""
    wanted = {(w.user.pk, w.arguments["plan"]) for w in people.wishes if _may_have(w.verb, w.state)}
    spans: dict[int, dict[tuple[int, Any], list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    for row in database.raw(_INVOICES):
        reference, user, contract, plan, amount, _, end, _, legs = row
        if bank.charges.get(reference) != amount or legs != [-amount, amount]:
            raise Broken(
                f"{reference}: {amount} in its invoice, charged {bank.charges.get(reference)}, posted {legs}"
            )
        if (user, plan) not in wanted:
            raise Broken(f"{reference}: user {user} never asked for {plan}")
        spans[user][contract, end].append(row)
    for user, periods in spans.items():
        until = None
        for (_, end), rows in periods.items():
            first = min(row[5] for row in rows)
            if until is not None and first < until:
                raise Broken(f"user {user} pays for the time from {first} twice, it is paid until {until}")
            until = end
            before = Decimal(0)
            for reference, _, _, _, amount, start, _, price, _ in rows:
                due = (price - before) * Decimal((end - start) / (end - first))
                if abs(amount - due) > CENT:
                    raise Broken(f"{reference}: {amount} from {start} to {end} where {due:.4f} is due")
                before = price
    for contract, user, plan, start, end in database.raw(_CONTRACTS):
        paid = spans[user][contract, end]
        if not paid or min(row[5] for row in paid) > start:
            raise Broken(
                f"user {user} is on {plan} from {start} to {end}, and paid {len(paid)} invoices for it"
            )


def _may_have(verb: str, state: str) -> bool:
    return verb == "subscribe" and state != "refused"
