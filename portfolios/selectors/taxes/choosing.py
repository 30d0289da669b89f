"""Redemptions whose lots a person may choose."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from portfolios.core.taxlots import Lot
from portfolios.models import Entry, LotChoice, Order, TaxYear, User
from portfolios.selectors.taxes.report import TaxReport, lots_for, year_of
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class RedemptionLots:
    """One redemption, the lots there were for it, and how many units of each were chosen (ledger entry -> units)."""

    order_id: UUID
    index_name: str
    units: Decimal | None
    is_settled: bool
    year: int
    is_closed: bool
    lots: list[Lot]
    chosen: dict[int, Decimal]


def redemption_lots(
    user: User, report: TaxReport | None, *, order_id: UUID | None = None
) -> list[RedemptionLots]:
    """The redemptions of the report's year, or the one asked for; newest first. Lots are read for the one asked for
    only."""
    rows = (
        Order.objects.filter(user=user, side=Order.Side.REDEEM, book__isnull=True)
        .exclude(status=Order.Status.CANCELLED)
        .select_related("portfolio__index", "portfolio__units")
        .order_by("-created_at")
    )
    if order_id is not None:
        rows = rows.filter(pk=order_id)
    closed = set(TaxYear.objects.filter(user=user, closed_at__isnull=False).values_list("year", flat=True))
    today = signal_selectors.market_time()
    chosen: dict[UUID, dict[int, Decimal]] = defaultdict(dict)
    for order, lot, units in LotChoice.objects.filter(user=user).values_list("order_id", "lot_id", "units"):
        chosen[order][lot] = units
    found = []
    for row in rows:
        year = year_of(row.settled_at or today)
        if report is not None and year != report.year:
            continue
        lots: list[Lot] = []
        if order_id is not None:
            entry = (
                Entry.objects.filter(reference=f"order:{row.pk}:settle").values_list("pk", flat=True).first()
            )
            lots = lots_for(user, row.portfolio.units.code, before=entry)
        found.append(
            RedemptionLots(
                row.pk,
                row.portfolio.index.name,
                row.units,
                row.status == Order.Status.SETTLED,
                year,
                year in closed,
                lots,
                chosen[row.pk],
            )
        )
    return found
