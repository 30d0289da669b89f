"""Books of personal portfolios against the ledger.."""

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
)
