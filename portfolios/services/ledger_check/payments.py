"""Money in and out, and plans, against the ledger.."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "payments_posted",
        "Every payment that came in or went out has one entry of its amount, and every such entry a payment.",
        """SELECT 'payment ' || y.id, y.amount FROM portfolios_payment y
           WHERE y.status IN ('completed', 'disputed', 'reversed')
           AND y.amount <> COALESCE((SELECT ABS(SUM(p.amount)) FROM portfolios_posting p
             JOIN portfolios_entry e ON e.id = p.entry_id
             JOIN portfolios_account c ON c.id = p.account_id AND c.user_id = y.user_id
             WHERE e.reference = 'payment:' || y.method || ':' || y.reference), 0)
           UNION ALL
           SELECT 'entry ' || e.reference, 1 FROM portfolios_entry e LEFT JOIN portfolios_payment y
             ON e.reference = 'payment:' || y.method || ':' || y.reference
             AND y.status IN ('completed', 'disputed', 'reversed')
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
)
