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
              OR CASE WHEN f.fee_asset_id IS NULL THEN f.fee ELSE f.fee_quantity END
                 <> COALESCE((SELECT SUM(p.amount) FROM portfolios_posting p
                   JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'fees'
                   JOIN portfolios_ledgerasset a ON a.id = p.asset_id
                   WHERE p.entry_id = f.entry_id AND (a.id = f.fee_asset_id OR
                     (f.fee_asset_id IS NULL AND a.code = 'USD'))), 0)""",
    ),
    (
        "fill_fees_whole",
        "A fee is posted in what it was taken in and in nothing else; one in a third token is charged in dollars.",
        """SELECT 'fill ' || f.venue_trade_id, p.amount FROM portfolios_fill f
           JOIN portfolios_posting p ON p.entry_id = f.entry_id
           JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'fees'
           JOIN portfolios_ledgerasset a ON a.id = p.asset_id
           WHERE NOT (a.id = f.fee_asset_id OR (f.fee_asset_id IS NULL AND a.code = 'USD'))
           UNION ALL
           SELECT 'fill ' || f.venue_trade_id, f.fee FROM portfolios_fill f
           JOIN portfolios_blockorder b ON b.id = f.block_order_id
           WHERE f.fee_asset_id IS NOT NULL AND (f.fee_quantity <= 0
             OR (f.fee_asset_id = b.asset_id AND f.fee <> 0) OR (f.fee_asset_id <> b.asset_id AND f.fee <= 0))""",
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
           LEFT JOIN (SELECT block_order_id, SUM(used) AS used, SUM(quantity) AS quantity
                      FROM portfolios_fill GROUP BY block_order_id) f ON f.block_order_id = b.id
           LEFT JOIN (SELECT block_order_id, SUM(size) AS size, SUM(filled) AS filled
                      FROM portfolios_allocation GROUP BY block_order_id) l ON l.block_order_id = b.id
           WHERE CASE b.side WHEN 'sell' THEN b.quantity ELSE b.budget END <> COALESCE(l.size, 0)
              OR COALESCE(f.used, 0) <> COALESCE(l.filled, 0)
              OR (b.side = 'sell' AND COALESCE(f.quantity, 0) > b.quantity)""",
    ),
    (
        "fills_used",
        "A fill uses of its order what it sold or spent, its fee included; only a fee may be the operator's.",
        """SELECT 'fill ' || f.venue_trade_id, f.used FROM portfolios_fill f
           JOIN portfolios_blockorder b ON b.id = f.block_order_id
           WHERE CASE b.side
             WHEN 'sell' THEN f.used NOT BETWEEN f.quantity
               AND f.quantity + CASE WHEN f.fee_asset_id = b.asset_id THEN f.fee_quantity ELSE 0 END
             ELSE f.used NOT BETWEEN f.notional + f.fee - GREATEST(f.fee, 0.01) AND f.notional + f.fee END""",
    ),
)
