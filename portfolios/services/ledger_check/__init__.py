"""Every invariant of the books, as questions whose only right answer is an empty table."""

from dataclasses import dataclass

from django.db import connection

from portfolios.services.ledger_check import (
    dealing,
    entries,
    fees,
    payments,
    personal,
    statements,
    transfers,
    usdc,
    venues,
    wishes,
)


@dataclass(frozen=True)
class Check:
    """One invariant: what it promises, whether it holds, and the first rows that break it."""

    name: str
    promise: str
    passed: bool
    detail: str


QUESTIONS = (
    *entries.QUESTIONS,
    *personal.QUESTIONS,
    *dealing.QUESTIONS,
    *wishes.QUESTIONS,
    *venues.QUESTIONS,
    *payments.QUESTIONS,
    *usdc.QUESTIONS,
    *fees.QUESTIONS,
    *transfers.QUESTIONS,
    *statements.QUESTIONS,
)


def checks_run() -> list[Check]:
    """Every check in a fixed order. Each is one statement and sees the books at one moment."""
    results = []
    with connection.cursor() as cursor:
        for name, promise, question in QUESTIONS:
            cursor.execute(f"SELECT * FROM ({question}) AS broken LIMIT 4")  # noqa: S608 - constants of this module
            rows = cursor.fetchall()
            detail = "; ".join(f"{what}: {amount}" for what, amount in rows[:3])
            if len(rows) > 3:
                detail += "; and more"
            results.append(Check(name, promise, not rows, detail))
    return results
