"""What venues reported against the ledger.."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
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
)
