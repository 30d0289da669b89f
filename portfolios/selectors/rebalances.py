"""What rebalances did to a portfolio."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Count

from indices import selectors as index_selectors
from portfolios.models import Account, Portfolio, Posting, Rebalance
from portfolios.selectors.records import RebalanceRow, TradeLine

Marks = dict[int, index_selectors.ReceiptMark]


def rebalance_history(portfolio: Portfolio, *, limit: int = 20, trades: bool = False) -> list[RebalanceRow]:
    """The portfolio's rebalances, newest first; with `trades`, what each bought and sold."""
    rows = Rebalance.objects.filter(portfolio=portfolio).select_related(
        "portfolio__index", "decision", "dealing"
    )
    shown = list(rows.order_by("-id")[:limit])
    marks = index_selectors.receipt_marks(row.decision_id for row in shown)
    return [_row(row, marks, with_trades=trades) for row in shown]


def last_rebalance(portfolio: Portfolio) -> RebalanceRow | None:
    """The newest finished rebalance with its trades, or None while there is none."""
    row = (
        Rebalance.objects.filter(portfolio=portfolio, status=Rebalance.Status.DONE)
        .select_related("portfolio__index", "decision", "dealing")
        .order_by("-done_at", "-id")
        .first()
    )
    return None if row is None else _row(row, _marks(row), with_trades=True)


def rebalance_open(portfolio: Portfolio) -> RebalanceRow | None:
    """The rebalance that is due or under way, or None."""
    row = (
        Rebalance.objects.filter(
            portfolio=portfolio, status__in=[Rebalance.Status.DUE, Rebalance.Status.DEALING]
        )
        .select_related("portfolio__index", "decision")
        .order_by("id")
        .first()
    )
    return None if row is None else _row(row, _marks(row), with_trades=False)


def rebalance_counts(decision_id: int) -> dict[str, int]:
    """Status -> how many portfolios' rebalances to this decision have it; empty while no portfolio was due."""
    rows = Rebalance.objects.filter(decision_id=decision_id).values("status").annotate(count=Count("id"))
    return {row["status"]: row["count"] for row in rows.order_by("status")}


def _marks(row: Rebalance) -> Marks:
    return index_selectors.receipt_marks([row.decision_id])


def _row(row: Rebalance, marks: Marks, *, with_trades: bool) -> RebalanceRow:
    return RebalanceRow(
        id=row.pk,
        index_slug=row.portfolio.index.slug,
        index_name=row.portfolio.index.name,
        epoch=row.epoch,
        decided_as_of=row.decision.as_of,
        status=row.status,
        reason=row.reason,
        turnover_usd=row.turnover_usd,
        cost_usd=row.cost_usd,
        done_at=row.done_at,
        trades=_trades(row) if with_trades and row.status == Rebalance.Status.DONE else [],
        receipt=marks.get(row.decision_id),
    )


def _trades(row: Rebalance) -> list[TradeLine]:
    """Every fill and cross moves tokens and dollars of the portfolio in one entry: those are the trades."""
    cycle = row.dealing.cycle_id
    account = Account.objects.get(portfolio=row.portfolio, kind=Account.Kind.ASSETS)
    postings = Posting.objects.filter(account=account).select_related("asset__token")
    traded = postings.filter(entry__fill__block_order__cycle_id=cycle) | postings.filter(
        entry__kind="cross", entry__reference__startswith=f"cross:{cycle}:"
    )
    by_entry: dict[int, list[Posting]] = defaultdict(list)
    for posting in traded:
        by_entry[posting.entry_id].append(posting)
    sums: dict[tuple[int, bool], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    names: dict[int, tuple[str, str, str]] = {}
    for legs in by_entry.values():
        dollars = sum((leg.amount for leg in legs if leg.asset.token is None), Decimal(0))
        for leg in legs:
            if leg.asset.token is not None:
                names[leg.asset_id] = (leg.asset.token.slug, leg.asset.token.name, leg.asset.token.symbol)
                line = sums[leg.asset_id, leg.amount > 0]
                line[0] += abs(leg.amount)
                line[1] += abs(dollars)
    lines = [
        TradeLine(
            token=names[asset][0],
            name=names[asset][1],
            symbol=names[asset][2],
            side="buy" if bought else "sell",
            quantity=quantity,
            value_usd=dollars.quantize(Decimal("0.000001")),
        )
        for (asset, bought), (quantity, dollars) in sums.items()
    ]
    return sorted(lines, key=lambda line: (-line.value_usd, line.token))
