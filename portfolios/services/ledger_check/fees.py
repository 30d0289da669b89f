"""The house's fees against their schedules and the ledger."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "fees_posted",
        "Every fee issued exactly its units to the house by one entry, and every fee entry has its fee.",
        """SELECT 'fee ' || f.id, f.units FROM portfolios_feeaccrual f
           JOIN portfolios_portfolio o ON o.id = f.portfolio_id
           WHERE f.units <> COALESCE((SELECT SUM(p.amount) FROM portfolios_posting p
             JOIN portfolios_entry e ON e.id = p.entry_id AND e.kind = 'fee'
               AND e.reference = 'fee:' || f.kind || ':' || f.portfolio_id || ':' || f.day
             JOIN portfolios_account c ON c.id = p.account_id AND c.key = 'fees:' || f.kind
             WHERE e.id = f.entry_id AND p.asset_id = o.units_id), 0)
           UNION ALL
           SELECT 'entry ' || e.reference, 1 FROM portfolios_entry e
           LEFT JOIN portfolios_feeaccrual f ON f.entry_id = e.id WHERE e.kind = 'fee' AND f.id IS NULL""",
    ),
    (
        "fees_held",
        "The house holds the units of its fees, less those that its own orders have redeemed.",
        """WITH house AS (
             SELECT b.asset_id, SUM(b.amount) AS amount FROM portfolios_balance b
             JOIN portfolios_account c ON c.id = b.account_id
             JOIN portfolios_ledgerasset a ON a.id = b.asset_id AND a.kind = 'unit'
             LEFT JOIN portfolios_user u ON u.id = c.user_id
             WHERE (c.kind = 'fees' AND c.key IN ('fees:management', 'fees:performance'))
                OR u.email = 'house@bellwether.invalid' GROUP BY b.asset_id),
           due AS (
             SELECT o.units_id AS asset_id, SUM(x.amount) AS amount FROM (
               SELECT portfolio_id, units AS amount FROM portfolios_feeaccrual
               UNION ALL SELECT r.portfolio_id, -r.units FROM portfolios_order r
               JOIN portfolios_user u ON u.id = r.user_id AND u.email = 'house@bellwether.invalid'
               WHERE r.side = 'redeem' AND r.status = 'settled') x
             JOIN portfolios_portfolio o ON o.id = x.portfolio_id GROUP BY o.units_id)
           SELECT 'asset ' || COALESCE(house.asset_id, due.asset_id),
                  COALESCE(house.amount, 0) - COALESCE(due.amount, 0)
           FROM house FULL JOIN due ON due.asset_id = house.asset_id
           WHERE COALESCE(house.amount, 0) <> COALESCE(due.amount, 0)""",
    ),
    (
        "fees_by_schedule",
        "A fee is what its announced schedule says, to the base unit, and never before its first day.",
        """WITH managed AS (
             SELECT f.*, trunc(f.rate * 1000000) AS parts, f.units * 1000000000000 AS whole,
                    f.units_before * 1000000000000 AS base,
                    LAG(f.carry) OVER w AS carried, trunc(LAG(f.rate) OVER w * 1000000) AS carried_at
             FROM portfolios_feeaccrual f WHERE f.kind = 'management'
             WINDOW w AS (PARTITION BY f.portfolio_id ORDER BY f.day))
           SELECT 'fee ' || m.id, m.units FROM managed m
           WHERE m.carry >= 365000000 - m.parts
              OR m.whole * (365000000 - m.parts) + m.carry <> m.base * m.parts + CASE
                WHEN m.carried IS NULL THEN 0 WHEN m.carried_at = m.parts THEN m.carried
                ELSE trunc(m.carried * (365000000 - m.parts) / (365000000 - m.carried_at)) END
           UNION ALL
           SELECT 'fee ' || f.id, f.units FROM portfolios_feeaccrual f
           JOIN portfolios_feeschedule s ON s.id = f.schedule_id
           JOIN portfolios_portfolio o ON o.id = f.portfolio_id
           WHERE f.day < s.effective_from OR o.kind <> 'pooled' OR (s.index_id IS NOT NULL AND s.index_id <> o.index_id)
              OR f.rate <> CASE f.kind WHEN 'management' THEN s.management_rate ELSE s.performance_rate END
           UNION ALL
           SELECT 'fee ' || f.id, f.units FROM portfolios_feeaccrual f WHERE f.kind = 'performance' AND f.units > 0
             AND (f.low IS NULL OR f.mark_before IS NULL OR f.low <= f.mark_before
                  OR f.units * f.unit_price > f.units_before * f.rate * (f.low - f.mark_before))""",
    ),
)
