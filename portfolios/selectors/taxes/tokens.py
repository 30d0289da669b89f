"""The tokens of personal portfolios as tax lots: there the tokens are their owner's, so every trade of them counts.

A book is dealt as one of many. A trade of it is worth its quantity at the token's mark of that dealing; the real cost
of the dealing, as the book bore it, is shared over what it traded, is part of what a purchase cost and is taken off
what a sale brought.
"""

from decimal import Decimal

from portfolios.core.allocation import split
from portfolios.core.money import CENT, USD_SCALE, price_base, to_base, value_of
from portfolios.core.statement import rounded_together
from portfolios.core.taxlots import Acquired, Disposed
from portfolios.models import Book, LedgerAsset, Order, User
from portfolios.selectors.returns.books import BookDealing, book_dealings
from portfolios.selectors.taxes.assets import Happened, TaxedAsset
from signals.core import figures


def tokens_happened(user: User) -> list[Happened]:
    """All that came into and went out of the user's personal portfolios: one per book and token."""
    found: dict[tuple[int, int], Happened] = {}
    flows = _flows(user)
    for book in Book.objects.filter(owner=user).select_related("nominee__index", "basket").order_by("pk"):
        dealings = book_dealings(book)
        assets = LedgerAsset.objects.select_related("token").in_bulk(
            {key for dealing in dealings for key in dealing.quantities}
        )
        for dealing in dealings:
            amounts = _amounts(dealing, assets, flows.get((book.pk, dealing.dealing_id), 0))
            day = figures.market_day(dealing.at)
            for key, units in sorted(dealing.quantities.items()):
                one = found.setdefault((book.pk, key), Happened(_asset(book, assets[key])))
                lot, place = f"{dealing.batch_id}.{key}", dealing.batch_id
                if units > 0:
                    one.acquired.append(Acquired(lot, place, day, units, amounts.get(key)))
                else:
                    one.disposed.append(Disposed(lot, place, day, -units, amounts.get(key), "sold"))
    return list(found.values())


def _flows(user: User) -> dict[tuple[int, int], int]:
    """(book, dealing) -> micro-dollars that its owner put in, negative for what was paid out."""
    rows = Order.objects.filter(user=user, book__isnull=False, status=Order.Status.SETTLED)
    return {
        (row.book_id, row.dealing_id): to_base(row.amount or Decimal(0), USD_SCALE)
        if row.side == Order.Side.INVEST
        else -to_base(row.proceeds or Decimal(0), USD_SCALE)
        for row in rows
        if row.book_id is not None and row.dealing_id is not None
    }


def _amounts(dealing: BookDealing, assets: dict[int, LedgerAsset], flow: int) -> dict[int, int]:
    """Ledger asset -> whole cents that it cost or brought. What a dealing bought sums to the nearest cent of all that
    was paid, and so does what it sold. Where one token has no mark nothing is known of any: its worth and the dealing's
    cost cannot be told apart."""
    if any(assets[key].code not in dealing.marks for key in dealing.quantities):
        return {}
    worth = {}
    for key, units in dealing.quantities.items():
        mark = price_base(Decimal(dealing.marks[assets[key].code]))
        value = value_of(abs(units), assets[key].scale, mark)
        worth[key] = value if units > 0 else -value
    cost = flow - dealing.cash - sum(worth.values())
    weights = [abs(value) for value in worth.values()]
    shares = split(abs(cost), weights) if any(weights) else [0] * len(weights)
    paid = {
        key: value + (share if cost > 0 else -share)
        for (key, value), share in zip(worth.items(), shares, strict=True)
    }
    bought = {key: max(0, amount) for key, amount in paid.items() if dealing.quantities[key] > 0}
    sold = {key: max(0, -amount) for key, amount in paid.items() if dealing.quantities[key] < 0}
    return _in_cents(bought) | _in_cents(sold)


def _in_cents(amounts: dict[int, int]) -> dict[int, int]:
    whole = rounded_together(list(amounts.values()))
    return {key: micro // CENT for key, micro in zip(amounts, whole, strict=True)}


def _asset(book: Book, asset: LedgerAsset) -> TaxedAsset:
    name = asset.code if asset.token is None else asset.token.name
    slug = "" if asset.token is None else asset.token.slug
    return TaxedAsset(f"book:{book.pk}:{asset.code}", f"{name} in {book.title}", slug, asset.scale)
