"""USDC against the ledger: what the chain told, what was credited for it, and what was paid out."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "usdc_credited",
        "Every credited transfer has one deposit of its USDC, and every deposit of USDC a transfer or a reversal.",
        """SELECT 'transfer ' || t.id, t.amount FROM portfolios_chaintransfer t
           LEFT JOIN portfolios_payment y ON y.id = t.payment_id
           WHERE t.status IN ('credited', 'reversed')
             AND (y.id IS NULL OR y.user_id <> t.user_id OR y.method <> 'usdc'
                  OR (t.status = 'credited') <> (y.status = 'completed')
                  OR t.amount <> COALESCE((SELECT -SUM(p.amount) FROM portfolios_posting p
                    JOIN portfolios_entry e ON e.id = p.entry_id
                    JOIN portfolios_account c ON c.id = p.account_id AND c.key = 'outside:usdc'
                    WHERE e.reference = 'payment:usdc:' || y.reference), 0))
           UNION ALL
           SELECT 'payment ' || y.id, y.amount FROM portfolios_payment y
           WHERE y.method = 'usdc' AND y.direction = 'deposit'
             AND CASE y.status WHEN 'completed' THEN NOT EXISTS (
                   SELECT 1 FROM portfolios_chaintransfer t WHERE t.payment_id = y.id AND t.status = 'credited')
                 WHEN 'reversed' THEN NOT EXISTS (SELECT 1 FROM portfolios_entry e
                   WHERE e.reference = 'payment:usdc:' || y.reference || ':reversed')
                 ELSE true END""",
    ),
    (
        "usdc_conserved",
        "What the ledger says came in and went out as USDC is what transfers and payouts say.",
        """SELECT 'outside:usdc', found.ledger - found.chain FROM (SELECT
             COALESCE((SELECT -b.amount FROM portfolios_balance b JOIN portfolios_account c ON c.id = b.account_id
               JOIN portfolios_ledgerasset a ON a.id = b.asset_id
               WHERE c.key = 'outside:usdc' AND a.code = 'USDC'), 0) AS ledger,
             COALESCE((SELECT SUM(amount) FROM portfolios_chaintransfer WHERE status = 'credited'), 0)
             - COALESCE((SELECT SUM(o.amount) FROM portfolios_usdcpayout o JOIN portfolios_payment y
               ON y.id::text = o.reference WHERE y.status = 'completed'), 0) AS chain) AS found
           WHERE found.ledger <> found.chain""",
    ),
    (
        "usdc_paid",
        "A withdrawal of USDC is completed only by a payout that is confirmed, of its dollars.",
        """SELECT 'payment ' || y.id, y.amount FROM portfolios_payment y
           LEFT JOIN portfolios_usdcpayout o ON o.reference = y.id::text
           WHERE y.method = 'usdc' AND y.direction = 'withdrawal'
             AND ((y.status = 'completed' AND (o.id IS NULL OR o.status <> 'paid' OR o.usd <> y.amount))
                  OR (y.status IN ('failed', 'expired', 'cancelled')
                      AND o.status IN ('queued', 'signed', 'sent', 'paid')))
           UNION ALL
           SELECT 'payout ' || o.id, COUNT(*) FROM portfolios_usdcpayout o
           JOIN portfolios_chaintransaction x ON x.payout_id = o.id AND x.nonce IS DISTINCT FROM o.nonce
           GROUP BY o.id""",
    ),
)
