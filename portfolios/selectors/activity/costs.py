"""What each line cost, taken apart: the venue's fee, spread and price impact, the rounding to a cent."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from django.db import connection

from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.valuation import units_value
from portfolios.models import Order
from portfolios.selectors.records import ActivityLine, CostPart

_MICRO = Decimal(1).scaleb(-USD_SCALE)
FEE, SPREAD, TRADING, ROUNDING = "trading_fee", "spread", "trading", "rounding"
TITLES = {
    FEE: "trading fee",
    SPREAD: "spread and price impact",
    TRADING: "trading fee, spread and price impact",
    ROUNDING: "rounded down to the cent",
    "management_fee": "management fee",
    "performance_fee": "performance fee",
    "plan": "plan",
}


def with_costs(lines: Sequence[ActivityLine], dealings: dict[str, int]) -> list[ActivityLine]:
    """The lines with their trading cost divided into fee and spread. `dealings`: line key -> dealing. One query."""
    fees = dealing_fees({dealings[line.key] for line in lines if line.key in dealings})
    return [_divided(line, fees.get(dealings.get(line.key, 0))) for line in lines]


def dealing_fees(dealing_ids: Iterable[int]) -> dict[int, tuple[Decimal, Decimal]]:
    """Dealing -> (USD of venue fees that fell on it, its whole trading cost in USD). A fill's fee falls on the dealings
    of its order as the fill itself did."""
    ids = sorted(set(dealing_ids))
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT d.id, COALESCE(SUM(f.fee * a.filled / NULLIF(t.filled, 0)), 0), d.cost_usd
               FROM portfolios_dealing d
               LEFT JOIN portfolios_allocation a ON a.dealing_id = d.id
               LEFT JOIN (SELECT block_order_id, SUM(fee) AS fee FROM portfolios_fill GROUP BY block_order_id) f
                 ON f.block_order_id = a.block_order_id
               LEFT JOIN LATERAL (SELECT SUM(x.filled) AS filled FROM portfolios_allocation x
                 WHERE x.block_order_id = a.block_order_id) t ON true
               WHERE d.id = ANY(%s) GROUP BY d.id, d.cost_usd""",
            [ids],
        )
        return {key: (Decimal(fee), Decimal(cost)) for key, fee, cost in cursor.fetchall()}


def order_gross(row: Order) -> tuple[Decimal | None, Decimal, Decimal | None]:
    """(gross, what rounding to the cent took, what was left after every cost) of a settled order, USD."""
    if row.status != Order.Status.SETTLED:
        return (row.amount if row.side == Order.Side.INVEST else None), Decimal(0), None
    if row.side == Order.Side.INVEST:
        amount = row.amount or Decimal(0)
        return amount, Decimal(0), amount - row.cost_usd
    proceeds, dealing = row.proceeds or Decimal(0), row.dealing
    dust = Decimal(0)
    if dealing is not None and dealing.units_before > 0 and row.units:
        worth = units_value(
            to_base(row.units, UNIT_SCALE),
            to_base(dealing.value_before, USD_SCALE),
            to_base(dealing.units_before, UNIT_SCALE),
        )
        dust = max(Decimal(0), from_base(worth, USD_SCALE) - proceeds - row.cost_usd)
    return proceeds + row.cost_usd + dust, dust, proceeds


def _divided(line: ActivityLine, paid: tuple[Decimal, Decimal] | None) -> ActivityLine:
    trading = [part for part in line.costs if part.kind == SPREAD]
    if paid is None or not trading:
        return line
    fees, whole = paid
    cost = trading[0].usd
    fee = Decimal(0)
    if whole > 0 and cost > 0:
        fee = min(cost, (fees * cost / whole).quantize(_MICRO, ROUND_HALF_UP))
    parts = [part_of(FEE, fee), part_of(SPREAD, cost - fee)]
    others = [part for part in line.costs if part.kind != SPREAD]
    return replace(line, costs=(*(part for part in parts if part.usd), *others))


def part_of(kind: str, usd: Decimal) -> CostPart:
    """One cost under its title."""
    return CostPart(kind, TITLES[kind], usd)
