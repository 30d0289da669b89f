"""Rebalances of what a person held at the time, each with the person's share of its cost."""

from bisect import bisect_left
from decimal import Decimal

from django.db.models import Q

from indices import selectors as index_selectors
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.valuation import cost_share, fraction
from portfolios.models import Order, Rebalance, User
from portfolios.selectors.activity.costs import SPREAD, part_of
from portfolios.selectors.records import ActivityLine
from signals.core import figures


def rebalance_lines(user: User) -> tuple[list[ActivityLine], dict[str, int]]:
    """The lines, oldest first, and the dealing of each by the line's key."""
    timelines = _units_held(user)
    held = Q()
    for portfolio, steps in timelines.items():
        for first, last in _spans(steps):
            # A portfolio has one dealing at a time, so dealings of one portfolio come in the order of their ids.
            span = Q(portfolio_id=portfolio, dealing__gt=first)
            held |= span if last is None else span & Q(dealing__lt=last)
    if not held:
        return [], {}
    rows = Rebalance.objects.filter(held, status=Rebalance.Status.DONE)
    done = list(rows.select_related("portfolio__index", "dealing").order_by("created_at", "id"))
    marks = index_selectors.receipt_marks(row.decision_id for row in done)
    lines = [_line(row, timelines[row.portfolio_id], marks.get(row.decision_id)) for row in done]
    return lines, {line.key: row.dealing.pk for line, row in zip(lines, done, strict=True)}


def _line(
    row: Rebalance, steps: list[tuple[int, int]], receipt: index_selectors.ReceiptMark | None
) -> ActivityLine:
    dealing = row.dealing
    place = bisect_left(steps, (dealing.pk, 0))
    units, issued = steps[place - 1][1], to_base(dealing.units_before, UNIT_SCALE)
    share = from_base(cost_share(to_base(row.cost_usd, USD_SCALE), units, issued), USD_SCALE)
    return ActivityLine(
        at=row.done_at or row.created_at,
        recorded_at=row.created_at,
        kind="rebalance",
        title=f"{row.portfolio.index.name} was rebalanced",
        detail=(
            f"{figures.usd(row.turnover_usd)} traded in the whole portfolio for {figures.usd(row.cost_usd)}; "
            f"you held {100 * fraction(units, issued):.2f} % of it"
        ),
        amount_usd=None,
        cost_usd=share,
        status=row.status,
        index_slug=row.portfolio.index.slug,
        reference=str(row.pk),
        receipt=receipt,
        key=f"rebalance:{row.pk}",
        costs=(part_of(SPREAD, share),) if share else (),
    )


def _units_held(user: User) -> dict[int, list[tuple[int, int]]]:
    """Portfolio id -> (dealing id, units in base units that the user held after it), in order of dealing."""
    settled = Order.objects.filter(
        user=user, status=Order.Status.SETTLED, dealing__isnull=False, book__isnull=True
    )
    steps: dict[int, dict[int, int]] = {}
    running: dict[int, int] = {}
    for portfolio, dealing, side, moved in settled.order_by("dealing_id").values_list(
        "portfolio_id", "dealing_id", "side", "units"
    ):
        units = to_base(moved or Decimal(0), UNIT_SCALE)
        sign = 1 if side == Order.Side.INVEST else -1
        running[portfolio] = running.get(portfolio, 0) + sign * units
        steps.setdefault(portfolio, {})[dealing] = running[portfolio]
    return {portfolio: list(by_dealing.items()) for portfolio, by_dealing in steps.items()}


def _spans(steps: list[tuple[int, int]]) -> list[tuple[int, int | None]]:
    """(dealing with which a holding began, dealing with which it ended or None) of each time something was held."""
    spans: list[tuple[int, int | None]] = []
    begun: int | None = None
    for dealing, units in steps:
        if units > 0 and begun is None:
            begun = dealing
        elif units <= 0 and begun is not None:
            spans.append((begun, dealing))
            begun = None
    if begun is not None:
        spans.append((begun, None))
    return spans
