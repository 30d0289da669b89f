"""Why dollars stay in a portfolio when its dealing is over: every micro-dollar has a line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypedDict

from portfolios.core.dealing import Left
from portfolios.core.money import CENT, USD_SCALE, from_base, to_base
from portfolios.models import Allocation, BlockOrder, Dealing

_GIVEN = "given"
"""What a purchase may spend, while the dealing is open."""


class Line(TypedDict):
    """One reason. `why` is was_there, no_target, nothing_lacking, too_small, not_sent, unfilled, not_needed or
    rounding; `token` is a slug or empty, `detail` a sentence or empty."""

    why: str
    usd: str
    token: str
    detail: str


def line(why: str, amount: int, token: str = "", detail: str = "") -> Line:
    """A reason for `amount` micro-dollars."""
    return Line(why=why, usd=f"{from_base(amount, USD_SCALE):f}", token=token, detail=detail)


def planned(buys: Mapping[str, int], left: Iterable[Left], was_there: int) -> list[Line]:
    """What purchases are given by asset code, what they leave by plan, and the cash that a flow does not touch."""
    lines = [line(_GIVEN, micro, code.removeprefix("token:")) for code, micro in sorted(buys.items())]
    lines += [line("was_there", was_there)] if was_there else []
    return lines + [line(item.why, item.amount) for item in left]


def settled(dealing: Dealing, cash: int) -> list[Line]:
    """The lines of a dealing that leaves `cash` micro-dollars in the portfolio; they sum to it exactly. Planned lines
    are cut where less is left than was planned (a payout took it)."""
    given = {row["token"]: _micro(row) for row in dealing.cash_left if row["why"] == _GIVEN}
    kept = [row for row in dealing.cash_left if row["why"] != _GIVEN]
    lines: list[Line] = []
    open_amount = cash
    for found in [*_unspent(dealing, given), *kept]:
        amount = min(open_amount, _micro(found))
        if amount > 0:
            lines.append(line(found["why"], amount, found["token"], found["detail"]))
            open_amount -= amount
    if open_amount:
        small = open_amount < 2 * CENT * max(1, dealing.orders.count())
        lines.append(line("rounding" if small else "not_needed", open_amount))
    return lines


def _unspent(dealing: Dealing, given: Mapping[str, int]) -> list[Line]:
    """What purchases were given and did not use, by token, with the last word about it; cents that fills leave are one
    line."""
    used: dict[str, int] = defaultdict(int)
    last: dict[str, BlockOrder] = {}
    rows = Allocation.objects.filter(dealing=dealing, block_order__side=BlockOrder.Side.BUY)
    for row in rows.select_related("block_order__asset").order_by("block_order__created_at"):
        token = row.block_order.asset.code.removeprefix("token:")
        used[token] += to_base(row.filled, USD_SCALE)
        last[token] = row.block_order
    lines, rounding = [], 0
    for token, micro in given.items():
        amount = micro - used[token]
        if amount >= CENT:
            sent = last[token].status != BlockOrder.Status.REJECTED
            lines.append(line("unfilled" if sent else "not_sent", amount, token, last[token].reason))
        else:
            rounding += amount
    return [*lines, line("rounding", rounding)] if rounding else lines


def _micro(row: Line) -> int:
    return to_base(Decimal(row["usd"]), USD_SCALE)
