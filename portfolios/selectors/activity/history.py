"""The whole history of a person's money, filtered and cut into pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from portfolios.models import Order, Payment, User
from portfolios.selectors.activity.costs import TRADING, part_of, with_costs
from portfolios.selectors.activity.lines import ledger_lines, plan_lines
from portfolios.selectors.activity.movements import movements
from portfolios.selectors.activity.rebalances import rebalance_lines
from portfolios.selectors.fees import FeeMonth, fee_months
from portfolios.selectors.personal import book_activity
from portfolios.selectors.records import ActivityLine
from signals.core import clock, figures

EVERY = 1_000_000
"""More lines than anybody has."""
KINDS = {
    "deposit": "Deposits",
    "withdrawal": "Withdrawals",
    "invest": "Investing",
    "redeem": "Redeeming",
    "rebalance": "Rebalances",
    "fee": "Fees",
    "plan": "Plans",
    "adjustment": "Corrections",
}


@dataclass(frozen=True)
class ActivityFilter:
    """Which lines are wanted: of these kinds (none named: all), of this index, on the market days [since, until]."""

    kinds: frozenset[str] = frozenset()
    index: str = ""
    since: date | None = None
    until: date | None = None

    def takes(self, line: ActivityLine) -> bool:
        """Whether the line is wanted."""
        day = figures.market_day(line.at)
        return (
            (not self.kinds or line.kind in self.kinds)
            and (not self.index or line.index_slug == self.index)
            and (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
        )


def history(user: User, wanted: ActivityFilter | None = None, *, costs: bool = True) -> list[ActivityLine]:
    """Every line, oldest first, with what the person's dollars came to after it. A fixed number of queries.

    Over all lines `free_usd`, `set_aside_usd` and `owed_usd` sum to the ledger's balances, whatever is filtered out:
    the running figure counts all of them. With `costs` the trading cost of each is divided into fee and spread.
    """
    lines, dealings = _all(user)
    if wanted is not None:
        lines = [line for line in lines if wanted.takes(line)]
    return with_costs(lines, dealings) if costs else lines


def history_page(
    user: User, wanted: ActivityFilter, *, limit: int, before: datetime | None = None
) -> tuple[list[ActivityLine], datetime | None]:
    """(newest lines first, where the next page begins or None). `before` is recorded time; lines of the same moment are
    never divided between two pages."""
    lines, dealings = _all(user)
    found = [line for line in reversed(lines) if wanted.takes(line)]
    if before is not None:
        found = [line for line in found if line.recorded_at < before]
    end = min(limit, len(found))
    while 0 < end < len(found) and found[end].recorded_at == found[end - 1].recorded_at:
        end += 1
    shown = with_costs(found[:end], dealings)
    return shown, shown[-1].recorded_at if end < len(found) else None


def activity(user: User, *, limit: int = 50, before: datetime | None = None) -> list[ActivityLine]:
    """The newest `limit` lines, newest first. `before` (recorded time) continues a list: pass the last line's
    `recorded_at`."""
    lines, dealings = _all(user)
    found = [line for line in reversed(lines) if before is None or line.recorded_at < before]
    return with_costs(found[:limit], dealings)


def _all(user: User) -> tuple[list[ActivityLine], dict[str, int]]:
    rows = Order.objects.filter(user=user).select_related(
        "portfolio__index", "book__nominee__index", "dealing"
    )
    orders = {str(row.pk): row for row in rows}
    payments = {str(row.pk): row for row in Payment.objects.filter(user=user)}
    rebalanced, dealings = rebalance_lines(user)
    lines = [
        *ledger_lines(movements(user), orders, payments),
        *rebalanced,
        *plan_lines(user),
        *map(_fee_line, fee_months(user)),
        *map(_with_cost, book_activity(user, limit=EVERY)),
    ]
    dealings |= {f"order:{key}": row.dealing_id for key, row in orders.items() if row.dealing_id is not None}
    lines.sort(key=lambda line: (line.recorded_at, line.entries[-1] if line.entries else 0))
    return _running(lines), dealings


def _running(lines: Sequence[ActivityLine]) -> list[ActivityLine]:
    dollars, result = Decimal(0), []
    for line in lines:
        dollars += line.net_usd
        result.append(replace(line, dollars_after_usd=dollars))
    return result


def _with_cost(line: ActivityLine) -> ActivityLine:
    """A line that knows its whole cost alone."""
    if line.costs or not line.cost_usd:
        return line
    return replace(line, costs=(part_of(TRADING, line.cost_usd),))


def _fee_line(month: FeeMonth) -> ActivityLine:
    kind = f"{month.kind}_fee"
    return ActivityLine(
        at=clock.end_of_day(month.last_day),
        recorded_at=month.recorded_at,
        kind="fee",
        title=f"{month.kind.capitalize()} fee of {month.index_name}",
        detail=(
            f"{month.days} day{'' if month.days == 1 else 's'} in {month.month:%B %Y}, taken as "
            f"{figures.quantity(month.units)} units of your holding's worth; it is inside the unit price"
        ),
        amount_usd=None,
        cost_usd=month.usd,
        status="settled",
        index_slug=month.index_slug,
        reference=f"{month.portfolio_id}:{month.month:%Y-%m}",
        key=f"fee:{month.kind}:{month.portfolio_id}:{month.month:%Y-%m}",
        costs=(part_of(kind, month.usd),),
    )
