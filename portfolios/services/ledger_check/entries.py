"""The ledger itself: entries, balances and what they may hold.."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "entries_balanced",
        "The postings of an entry sum to zero in each asset.",
        """SELECT 'entry ' || e.reference, SUM(p.amount) FROM portfolios_posting p
           JOIN portfolios_entry e ON e.id = p.entry_id GROUP BY e.reference, p.asset_id HAVING SUM(p.amount) <> 0""",
    ),
    (
        "entries_have_legs",
        "Every entry has at least two postings.",
        """SELECT 'entry ' || e.reference, COUNT(p.id) FROM portfolios_entry e
           LEFT JOIN portfolios_posting p ON p.entry_id = e.id GROUP BY e.id HAVING COUNT(p.id) < 2""",
    ),
    (
        "assets_conserved",
        "All balances of an asset sum to zero.",
        """SELECT a.code, SUM(b.amount) FROM portfolios_balance b JOIN portfolios_ledgerasset a ON a.id = b.asset_id
           GROUP BY a.code HAVING SUM(b.amount) <> 0""",
    ),
    (
        "balances_projected",
        "A balance is the sum of its postings.",
        """SELECT 'account ' || COALESCE(b.account_id, s.account_id) || ' asset ' || COALESCE(b.asset_id, s.asset_id),
                  COALESCE(b.amount, 0) - COALESCE(s.amount, 0)
           FROM portfolios_balance b FULL JOIN (
             SELECT account_id, asset_id, SUM(amount) AS amount FROM portfolios_posting GROUP BY account_id, asset_id
           ) s ON s.account_id = b.account_id AND s.asset_id = b.asset_id
           WHERE COALESCE(b.amount, 0) <> COALESCE(s.amount, 0)""",
    ),
    (
        "no_overdraft",
        "Only venues, the outside world, unit issuers, clearing, the treasury and what people owe go below zero.",
        """SELECT c.key, b.amount FROM portfolios_balance b JOIN portfolios_account c ON c.id = b.account_id
           WHERE (b.amount < 0 AND c.kind NOT IN ('outside', 'venue', 'issued', 'clearing', 'receivable', 'treasury'))
              OR b.may_be_negative <> c.may_be_negative
              OR c.may_be_negative <>
                 (c.kind IN ('outside', 'venue', 'issued', 'clearing', 'receivable', 'treasury'))""",
    ),
    (
        "whole_base_units",
        "Every posting is a whole number of base units.",
        """SELECT 'posting ' || p.id, p.amount FROM portfolios_posting p
           JOIN portfolios_ledgerasset a ON a.id = p.asset_id WHERE p.amount <> trunc(p.amount, a.scale)""",
    ),
    (
        "units_held_by_people",
        "Units of a portfolio are issued by it alone, and held by people and (as fees) by the house alone.",
        """SELECT c.key || ' ' || a.code, b.amount FROM portfolios_balance b
           JOIN portfolios_account c ON c.id = b.account_id JOIN portfolios_ledgerasset a ON a.id = b.asset_id
           LEFT JOIN portfolios_portfolio f ON f.units_id = a.id
           WHERE b.amount <> 0 AND (
             (a.kind = 'unit' AND c.kind = 'issued' AND (c.portfolio_id IS DISTINCT FROM f.id OR b.amount > 0))
             OR (a.kind = 'unit' AND c.kind NOT IN ('issued', 'cash', 'reserved')
                 AND c.key NOT IN ('fees:management', 'fees:performance'))
             OR (a.kind = 'token' AND c.kind NOT IN ('assets', 'books', 'clearing', 'venue')
                 AND c.key NOT IN ('fees:trading', 'outside:operator')))""",
    ),
    (
        "rounding_small",
        "The rounding account holds less than a cent for each order ever settled.",
        """SELECT c.key, b.amount FROM portfolios_balance b
           JOIN portfolios_account c ON c.id = b.account_id AND c.kind = 'rounding'
           WHERE b.amount > 0.02 * (SELECT COUNT(*) FROM portfolios_order WHERE status = 'settled')""",
    ),
    (
        "clocks",
        "No entry takes effect after it was recorded.",
        """SELECT 'entry ' || reference, EXTRACT(EPOCH FROM effective_at - recorded_at) FROM portfolios_entry
           WHERE effective_at > recorded_at + interval '5 seconds'
             AND NOT EXISTS (SELECT 1 FROM signals_market WHERE is_active AND source <> 'live')""",
    ),
)
