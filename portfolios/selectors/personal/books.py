"""A person's personal portfolios, at marks of now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from indices import selectors as index_selectors
from portfolios.core.bands import PPM
from portfolios.core.money import USD_SCALE, from_base, price_base, to_base, value_of
from portfolios.core.valuation import fraction
from portfolios.models import Book, BookChange, LedgerAsset, Order, User
from portfolios.selectors.personal.allocations import Settings, excluded_of, slugs_of
from portfolios.selectors.records import Holding, Position
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class PersonalRow:
    """A personal portfolio as its owner sees it. `invested_usd` is the average cost of what is still held; `waiting`
    are settings that its next dealing brings into force."""

    id: int
    name: str
    index_slug: str
    index_name: str
    settings: Settings
    waiting: Settings | None
    value_usd: Decimal
    cash_usd: Decimal
    invested_usd: Decimal
    created_at: datetime
    positions: list[Position] = field(default_factory=list)

    @property
    def wanted(self) -> Settings:
        """The settings that its owner chose last."""
        return self.waiting or self.settings

    @property
    def gain_usd(self) -> Decimal:
        """Value less cost; negative is a loss."""
        return self.value_usd - self.invested_usd

    @property
    def gain(self) -> Decimal | None:
        """The gain as a fraction of the cost."""
        if not self.invested_usd:
            return None
        return fraction(to_base(self.gain_usd, USD_SCALE), to_base(self.invested_usd, USD_SCALE))


def book_queryset(user: User) -> QuerySet[Book]:
    """The user's books, newest first, ready for `book_row`; a paginator may cut it."""
    return Book.objects.filter(owner=user).select_related("basket", "nominee__index").order_by("-id")


def book_of(user: User, book_id: int) -> Book | None:
    """The user's book with this id, or None."""
    return book_queryset(user).filter(pk=book_id).first()


def personals(user: User, *, at: datetime | None = None) -> list[PersonalRow]:
    """The user's personal portfolios at marks of `at` (market time now when None), newest first."""
    return book_rows(list(book_queryset(user)), at=at)


def personal(user: User, book_id: int, *, at: datetime | None = None) -> PersonalRow | None:
    """One of the user's personal portfolios, or None."""
    book = book_of(user, book_id)
    return None if book is None else book_row(book, at=at)


def book_row(book: Book, *, at: datetime | None = None) -> PersonalRow:
    """One book in the form in which its owner sees it."""
    return book_rows([book], at=at)[0]


def book_rows(books: Sequence[Book], *, at: datetime | None = None) -> list[PersonalRow]:
    """Books as their owners see them, in the order given. The number of queries does not grow with how many."""
    if not books:
        return []
    moment = at if at is not None else signal_selectors.market_time()
    assets = LedgerAsset.objects.select_related("token").in_bulk(
        {key for b in books for key in b.basket.assets}
    )
    marks = _marks(books, assets, moment)
    changes = {row.book_id: row for row in BookChange.objects.filter(book__in=books, applied_at=None)}
    invested = _invested(books)
    rows = []
    for book in books:
        positions = _positions(book, assets, marks)
        change = changes.get(book.pk)
        rows.append(
            PersonalRow(
                id=book.pk,
                name=book.title,
                index_slug=book.nominee.index.slug,
                index_name=book.nominee.index.name,
                settings=Settings(excluded_of(book), book.max_weight, book.risk_share),
                waiting=None
                if change is None
                else Settings(slugs_of(change.excluded), change.max_weight, change.risk_share),
                value_usd=sum((position.value_usd for position in positions), Decimal(0)),
                cash_usd=from_base(book.cash, USD_SCALE),
                invested_usd=from_base(invested.get(book.pk, 0), USD_SCALE),
                created_at=book.created_at,
                positions=positions,
            )
        )
    return rows


def book_value(book: Book, *, at: datetime | None = None) -> Decimal:
    """USD that the book is worth at marks of `at` (market time now when None)."""
    moment = at if at is not None else signal_selectors.market_time()
    assets = LedgerAsset.objects.select_related("token").in_bulk(book.basket.assets)
    positions = _positions(book, assets, _marks([book], assets, moment))
    return sum((position.value_usd for position in positions), Decimal(0))


def book_holdings(user: User, *, at: datetime | None = None) -> list[Holding]:
    """The user's personal portfolios as holdings, those that hold something: no units, but positions of their own."""
    books = list(book_queryset(user))
    return [
        Holding(
            portfolio_id=book.nominee_id,
            index_slug=row.index_slug,
            index_name=row.name,
            units=Decimal(0),
            reserved_units=Decimal(0),
            unit_price=Decimal(0),
            value_usd=row.value_usd,
            invested_usd=row.invested_usd,
            gain_usd=row.gain_usd,
            gain=row.gain,
            positions=row.positions,
            book_id=row.id,
        )
        for book, row in zip(books, book_rows(books, at=at), strict=True)
        if row.positions
    ]


def _marks(books: Sequence[Book], assets: Mapping[int, LedgerAsset], at: datetime) -> dict[str, Decimal]:
    slugs = {
        token.slug
        for book in books
        for key, units in zip(book.basket.assets, book.quantities, strict=True)
        if units and (token := assets[key].token) is not None
    }
    return index_selectors.mark_prices(sorted(slugs), at=at) if slugs else {}


def _positions(book: Book, assets: Mapping[int, LedgerAsset], marks: Mapping[str, Decimal]) -> list[Position]:
    lines: list[tuple[LedgerAsset | None, int, Decimal | None, int]] = []
    for key, units in zip(book.basket.assets, book.quantities, strict=True):
        asset = assets[key]
        if units and asset.token is not None:
            mark = marks.get(asset.token.slug)
            worth = 0 if mark is None else value_of(units, asset.scale, price_base(mark))
            lines.append((asset, units, mark, worth))
    if book.cash:
        lines.append((None, book.cash, Decimal(1), book.cash))
    whole = sum(worth for *_, worth in lines)
    return [
        Position(
            token=asset.token.slug if asset is not None and asset.token is not None else "usd",
            name=asset.token.name if asset is not None and asset.token is not None else "US dollar",
            symbol=asset.token.symbol if asset is not None and asset.token is not None else "USD",
            quantity=from_base(units, asset.scale if asset is not None else USD_SCALE),
            price=mark,
            value_usd=from_base(worth, USD_SCALE),
            weight=fraction(worth, whole),
        )
        for asset, units, mark, worth in sorted(lines, key=lambda line: -line[3])
    ]


def _invested(books: Sequence[Book]) -> dict[int, int]:
    """Book id -> micro-dollars paid for what is still in it, at average cost."""
    basis: dict[int, int] = defaultdict(int)
    settled = Order.objects.filter(book__in=books, status=Order.Status.SETTLED)
    for key, side, amount, share in settled.order_by("settled_at", "dealing_id").values_list(
        "book_id", "side", "amount", "share"
    ):
        if key is None:
            continue
        if side == Order.Side.INVEST:
            basis[key] += to_base(amount or Decimal(0), USD_SCALE)
        else:
            basis[key] -= basis[key] * (share or 0) // PPM
    return dict(basis)
