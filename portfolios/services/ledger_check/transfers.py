"""Withdrawals on their way, and money that a provider took back, against the ledger."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "holds_end_once",
        "Money set aside for a withdrawal was paid out or given back exactly once, as its state says.",
        """WITH held AS (
             SELECT y.id, y.status,
               EXISTS (SELECT 1 FROM portfolios_entry e WHERE e.reference = 'payment:' || y.id || ':hold') AS hold,
               EXISTS (SELECT 1 FROM portfolios_entry e WHERE e.reference = 'payment:' || y.id || ':void') AS void,
               EXISTS (SELECT 1 FROM portfolios_entry e
                       WHERE e.reference = 'payment:' || y.method || ':' || y.reference) AS paid
             FROM portfolios_payment y WHERE y.direction = 'withdrawal')
           SELECT 'withdrawal ' || id || ' ' || status, 1 FROM held
           WHERE (status IN ('held', 'awaiting_approval', 'sending') AND (NOT hold OR void OR paid))
              OR (status IN ('failed', 'expired', 'cancelled') AND (NOT hold OR NOT void OR paid))
              OR (status = 'completed' AND (void OR NOT paid))
              OR status NOT IN ('held', 'awaiting_approval', 'sending', 'failed', 'expired', 'cancelled', 'completed')
           UNION ALL
           SELECT 'entry ' || e.reference, 1 FROM portfolios_entry e
           LEFT JOIN portfolios_payment y ON y.direction = 'withdrawal' AND y.id::text = split_part(e.reference, ':', 2)
           WHERE e.kind IN ('withdrawal_hold', 'withdrawal_void') AND y.id IS NULL""",
    ),
    (
        "withdrawals_approved",
        "No large withdrawal went past its approvals, and nobody approved their own.",
        """SELECT 'withdrawal ' || y.id, y.approvals_needed - COUNT(DISTINCT a.staff_id) FROM portfolios_payment y
           LEFT JOIN portfolios_withdrawalapproval a ON a.payment_id = y.id AND a.staff_id <> y.user_id
           WHERE y.approvals_needed > 0 AND y.status IN ('held', 'sending', 'completed')
           GROUP BY y.id HAVING COUNT(DISTINCT a.staff_id) < y.approvals_needed
           UNION ALL
           SELECT 'withdrawal ' || y.id || ' approved by its owner', 1 FROM portfolios_withdrawalapproval a
           JOIN portfolios_payment y ON y.id = a.payment_id AND y.user_id = a.staff_id""",
    ),
    (
        "payments_referenced",
        "Every real payment names the provider's reference, and no two the same.",
        """SELECT 'payment ' || y.id, y.amount FROM portfolios_payment y
           WHERE y.method <> 'sandbox' AND y.provider_reference = ''
             AND y.status IN ('completed', 'disputed', 'reversed')
           UNION ALL
           SELECT 'reference ' || method || ' ' || provider_reference, COUNT(*) FROM portfolios_payment
           WHERE provider_reference <> '' GROUP BY method, provider_reference HAVING COUNT(*) > 1""",
    ),
    (
        "taken_back_posted",
        "What providers took back of a deposit is what the books say, and only of deposits that came in.",
        """WITH moved AS (
             SELECT split_part(e.reference, ':', 2) AS id, -SUM(p.amount) AS amount FROM portfolios_entry e
             JOIN portfolios_posting p ON p.entry_id = e.id
             JOIN portfolios_account c ON c.id = p.account_id AND c.kind IN ('cash', 'receivable')
             WHERE e.kind IN ('refund', 'dispute', 'refund_returned', 'dispute_returned') GROUP BY 1)
           SELECT 'payment ' || COALESCE(y.id::text, m.id),
                  COALESCE(y.refunded + y.disputed, 0) - COALESCE(m.amount, 0)
           FROM (SELECT * FROM portfolios_payment WHERE refunded <> 0 OR disputed <> 0) y
           FULL JOIN moved m ON m.id = y.id::text
           WHERE COALESCE(y.refunded + y.disputed, 0) <> COALESCE(m.amount, 0)
              OR y.direction = 'withdrawal' OR y.status NOT IN ('completed', 'disputed', 'reversed')""",
    ),
    (
        "receivables_owed",
        "People owe what was taken back beyond their cash and not paid since, and never less than nothing.",
        """SELECT c.key, b.amount FROM portfolios_balance b
           JOIN portfolios_account c ON c.id = b.account_id AND c.kind = 'receivable' WHERE b.amount > 0
           UNION ALL
           SELECT 'entry ' || e.reference, p.amount FROM portfolios_posting p
           JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'receivable'
           JOIN portfolios_entry e ON e.id = p.entry_id
           WHERE e.kind NOT IN ('refund', 'dispute', 'reversal', 'receivable')
              OR (e.kind = 'receivable') <> (p.amount > 0)""",
    ),
    (
        "cards_told",
        "Every card deposit in the books was told by Stripe as paid, in its amount.",
        """SELECT 'payment ' || y.id, y.amount FROM portfolios_payment y
           WHERE y.method = 'stripe' AND y.direction = 'deposit' AND y.status IN ('completed', 'disputed', 'reversed')
             AND NOT EXISTS (SELECT 1 FROM portfolios_paymentevent v WHERE v.provider = y.method AND v.kind = 'paid'
               AND v.amount = y.amount AND (v.payment_id = y.id OR v.subject = y.provider_reference))""",
    ),
)
