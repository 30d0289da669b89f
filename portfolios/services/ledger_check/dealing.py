"""Orders, dealings and rebalances against the ledger.."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "dollars_reserved",
        "A person's reserved dollars are what their waiting orders and withdrawals asked for.",
        """WITH asked AS (
             SELECT user_id, SUM(amount) AS amount FROM (
               SELECT user_id, amount FROM portfolios_order WHERE side = 'invest' AND status = 'accepted'
               UNION ALL
               SELECT user_id, amount FROM portfolios_payment
               WHERE direction = 'withdrawal' AND status IN ('held', 'awaiting_approval', 'sending')) waiting
             GROUP BY user_id)
           SELECT c.key, COALESCE(b.amount, 0) - COALESCE(o.amount, 0)
           FROM portfolios_account c
           LEFT JOIN portfolios_balance b ON b.account_id = c.id
             AND b.asset_id = (SELECT id FROM portfolios_ledgerasset WHERE code = 'USD')
           LEFT JOIN asked o ON o.user_id = c.user_id
           WHERE c.kind = 'reserved' AND COALESCE(b.amount, 0) <> COALESCE(o.amount, 0)
           UNION ALL
           SELECT 'user ' || o.user_id, o.amount FROM asked o
           WHERE NOT EXISTS (
             SELECT 1 FROM portfolios_account c WHERE c.kind = 'reserved' AND c.user_id = o.user_id)""",
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
)
