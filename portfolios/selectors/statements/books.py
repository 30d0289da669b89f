"""What a person's own portfolios, held in tokens, were worth at a moment."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from indices import selectors as index_selectors
from portfolios.core.money import price_base, value_of
from portfolios.models import Book, BookPosting, LedgerAsset


def book_values(books: Sequence[Book], moment: datetime) -> dict[int, int]:
    """Book id -> micro-dollars at the marks of `moment`, by the postings up to then. A token without a mark counts for
    nothing, as everywhere."""
    if not books:
        return {}
    cash: dict[int, int] = defaultdict(int)
    held: dict[tuple[int, int], int] = defaultdict(int)
    rows = BookPosting.objects.filter(
        book_id__in=[book.pk for book in books], batch__effective_at__lte=moment
    ).values_list("book_id", "cash", "quantities", "batch__basket__assets")
    for book, dollars, quantities, assets in rows:
        cash[book] += dollars
        # A basket only grows at its end: shorter arrays of earlier days keep their meaning.
        for asset, units in zip(assets, quantities, strict=False):
            held[book, asset] += units
    tokens = LedgerAsset.objects.select_related("token").in_bulk({asset for _, asset in held})
    slugs = sorted({row.token.slug for row in tokens.values() if row.token is not None})
    marks = index_selectors.mark_prices(slugs, at=moment) if slugs else {}
    worth = {book.pk: cash[book.pk] for book in books}
    for (book, asset), units in held.items():
        token = tokens[asset].token
        mark = None if token is None else marks.get(token.slug)
        if mark is not None and units:
            worth[book] += value_of(units, tokens[asset].scale, price_base(mark))
    return worth
