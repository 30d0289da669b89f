"""Books of personal portfolios against the ledger."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
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
        "books_fit",
        "A book has a number for each place of its basket, which begins with the basket of every batch before.",
        """SELECT 'book ' || b.id, cardinality(b.quantities) FROM portfolios_book b
           JOIN portfolios_basket k ON k.id = b.basket_id
           WHERE cardinality(b.quantities) <> cardinality(k.assets)
              OR octet_length(b.excluded) <> (cardinality(k.assets) + 7) / 8
           UNION ALL
           SELECT 'batch ' || t.reference, COUNT(*) FROM portfolios_batch t
           JOIN portfolios_basket before ON before.id = t.basket_id
           JOIN (SELECT DISTINCT nominee_id, basket_id FROM portfolios_book) own ON own.nominee_id = t.nominee_id
           JOIN portfolios_basket now ON now.id = own.basket_id
           WHERE before.assets <> now.assets[1:cardinality(before.assets)] GROUP BY t.reference""",
    ),
    (
        "book_orders_posted",
        "A settled investment in a personal portfolio is in its book.",
        """SELECT 'order ' || o.id, o.amount FROM portfolios_order o
           WHERE o.book_id IS NOT NULL AND o.side = 'invest' AND o.status = 'settled' AND NOT EXISTS (
             SELECT 1 FROM portfolios_dealingblock k JOIN portfolios_batch t ON t.block_id = k.id
             JOIN portfolios_bookposting p ON p.batch_id = t.id AND p.book_id = o.book_id
             WHERE k.dealing_id = o.dealing_id)""",
    ),
    (
        "nominee_blocks",
        "A nominee whose dealing is over has given every block of books its part.",
        """SELECT 'dealing ' || k.dealing_id || ' block ' || k.number, 1 FROM portfolios_dealingblock k
           JOIN portfolios_dealing d ON d.id = k.dealing_id WHERE NOT d.is_open AND k.stored_at IS NULL""",
    ),
)
