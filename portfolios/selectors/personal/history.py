"""What rebalances did to a person's own portfolios: each with its exact cost, from the postings of the book itself."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from indices import selectors as index_selectors
from portfolios.core.money import USD_SCALE, from_base, price_base, value_of
from portfolios.models import Batch, Book, BookPosting, Dealing, LedgerAsset, User
from portfolios.selectors.records import ActivityLine
from signals.core import figures


def book_activity(user: User, *, limit: int = 50, before: datetime | None = None) -> list[ActivityLine]:
    """The newest `limit` rebalances of the user's personal portfolios, newest first. `cost_usd` is what the portfolio
    lost by trading, at the marks of the dealing; `before` is recorded time, as in `activity`."""
    found: list[tuple[Book, Batch, BookPosting]] = []
    for book in Book.objects.filter(owner=user).select_related("nominee__index"):
        rows = Batch.objects.filter(
            nominee_id=book.nominee_id,
            block__dealing__dealing__kind=Dealing.Kind.REBALANCE,
            block__dealing__dealing__is_open=False,
            block__first__lte=book.pk,
            block__last__gte=book.pk,
            **({} if before is None else {"recorded_at__lt": before}),
        ).select_related("basket", "block__dealing__dealing__cycle")
        batches = {batch.pk: batch for batch in rows.order_by("-id")[:limit]}
        postings = BookPosting.objects.filter(batch_id__in=list(batches), book_id=book.pk)
        found += [(book, batches[posting.batch_id], posting) for posting in postings]
    found.sort(key=lambda row: (row[1].recorded_at, row[0].pk), reverse=True)
    shown = found[:limit]
    assets = LedgerAsset.objects.in_bulk({key for _, batch, _ in shown for key in batch.basket.assets})
    receipts = index_selectors.receipt_marks({_dealing(batch).decision_id for _, batch, _ in shown})
    return [
        _line(book, batch, posting, assets, receipts.get(_dealing(batch).decision_id))
        for book, batch, posting in shown
    ]


def _dealing(batch: Batch) -> Dealing:
    if batch.block is None:
        raise ValueError(f"batch {batch.reference} belongs to no dealing")
    return batch.block.dealing.dealing


def _line(
    book: Book,
    batch: Batch,
    posting: BookPosting,
    assets: Mapping[int, LedgerAsset],
    receipt: index_selectors.ReceiptMark | None,
) -> ActivityLine:
    dealing = _dealing(batch)
    prices = {code: price_base(Decimal(text)) for code, text in dealing.cycle.marks.items()}
    sold = bought = 0
    # A posting of before its book moved to a wider basket has fewer places; those that it has mean the same.
    for key, units in zip(batch.basket.assets, posting.quantities, strict=False):
        if not units or assets[key].code not in prices:
            continue
        worth = value_of(abs(units), assets[key].scale, prices[assets[key].code])
        sold, bought = (sold + worth, bought) if units < 0 else (sold, bought + worth)
    cost = max(0, sold - bought - posting.cash)
    turned = [from_base(amount, USD_SCALE) for amount in (sold, bought)]
    return ActivityLine(
        at=batch.effective_at,
        recorded_at=batch.recorded_at,
        kind="rebalance",
        title=f"{book.title} was rebalanced",
        detail=f"{figures.usd(turned[0])} sold and {figures.usd(turned[1])} bought in your own portfolio",
        amount_usd=None,
        cost_usd=from_base(cost, USD_SCALE),
        status="done",
        index_slug=book.nominee.index.slug,
        reference=f"{batch.reference}:{book.pk}",
        receipt=receipt,
        key=f"book:{batch.pk}:{book.pk}",
    )
