"""One line for each thing that happened, put together from the ledger's entries and the rows that caused them."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypedDict

from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base
from portfolios.models import Invoice, Order, Payment, User
from portfolios.selectors.activity.costs import ROUNDING, SPREAD, order_gross, part_of
from portfolios.selectors.activity.movements import Movement
from portfolios.selectors.records import ActivityLine, CostPart
from signals.core import figures

_ORDER = re.compile(r"order:([0-9a-f-]{36}):")
_PAYMENT = re.compile(r"payment:([0-9a-f-]{36}):")
_TITLES = {
    "reversal": "Correction",
    "refund": "Deposit refunded",
    "dispute": "Deposit disputed",
    "refund_returned": "Refund returned",
    "dispute_returned": "Dispute decided for you",
    "receivable": "Paid back what was owed",
    "fee": "Fee",
}


class Sums(TypedDict):
    """What a line changed, as ActivityLine names it."""

    free_usd: Decimal
    set_aside_usd: Decimal
    owed_usd: Decimal


_WAITING = {Payment.Status.HELD, Payment.Status.AWAITING_APPROVAL, Payment.Status.SENDING}


def ledger_lines(
    moved: Sequence[Movement], orders: Mapping[str, Order], payments: Mapping[str, Payment]
) -> list[ActivityLine]:
    """Lines for all entries, each in exactly one of them, and for payments that have no entry yet.

    What belongs to one order or payment is one line, as long as dollars moved at most once: every further movement of
    dollars is a line of its own, so that the running balance is right at each of them.
    """
    groups: dict[str, list[Movement]] = defaultdict(list)
    causes: dict[str, Order | Payment | None] = {}
    by_reference = {f"{row.method}:{row.reference}": row for row in payments.values()}
    for movement in moved:
        key, cause = _cause(movement, orders, payments, by_reference)
        groups[key].append(movement)
        causes[key] = cause
    lines = []
    for key, group in groups.items():
        main, later = _parted(group)
        lines.append(_line(key, causes[key], main))
        lines += [_line(f"entry:{extra.entry_id}", None, [extra]) for extra in later]
    for row in payments.values():
        if f"payment:{row.pk}" not in groups:
            lines.append(_payment_line(f"payment:{row.pk}", row, []))
    return lines


def _cause(
    movement: Movement,
    orders: Mapping[str, Order],
    payments: Mapping[str, Payment],
    by_reference: Mapping[str, Payment],
) -> tuple[str, Order | Payment | None]:
    found = _ORDER.match(movement.reference)
    if found and found[1] in orders:
        return f"order:{found[1]}", orders[found[1]]
    found = _PAYMENT.match(movement.reference)
    if found and found[1] in payments:
        return f"payment:{found[1]}", payments[found[1]]
    if movement.reference.startswith("payment:"):
        rest = movement.reference.removeprefix("payment:")
        # What follows a payment's own entry has its reference and a word more: payment:card:abc:collected.
        for known in (rest, rest.rpartition(":")[0], rest.rpartition(":")[0].rpartition(":")[0]):
            if known in by_reference:
                row = by_reference[known]
                return f"payment:{row.pk}", row
    return f"entry:{movement.entry_id}", None


def _parted(group: list[Movement]) -> tuple[list[Movement], list[Movement]]:
    """The group's own line, and what follows: further movements of dollars."""
    moving = [movement for movement in group if movement.net]
    later = moving[1:]
    return [movement for movement in group if movement not in later], later


def _line(key: str, cause: Order | Payment | None, group: list[Movement]) -> ActivityLine:
    if isinstance(cause, Order):
        return _order_line(key, cause, group)
    if isinstance(cause, Payment):
        return _payment_line(key, cause, group)
    (movement,) = group
    code, units = _units(group)
    title = _TITLES.get(movement.kind) or movement.kind.replace("_", " ").capitalize()
    return ActivityLine(
        at=movement.at,
        recorded_at=movement.recorded_at,
        kind="adjustment",
        title=title,
        detail=movement.description,
        amount_usd=from_base(movement.free, USD_SCALE) if movement.dollars_touched else None,
        cost_usd=None,
        status="completed",
        index_slug=code.removeprefix("unit:") if code.startswith("unit:") else "",
        reference=movement.reference,
        key=key,
        units=units,
        entries=_entries(group),
        **_sums(group),
    )


def _order_line(key: str, row: Order, group: list[Movement]) -> ActivityLine:
    name, settled = row.holding_name, row.status == Order.Status.SETTLED
    units = figures.quantity(row.units, 12) if row.units is not None else ""
    priced = f"{units} units at {figures.usd(row.unit_price, 4)}" if row.unit_price is not None else ""
    if row.side == Order.Side.INVEST:
        title, detail = f"Invest in {name}", priced or "set aside"
    else:
        title, detail = f"Redeem from {name}", priced or (f"{units} units" if units else "")
    if row.book_id is not None:
        detail = detail if row.side == Order.Side.INVEST and not settled else "in tokens of your own"
    if row.status == Order.Status.CANCELLED:
        detail = row.reason or "cancelled"
    gross, dust, after = order_gross(row)
    costs: list[CostPart] = []
    if settled and row.cost_usd:
        costs.append(part_of(SPREAD, row.cost_usd))
    if dust:
        costs.append(part_of(ROUNDING, dust))
    anchor = next((movement for movement in group if movement.net), group[-1])
    sums = _sums(group)
    touched = any(movement.dollars_touched for movement in group)
    return ActivityLine(
        at=anchor.at,
        recorded_at=anchor.recorded_at,
        kind=row.side,
        title=title,
        detail=detail,
        amount_usd=sums["free_usd"] if touched else None,
        cost_usd=row.cost_usd + dust if settled else None,
        status=row.status,
        index_slug=row.portfolio.index.slug,
        reference=str(row.pk),
        key=key,
        gross_usd=gross if row.status != Order.Status.CANCELLED else None,
        costs=tuple(costs),
        after_costs_usd=after,
        units=_units(group)[1],
        entries=_entries(group),
        **sums,
    )


def _payment_line(key: str, row: Payment, group: list[Movement]) -> ActivityLine:
    anchor = next((movement for movement in group if movement.net), group[-1] if group else None)
    detail = f"by {row.method}"
    if row.status in _WAITING:
        detail += ", set aside until it is sent"
    elif row.status == Payment.Status.PENDING:
        detail += ", not here yet"
    if row.reason:
        detail += f". {row.reason}"
    deposit = row.direction == Payment.Direction.DEPOSIT
    moved = _sums(group)
    amount = moved["free_usd"] if group else Decimal(0)
    return ActivityLine(
        at=anchor.at if anchor else row.effective_at,
        recorded_at=anchor.recorded_at if anchor else row.created_at,
        kind=row.direction,
        title="Deposit" if deposit else "Withdrawal",
        detail=detail,
        amount_usd=amount,
        cost_usd=None,
        status=row.status,
        index_slug="",
        reference=str(row.pk),
        key=key,
        gross_usd=row.amount,
        after_costs_usd=row.amount if group and amount else None,
        entries=_entries(group),
        **moved,
    )


def plan_lines(user: User) -> list[ActivityLine]:
    """What plans charged: never from the cash here, so nothing of it is in the balances."""
    rows = Invoice.objects.filter(subscription__user=user).select_related("plan", "subscription")
    return [
        ActivityLine(
            at=row.effective_at,
            recorded_at=row.created_at,
            kind="plan",
            title=f"{row.plan.name} plan",
            detail=f"{figures.usd(row.amount)} charged through {row.subscription.provider}, not from your cash",
            amount_usd=None,
            cost_usd=row.amount,
            status=row.status,
            index_slug="",
            reference=row.reference,
            key=f"invoice:{row.pk}",
            gross_usd=row.amount,
            costs=(part_of("plan", row.amount),),
        )
        for row in rows.order_by("id")
    ]


def _sums(group: Sequence[Movement]) -> Sums:
    return {
        "free_usd": from_base(sum(movement.free for movement in group), USD_SCALE),
        "set_aside_usd": from_base(sum(movement.set_aside for movement in group), USD_SCALE),
        "owed_usd": from_base(sum(movement.owed for movement in group), USD_SCALE),
    }


def _entries(group: Sequence[Movement]) -> tuple[int, ...]:
    return tuple(movement.entry_id for movement in group)


def _units(group: Sequence[Movement]) -> tuple[str, Decimal | None]:
    """(asset code, units) that came or went over the group; units of one portfolio at most are in one."""
    sums: dict[str, int] = defaultdict(int)
    for movement in group:
        for code, units in movement.others.items():
            sums[code] += units
    for code, units in sums.items():
        if units and code.startswith("unit:"):
            return code, from_base(units, UNIT_SCALE)
    return next(iter(sums), ""), None
