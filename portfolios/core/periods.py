"""Months of a subscription, and what the rest of one is worth."""

import calendar
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal


def month_later(start: datetime, *, billing_day: int | None = None) -> datetime:
    """The same time one month later, on `billing_day` (default: the day of `start`).

    Where the month is too short for that day, its last: a contract of the 31st pays on 28 February and on 31 March.
    """
    year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
    day = min(billing_day or start.day, calendar.monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day)


def prorated(price: Decimal, *, start: datetime, end: datetime, now: datetime) -> Decimal:
    """The part of a period's price that belongs to what is left of the period, in whole cents (half up)."""
    whole, left = end - start, max(start, min(end, now))
    seconds = Decimal(int((end - left).total_seconds())) / Decimal(int(whole.total_seconds()))
    return (price * seconds).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
