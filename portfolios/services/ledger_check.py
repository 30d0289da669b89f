"""Every invariant of the books, as questions whose only right answer is an empty table."""

from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Check:
    """One invariant: what it promises, whether it holds, and the first rows that break it."""

    name: str
    promise: str
    passed: bool
    detail: str


# Each query returns (what, how much) rows that break the promise.
_QUESTIONS: tuple[tuple[str, str, str], ...] = (
    (
        "entries_balanced",
        "The postings of an entry sum to zero in each asset.",
        """SELECT 'entry ' || e.reference, SUM(p.amount) FROM portfolios_posting p
           JOIN portfolios_entry e ON e.id = p.entry_id GROUP BY e.reference, p.asset_id HAVING SUM(p.amount) <> 0""",
    ),
    (
        "entries_have_legs",
        "Every entry has at least two postings.",
        """SELECT 'entry ' || e.reference, COUNT(p.id) FROM portfolios_entry e
           LEFT JOIN portfolios_posting p ON p.entry_id = e.id GROUP BY e.id HAVING COUNT(p.id) < 2""",
    ),
    (
        "assets_conserved",
        "All balances of an asset sum to zero.",
        """SELECT a.code, SUM(b.amount) FROM portfolios_balance b JOIN portfolios_ledgerasset a ON a.id = b.asset_id
           GROUP BY a.code HAVING SUM(b.amount) <> 0""",
    ),
    (
        "balances_projected",
        "A balance is the sum of its postings.",
        """SELECT 'account ' || COALESCE(b.account_id, s.account_id) || ' asset ' || COALESCE(b.asset_id, s.asset_id),
                  COALESCE(b.amount, 0) - COALESCE(s.amount, 0)
           FROM portfolios_balance b FULL JOIN (
             SELECT account_id, asset_id, SUM(amount) AS amount FROM portfolios_posting GROUP BY account_id, asset_id
           ) s ON s.account_id = b.account_id AND s.asset_id = b.asset_id
           WHERE COALESCE(b.amount, 0) <> COALESCE(s.amount, 0)""",
    ),
    (
        "no_overdraft",
        "Only venues, the outside world, unit issuers and clearing go below zero.",
        """SELECT c.key, b.amount FROM portfolios_balance b JOIN portfolios_account c ON c.id = b.account_id
           WHERE (b.amount < 0 AND c.kind NOT IN ('outside', 'venue', 'issued', 'clearing'))
              OR b.may_be_negative <> c.may_be_negative
              OR c.may_be_negative <> (c.kind IN ('outside', 'venue', 'issued', 'clearing'))""",
    ),
    (
        "whole_base_units",
        "Every posting is a whole number of base units.",
        """SELECT 'posting ' || p.id, p.amount FROM portfolios_posting p
           JOIN portfolios_ledgerasset a ON a.id = p.asset_id WHERE p.amount <> trunc(p.amount, a.scale)""",
    ),
    (
        "units_held_by_people",
        "Units of a portfolio are issued by it alone and held by people alone.",
        """SELECT c.key || ' ' || a.code, b.amount FROM portfolios_balance b
           JOIN portfolios_account c ON c.id = b.account_id JOIN portfolios_ledgerasset a ON a.id = b.asset_id
           LEFT JOIN portfolios_portfolio f ON f.units_id = a.id
           WHERE b.amount <> 0 AND (
             (a.kind = 'unit' AND c.kind = 'issued' AND (c.portfolio_id IS DISTINCT FROM f.id OR b.amount > 0))
             OR (a.kind = 'unit' AND c.kind NOT IN ('issued', 'cash', 'reserved'))
             OR (a.kind = 'token' AND c.kind NOT IN ('assets', 'books', 'clearing', 'venue')))""",
    ),
    (
        "books_projected",
        "A book of a personal portfolio is the sum of its postings.",
        """SELECT 'book ' || b.id, b.cash - COALESCE(s.cash, 0) FROM portfolios_book b LEFT JOIN (
             SELECT book_id, SUM(cash) AS cash FROM portfolios_bookposting GROUP BY book_id) s ON s.book_id = b.id
           WHERE b.cash <> COALESCE(s.cash, 0)
           UNION ALL
           SELECT 'book ' || b.id, q.amount - COALESCE(s.amount, 0)
           FROM portfolios_book b CROSS JOIN unnest(b.quantities) WITH ORDINALITY AS q(amount, place) LEFT JOIN (
             SELECT p.book_id, x.place, SUM(x.amount) AS amount FROM portfolios_bookposting p,
               unnest(p.quantities) WITH ORDINALITY AS x(amount, place) GROUP BY p.book_id, x.place) s
             ON s.book_id = b.id AND s.place = q.place
           WHERE q.amount <> COALESCE(s.amount, 0)""",
    ),
    (
        "books_controlled",
        "What the ledger has of a nominee is the sum of its books.",
        """SELECT 'nominee ' || COALESCE(held.nominee_id, c.portfolio_id) || ' ' || a.code,
                  COALESCE(held.amount, 0) - COALESCE(c.amount, 0)
           FROM (SELECT b.nominee_id, k.asset_id, SUM(q.amount) AS amount FROM portfolios_book b
                 JOIN portfolios_basket s ON s.id = b.basket_id
                 CROSS JOIN unnest(b.quantities) WITH ORDINALITY AS q(amount, place)
                 JOIN unnest(s.assets) WITH ORDINALITY AS k(asset_id, place) ON k.place = q.place
                 GROUP BY b.nominee_id, k.asset_id
                 UNION ALL SELECT b.nominee_id, d.id, SUM(b.cash) FROM portfolios_book b
                 JOIN portfolios_ledgerasset d ON d.code = 'USD' GROUP BY b.nominee_id, d.id) held
           FULL JOIN (SELECT o.portfolio_id, l.asset_id, l.amount * power(10::numeric, g.scale) AS amount
                      FROM portfolios_balance l JOIN portfolios_account o ON o.id = l.account_id AND o.kind = 'books'
                      JOIN portfolios_ledgerasset g ON g.id = l.asset_id) c
             ON c.portfolio_id = held.nominee_id AND c.asset_id = held.asset_id
           JOIN portfolios_ledgerasset a ON a.id = COALESCE(held.asset_id, c.asset_id)
           WHERE COALESCE(held.amount, 0) <> COALESCE(c.amount, 0)""",
    ),
    (
        "clearing_at_rest",
        "A nominee that is not being dealt has nothing left to clear.",
        """SELECT c.key || ' asset ' || b.asset_id, b.amount FROM portfolios_balance b
           JOIN portfolios_account c ON c.id = b.account_id AND c.kind = 'clearing'
           WHERE b.amount <> 0 AND NOT EXISTS (
             SELECT 1 FROM portfolios_dealing d WHERE d.portfolio_id = c.portfolio_id AND d.is_open)""",
    ),
    (
        "dollars_reserved",
        "A person's reserved dollars are what their waiting orders asked for.",
        """SELECT c.key, COALESCE(b.amount, 0) - COALESCE(o.amount, 0)
           FROM portfolios_account c
           LEFT JOIN portfolios_balance b ON b.account_id = c.id
             AND b.asset_id = (SELECT id FROM portfolios_ledgerasset WHERE code = 'USD')
           LEFT JOIN (SELECT user_id, SUM(amount) AS amount FROM portfolios_order
                      WHERE side = 'invest' AND status = 'accepted' GROUP BY user_id) o ON o.user_id = c.user_id
           WHERE c.kind = 'reserved' AND COALESCE(b.amount, 0) <> COALESCE(o.amount, 0)
           UNION ALL
           SELECT 'user ' || o.user_id, SUM(o.amount) FROM portfolios_order o
           WHERE o.side = 'invest' AND o.status = 'accepted' AND NOT EXISTS (
             SELECT 1 FROM portfolios_account c WHERE c.kind = 'reserved' AND c.user_id = o.user_id)
           GROUP BY o.user_id""",
    ),
    (
        "units_reserved",
        "A person's reserved units are what their open redemptions hold.",
        """WITH held AS (
             SELECT c.user_id, f.id AS portfolio_id, SUM(b.amount) AS amount FROM portfolios_balance b
             JOIN portfolios_account c ON c.id = b.account_id AND c.kind = 'reserved'
             JOIN portfolios_portfolio f ON f.units_id = b.asset_id GROUP BY c.user_id, f.id),
           asked AS (
             SELECT user_id, portfolio_id, SUM(units) AS amount FROM portfolios_order
             WHERE side = 'redeem' AND status IN ('accepted', 'dealing') GROUP BY user_id, portfolio_id)
           SELECT 'user ' || COALESCE(held.user_id, asked.user_id),
                  COALESCE(held.amount, 0) - COALESCE(asked.amount, 0)
           FROM held FULL JOIN asked ON held.user_id = asked.user_id AND held.portfolio_id = asked.portfolio_id
           WHERE COALESCE(held.amount, 0) <> COALESCE(asked.amount, 0)""",
    ),
    (
        "orders_settled_once",
        "A settled order issued or burned exactly the units it says, and paid exactly its proceeds.",
        """SELECT 'order ' || o.id, o.units FROM portfolios_order o
           JOIN portfolios_portfolio f ON f.id = o.portfolio_id
           WHERE o.status = 'settled' AND (o.units <> COALESCE((
             SELECT ABS(SUM(p.amount)) FROM portfolios_posting p JOIN portfolios_entry e ON e.id = p.entry_id
             JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'issued'
             WHERE e.reference = 'order:' || o.id || ':settle' AND p.asset_id = f.units_id), 0)
           OR COALESCE(o.proceeds, 0) <> COALESCE((
             SELECT SUM(p.amount) FROM portfolios_posting p JOIN portfolios_entry e ON e.id = p.entry_id
             JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'cash'
             JOIN portfolios_ledgerasset a ON a.id = p.asset_id AND a.code = 'USD'
             WHERE e.reference = 'order:' || o.id || ':settle'), 0))
           UNION ALL
           SELECT 'entry ' || e.reference, COUNT(*) FROM portfolios_entry e
           LEFT JOIN portfolios_order o ON e.reference = 'order:' || o.id || ':settle' AND o.status = 'settled'
           WHERE e.kind IN ('units_issue', 'redemption') AND o.id IS NULL GROUP BY e.reference""",
    ),
    (
        "order_states",
        "An order being dealt has an open dealing; a waiting one has none; a settled one has a closed one.",
        """SELECT 'order ' || o.id || ' ' || o.status, 1 FROM portfolios_order o
           LEFT JOIN portfolios_dealing d ON d.id = o.dealing_id
           WHERE (o.status = 'dealing' AND (d.id IS NULL OR NOT d.is_open))
              OR (o.status IN ('accepted', 'cancelled') AND d.id IS NOT NULL)
              OR (o.status = 'settled' AND (d.id IS NULL OR d.is_open OR o.settled_at IS NULL))""",
    ),
    (
        "cycle_states",
        "A settled cycle has nothing open.",
        """SELECT 'cycle ' || c.id, 1 FROM portfolios_dealingcycle c WHERE c.status = 'settled' AND (
             EXISTS (SELECT 1 FROM portfolios_dealing d WHERE d.cycle_id = c.id AND d.is_open)
             OR EXISTS (SELECT 1 FROM portfolios_blockorder b
                        WHERE b.cycle_id = c.id AND b.status NOT IN ('done', 'rejected')))""",
    ),
    (
        "rebalance_states",
        "A finished rebalance has a closed dealing, one under way has an open one.",
        """SELECT 'rebalance ' || r.id || ' ' || r.status, 1 FROM portfolios_rebalance r
           LEFT JOIN portfolios_dealing d ON d.rebalance_id = r.id
           WHERE (r.status = 'done' AND (d.id IS NULL OR d.is_open))
              OR (r.status = 'dealing' AND (d.id IS NULL OR NOT d.is_open))
              OR (r.status IN ('due', 'skipped') AND d.id IS NOT NULL)""",
    ),
    (
        "fills_posted",
        "A fill's entry moves exactly its quantity, notional and fee.",
        """SELECT 'fill ' || f.venue_trade_id, f.quantity FROM portfolios_fill f
           JOIN portfolios_blockorder b ON b.id = f.block_order_id
           WHERE f.quantity <> COALESCE((SELECT ABS(SUM(p.amount)) FROM portfolios_posting p
                   JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'venue'
                   WHERE p.entry_id = f.entry_id AND p.asset_id = b.asset_id), 0)
              OR f.notional <> COALESCE((SELECT ABS(SUM(p.amount)) FROM portfolios_posting p
                   JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'venue'
                   JOIN portfolios_ledgerasset a ON a.id = p.asset_id AND a.code = 'USD'
                   WHERE p.entry_id = f.entry_id), 0)
              OR f.fee <> COALESCE((SELECT SUM(p.amount) FROM portfolios_posting p
                   JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'fees'
                   WHERE p.entry_id = f.entry_id), 0)""",
    ),
    (
        "fill_entries_known",
        "Every entry of a trade at a venue belongs to a fill.",
        """SELECT 'entry ' || e.reference, 1 FROM portfolios_entry e LEFT JOIN portfolios_fill f ON f.entry_id = e.id
           WHERE e.kind = 'fill' AND f.id IS NULL""",
    ),
    (
        "orders_not_overfilled",
        "Fills of a block order do not exceed it and equal what its allocations have used.",
        """SELECT 'block order ' || b.id, 1 FROM portfolios_blockorder b
           LEFT JOIN (SELECT block_order_id, SUM(quantity) AS quantity, SUM(notional + fee) AS spent
                      FROM portfolios_fill GROUP BY block_order_id) f ON f.block_order_id = b.id
           LEFT JOIN (SELECT block_order_id, SUM(size) AS size, SUM(filled) AS filled
                      FROM portfolios_allocation GROUP BY block_order_id) l ON l.block_order_id = b.id
           WHERE CASE b.side WHEN 'sell' THEN b.quantity ELSE b.budget END <> COALESCE(l.size, 0)
              OR CASE b.side WHEN 'sell' THEN COALESCE(f.quantity, 0) ELSE COALESCE(f.spent, 0) END
                 <> COALESCE(l.filled, 0)""",
    ),
    (
        "payments_posted",
        "Every completed payment has one entry of its amount, and every such entry a payment.",
        """SELECT 'payment ' || y.id, y.amount FROM portfolios_payment y WHERE y.status = 'completed'
           AND y.amount <> COALESCE((SELECT ABS(SUM(p.amount)) FROM portfolios_posting p
             JOIN portfolios_entry e ON e.id = p.entry_id
             JOIN portfolios_account c ON c.id = p.account_id AND c.user_id = y.user_id
             WHERE e.reference = 'payment:' || y.method || ':' || y.reference), 0)
           UNION ALL
           SELECT 'entry ' || e.reference, 1 FROM portfolios_entry e LEFT JOIN portfolios_payment y
             ON e.reference = 'payment:' || y.method || ':' || y.reference AND y.status = 'completed'
           WHERE e.kind IN ('deposit', 'withdrawal') AND y.id IS NULL""",
    ),
    (
        "invoices_posted",
        "Every paid invoice has one entry of its amount, and every charge an invoice.",
        """SELECT 'invoice ' || i.reference, i.amount FROM portfolios_invoice i WHERE i.status = 'paid'
           AND i.amount <> COALESCE((SELECT SUM(p.amount) FROM portfolios_posting p
             JOIN portfolios_entry e ON e.id = p.entry_id
             JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'revenue'
             WHERE e.reference = i.reference), 0)
           UNION ALL
           SELECT 'entry ' || e.reference, 1 FROM portfolios_entry e
           LEFT JOIN portfolios_invoice i ON i.reference = e.reference
           WHERE e.kind = 'charge' AND i.id IS NULL""",
    ),
    (
        "subscriptions_apart",
        "The paid periods of a person's contracts do not overlap within one plan.",
        """SELECT 'user ' || s.user_id, COUNT(*) FROM portfolios_invoice a
           JOIN portfolios_invoice b ON b.id > a.id AND b.plan_id = a.plan_id
             AND a.period_start < b.period_end AND b.period_start < a.period_end
           JOIN portfolios_subscription s ON s.id = a.subscription_id AND s.id = b.subscription_id
           GROUP BY s.user_id""",
    ),
    (
        "rounding_small",
        "The rounding account holds less than a cent for each order ever settled.",
        """SELECT c.key, b.amount FROM portfolios_balance b
           JOIN portfolios_account c ON c.id = b.account_id AND c.kind = 'rounding'
           WHERE b.amount > 0.02 * (SELECT COUNT(*) FROM portfolios_order WHERE status = 'settled')""",
    ),
    (
        "clocks",
        "No entry takes effect after it was recorded.",
        """SELECT 'entry ' || reference, EXTRACT(EPOCH FROM effective_at - recorded_at) FROM portfolios_entry
           WHERE effective_at > recorded_at + interval '5 seconds'
             AND NOT EXISTS (SELECT 1 FROM signals_market WHERE is_active AND source <> 'live')""",
    ),
)


def checks_run() -> list[Check]:
    """Every check in a fixed order. Each is one statement and sees the books at one moment."""
    results = []
    with connection.cursor() as cursor:
        for name, promise, question in _QUESTIONS:
            cursor.execute(f"SELECT * FROM ({question}) AS broken LIMIT 4")  # noqa: S608 - constants of this module
            rows = cursor.fetchall()
            detail = "; ".join(f"{what}: {amount}" for what, amount in rows[:3])
            if len(rows) > 3:
                detail += "; and more"
            results.append(Check(name, promise, not rows, detail))
    return results
