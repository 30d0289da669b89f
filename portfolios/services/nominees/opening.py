"""Nominees and the books behind them: opened, widened where an index takes up a new asset, and set anew."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction

from portfolios.core.money import UNIT_SCALE
from portfolios.models import Basket, Book, BookChange, LedgerAsset, Portfolio, User
from portfolios.services.nominees.storing import basket_ensure


def nominee_ensure(index_id: int, index_slug: str) -> Portfolio:
    """The nominee that holds all personal portfolios of an index."""
    found = Portfolio.objects.filter(index_id=index_id, kind=Portfolio.Kind.NOMINEE).first()
    if found is not None:
        return found
    units, _ = LedgerAsset.objects.get_or_create(
        code=f"unit:nominee:{index_slug}", defaults={"kind": LedgerAsset.Kind.UNIT, "scale": UNIT_SCALE}
    )
    return Portfolio.objects.get_or_create(
        index_id=index_id, kind=Portfolio.Kind.NOMINEE, defaults={"units": units}
    )[0]


@transaction.atomic
def book_open(
    nominee: Portfolio,
    owner: User,
    assets: Sequence[int],
    *,
    name: str,
    excluded: Collection[int] = (),
    max_weight: int,
    risk_share: int,
) -> Book:
    """An empty book that leaves out `excluded`; `assets` are ids of what its index holds, for the first book of all.

    What is not in the basket of the other books yet is left out as soon as it could be bought.
    """
    Portfolio.objects.select_for_update().get(pk=nominee.pk)
    basket = basket_of(nominee) or basket_ensure(assets)
    book = Book.objects.create(
        nominee=nominee,
        owner=owner,
        basket=basket,
        name=name,
        quantities=[0] * len(basket.assets),
        excluded=mask_of(basket, set(excluded) & set(basket.assets)),
        max_weight=max_weight,
        risk_share=risk_share,
    )
    if not set(excluded) <= set(basket.assets):
        change_store(book, excluded=excluded, max_weight=max_weight, risk_share=risk_share)
    return book


def basket_of(nominee: Portfolio) -> Basket | None:
    """The basket of the nominee's books, or None while it has none."""
    newest = Book.objects.filter(nominee=nominee).select_related("basket").order_by("-id").first()
    return None if newest is None else newest.basket


@transaction.atomic
def basket_widen(nominee: Portfolio, assets: Iterable[int]) -> Basket:
    """All books of the nominee have one basket, which has the assets with these ids. What a book holds stays in its
    place. Only where a dealing of the nominee begins."""
    # Whoever opens a book waits for who widens them all, and the other way round.
    Portfolio.objects.select_for_update().get(pk=nominee.pk)
    basket = basket_of(nominee)
    known = [] if basket is None else list(basket.assets)
    fresh = [key for key in dict.fromkeys(assets) if key not in set(known)]
    if basket is not None and not fresh:
        return basket
    wider = basket_ensure([*known, *fresh])
    places = len(wider.assets)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE portfolios_book SET basket_id = %(basket)s, "
            "quantities = quantities || array_fill(0::bigint, ARRAY[%(places)s - cardinality(quantities)]), "
            "excluded = excluded || decode(repeat('00', %(bytes)s - octet_length(excluded)), 'hex') "
            "WHERE nominee_id = %(nominee)s AND basket_id <> %(basket)s",
            {"basket": wider.pk, "places": places, "bytes": (places + 7) // 8, "nominee": nominee.pk},
        )
    return wider


def change_store(book: Book, *, excluded: Collection[int], max_weight: int, risk_share: int) -> BookChange:
    """Settings that wait for the next dealing of the nominee, in place of others that waited."""
    wanted = {"excluded": sorted(excluded), "max_weight": max_weight, "risk_share": risk_share}
    return BookChange.objects.update_or_create(book=book, applied_at=None, defaults=wanted)[0]


def changes_apply(nominee: Portfolio, basket: Basket, *, at: datetime) -> Basket:
    """Every waiting change of the nominee's books in force, where a dealing begins; the basket that they need."""
    waiting = BookChange.objects.filter(book__nominee=nominee, applied_at=None)
    changes = list(waiting.select_for_update(of=("self",)).order_by("id"))
    if not changes:
        return basket
    wider = basket_widen(nominee, sorted({key for change in changes for key in change.excluded}))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE portfolios_book b SET excluded = v.excluded, max_weight = v.max_weight, risk_share = v.risk_share "
            "FROM unnest(%s::bigint[], %s::bytea[], %s::int[], %s::int[]) AS v(id, excluded, max_weight, risk_share) "
            "WHERE b.id = v.id",
            [
                [change.book_id for change in changes],
                [mask_of(wider, change.excluded) for change in changes],
                [change.max_weight for change in changes],
                [change.risk_share for change in changes],
            ],
        )
    BookChange.objects.filter(pk__in=[change.pk for change in changes]).update(applied_at=at)
    return wider


def mask_of(basket: Basket, assets: Iterable[int]) -> bytes:
    """One bit per place of the basket, set for the assets with these ids. Raises KeyError for one without a place."""
    places = {key: place for place, key in enumerate(basket.assets)}
    mask = bytearray((len(basket.assets) + 7) // 8)
    for key in assets:
        mask[places[key] // 8] |= 0x80 >> places[key] % 8
    return bytes(mask)
