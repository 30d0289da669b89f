"""What every holder of a portfolio owns, all at once: for operators, statements and proofs over a million people."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from portfolios.core.bulk.holders import units_values
from portfolios.core.bulk.whole import Whole, total_of
from portfolios.core.money import UNIT_SCALE, to_base
from portfolios.models import Portfolio
from portfolios.selectors import valuations
from portfolios.services.nominees.copying import arrays

MOST_UNITS = 4_000_000
"""More units than this on one account do not fit a word of 64 bits as base units; they are read one by one."""


@dataclass(frozen=True, eq=False)
class Holders:
    """Units and worth of every account that holds any, side by side [account]: base units and micro-dollars, each
    rounded down. `value` is what all units are worth; `rest` what rounding down leaves, less than one micro-dollar an
    account. It belongs to nobody in particular and stays in the portfolio."""

    accounts: Whole
    units: Whole
    worth: Whole
    large: dict[int, tuple[int, int]]
    value: int
    rest: int

    @property
    def count(self) -> int:
        """How many accounts hold units."""
        return len(self.accounts) + len(self.large)


def holders_value(portfolio: Portfolio, *, at: datetime | None = None) -> Holders:
    """Everybody's units of the portfolio and what they are worth at marks of `at` (market time now when None).
    Accounts in `large` are account id -> (base units, micro-dollars)."""
    valuation = valuations([portfolio.pk], at=at)[portfolio.pk]
    value, issued = valuation.value, valuation.units
    held = "FROM portfolios_balance WHERE asset_id = %s AND amount > 0 AND amount {} %s"
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY (SELECT array_agg(account_id), array_agg((amount * 1000000000000)::bigint) "
            f"{held.format('<')}) TO STDOUT (FORMAT BINARY)",
            [portfolio.units_id, MOST_UNITS],
        ) as copy:
            holders, units = arrays(b"".join(bytes(part) for part in copy))
        cursor.execute(f"SELECT account_id, amount {held.format('>=')}", [portfolio.units_id, MOST_UNITS])
        large = {account: to_base(amount, UNIT_SCALE) for account, amount in cursor.fetchall()}
    worth = units_values(units, value, issued)
    told = {account: (owned, owned * value // issued) for account, owned in large.items()}
    whole = total_of(units) + sum(large.values())
    paid = total_of(worth) + sum(part for _, part in told.values())
    owed = whole * value // issued if issued else 0
    return Holders(holders, units, worth, told, value, owed - paid)
