"""Statements and tax years against what they rest on."""

from portfolios.services.ledger_check.question import Question

QUESTIONS: tuple[Question, ...] = (
    (
        "statements_continuous",
        "A person's statement opens with what the one of the month before closed with; corrections included.",
        """WITH newest AS (SELECT DISTINCT ON (user_id, month) user_id, month, opening, closing
             FROM portfolios_statement ORDER BY user_id, month, version DESC)
           SELECT 'user ' || b.user_id || ' ' || to_char(b.month, 'YYYY-MM'), b.opening - a.closing
           FROM newest a JOIN newest b ON b.user_id = a.user_id
             AND b.month = (a.month + interval '1 month')::date
           WHERE b.opening <> a.closing""",
    ),
    (
        "lots_chosen_once",
        "The lots chosen for a redemption are its owner's and no more than it redeems.",
        """SELECT 'order ' || o.id, SUM(c.units) FROM portfolios_lotchoice c
           JOIN portfolios_order o ON o.id = c.order_id
           GROUP BY o.id HAVING SUM(c.units) > MAX(o.units) OR bool_or(c.user_id <> o.user_id OR o.side <> 'redeem')""",
    ),
)
