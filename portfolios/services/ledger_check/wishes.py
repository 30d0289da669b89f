"""Wishes that take more than one order: switches and recurring plans, against the orders they placed."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "switches_whole",
        "A switch invests exactly what its first leg paid out, once; a finished one has no leg that could still move.",
        """SELECT 'switch ' || s.id || ' ' || s.status, COALESCE(i.amount, 0) - COALESCE(r.proceeds, 0)
           FROM portfolios_switch s
           JOIN portfolios_order r ON r.id = s.redeem_id
           LEFT JOIN portfolios_order i ON i.id = s.invest_id
           LEFT JOIN portfolios_portfolio f ON f.id = i.portfolio_id
           WHERE r.side <> 'redeem' OR r.user_id <> s.user_id
              OR (i.id IS NOT NULL AND (i.side <> 'invest' OR i.user_id <> s.user_id OR f.index_id <> s.target_id
                  OR i.amount IS DISTINCT FROM r.proceeds
                  OR i.reference IS DISTINCT FROM 'switch:' || s.id || ':invest'))
              OR (s.status = 'done' AND (r.status <> 'settled' OR i.status IS DISTINCT FROM 'settled'))
              OR (s.status = 'buying' AND r.status <> 'settled')
              OR (s.status = 'cancelled' AND r.status <> 'cancelled')
              OR (s.status = 'stopped' AND (r.status <> 'settled'
                  OR COALESCE(i.status, 'cancelled') <> 'cancelled'))""",
    ),
    (
        "recurring_once",
        "A due date that was ordered has the one order that bears its reference, and every such order has its date.",
        """SELECT 'run ' || n.id, 1 FROM portfolios_recurringrun n
           JOIN portfolios_recurringplan p ON p.id = n.plan_id
           LEFT JOIN portfolios_order o ON o.id = n.order_id
           LEFT JOIN portfolios_portfolio f ON f.id = o.portfolio_id
           WHERE n.status = 'ordered' AND (o.id IS NULL OR o.side <> 'invest' OR o.user_id <> p.user_id
             OR f.index_id <> p.index_id OR o.reference IS DISTINCT FROM 'recurring:' || p.id || ':' || n.due_on)
           UNION ALL
           SELECT 'order ' || o.id, 1 FROM portfolios_order o
           LEFT JOIN portfolios_recurringrun n ON n.order_id = o.id
           WHERE o.reference LIKE 'recurring:%' AND n.id IS NULL""",
    ),
)
