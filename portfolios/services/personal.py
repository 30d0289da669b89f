"""Personal portfolios: a person's own version of an index, set up, paid into and paid out of.

Its orders wait for the next dealing like all others. One holder bears the cost of their own trades and of nobody
else's.
"""

from decimal import Decimal

from django.db import transaction

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.core.bands import PPM
from portfolios.core.money import CENT, USD_SCALE, from_base, to_base
from portfolios.errors import (
    BelowMinimum,
    ConflictError,
    IndexNotReady,
    InsufficientFunds,
    InvalidAmount,
    InvalidSettings,
    NothingHeld,
    PlanRequired,
    UnknownBook,
    UnknownIndex,
)
from portfolios.models import Book, BookChange, LedgerAsset, Order, User
from portfolios.selectors.personal import RISK_SHARES, Settings, book_of, book_value, index_tokens, refuge_of
from portfolios.services import accounts, ledger
from portfolios.services.nominees import opening
from portfolios.services.payments import checked_amount
from signals import selectors as signal_selectors

MOST_BOOKS = 20
LARGEST_BOOK = Decimal(10_000_000)
SMALLEST_CAP = 10_000
LONGEST_NAME = 64
_NOTHING = "Nothing was changed"


@transaction.atomic
def book_create(user: User, index_slug: str, settings: Settings, *, name: str = "") -> Book:
    """An empty personal portfolio that follows the index with these settings. No money moves.

    Raises UnknownIndex, PlanRequired, IndexNotReady, InvalidSettings (field: the setting at fault, or `name`).
    """
    index = next((row for row in index_selectors.index_list() if row.slug == index_slug), None)
    if index is None:
        raise UnknownIndex(f"{_NOTHING}: there is no index {index_slug!r}.")
    if not selectors.index_allowed(user, index.slug):
        needed = selectors.plan_needed(index.slug)
        which = f"the {needed.name} plan or a larger one" if needed is not None else "another plan"
        raise PlanRequired(f"{_NOTHING}: {index.name} needs {which}.")
    User.objects.select_for_update().get(pk=user.pk)
    if Book.objects.filter(owner=user).count() >= MOST_BOOKS:
        raise InvalidSettings(
            f"{_NOTHING}: you have {MOST_BOOKS} personal portfolios, which is the most that one person may have.",
            field="index",
        )
    called = _name(name or f"My {index.name}")
    assets = _index_assets(index_slug)
    settings_check(settings, set(assets), index_slug)
    return opening.book_open(
        opening.nominee_ensure(index.id, index.slug),
        user,
        [asset.pk for asset in assets.values()],
        name=called,
        excluded=[assets[slug].pk for slug in settings.exclude],
        max_weight=settings.max_weight,
        risk_share=settings.risk_share,
    )


@transaction.atomic
def book_change(user: User, book_id: int, settings: Settings) -> BookChange:
    """The settings wait for the next dealing of personal portfolios of the index.

    Raises UnknownBook, InvalidSettings.
    """
    book = _own(user, book_id)
    slug = book.nominee.index.slug
    known = _index_assets(slug)
    held = LedgerAsset.objects.filter(pk__in=book.basket.assets, token__isnull=False).select_related("token")
    known |= {asset.token.slug: asset for asset in held if asset.token is not None}
    settings_check(settings, set(known), slug)
    return opening.change_store(
        book,
        excluded=[known[token].pk for token in settings.exclude],
        max_weight=settings.max_weight,
        risk_share=settings.risk_share,
    )


@transaction.atomic
def book_rename(user: User, book_id: int, name: str) -> Book:
    """The portfolio goes by `name`. Raises UnknownBook, InvalidSettings."""
    book = _own(user, book_id)
    book.name = _name(name)
    book.save(update_fields=["name"])
    return book


@transaction.atomic
def book_invest(user: User, book_id: int, amount: Decimal | str, *, reference: str | None = None) -> Order:
    """An accepted order with its money set aside. The same `reference` twice is one order.

    Raises InvalidAmount, BelowMinimum, UnknownBook, PlanRequired, IndexNotReady, InsufficientFunds, ConflictError.
    """
    usd_amount = checked_amount(amount)
    order = _order(user, book_id, Order.Side.INVEST, reference, amount=usd_amount)
    repeated = _repeated(order)
    if repeated is not None:
        return repeated
    index = order.portfolio.index
    if usd_amount < selectors.MINIMUM_INVESTMENT:
        raise BelowMinimum(
            f"Nothing was moved: the smallest investment is ${selectors.MINIMUM_INVESTMENT:,.2f}."
        )
    if book_value(_book(order)) + usd_amount > LARGEST_BOOK:
        raise InvalidAmount(
            f"Nothing was moved: a personal portfolio holds at most ${LARGEST_BOOK:,.0f}. Open another one."
        )
    if not selectors.index_allowed(user, index.slug):
        raise PlanRequired(f"Nothing was moved: your plan does not include {index.name} any more.")
    if index_selectors.decision_in_force(index, as_of=signal_selectors.last_closed_day()) is None:
        raise IndexNotReady(f"Nothing was moved: {index.name} has no target weights in force yet.")
    order.placed_at = signal_selectors.market_time()
    usd = accounts.usd()
    try:
        ledger.entry_post(
            reference=f"order:{order.pk}:hold",
            kind="hold",
            effective_at=order.placed_at,
            description="Set aside to invest",
            legs=[
                ledger.Leg(accounts.user_cash(user), usd, -usd_amount),
                ledger.Leg(accounts.user_reserved(user), usd, usd_amount),
            ],
        )
    except InsufficientFunds as error:
        have = selectors.cash(user)
        raise InsufficientFunds(
            f"Nothing was moved: ${have:,.2f} is free and ${usd_amount:,.2f} was asked for. Deposit the difference, or "
            "invest less."
        ) from error
    order.save(force_insert=True)
    return order


@transaction.atomic
def book_redeem(
    user: User,
    book_id: int,
    *,
    amount: Decimal | str | None = None,
    share: int | None = None,
    reference: str | None = None,
) -> Order:
    """An accepted order for an `amount` of USD or a `share` (millionths; 1,000,000 is everything) of the portfolio.

    What is paid out is what the sales bring, in whole cents. The same `reference` twice is one order. Raises
    InvalidAmount, UnknownBook, NothingHeld, InsufficientFunds (more than the portfolio is worth, less what other orders
    have asked for), ConflictError.
    """
    if (amount is None) == (share is None):
        raise InvalidAmount("Nothing was moved: say how much by exactly one of an amount and a share.")
    if share is not None and not 0 < share <= PPM:
        raise InvalidAmount(
            "Nothing was moved: a share is more than nothing and at most all.", field="percent"
        )
    asked = checked_amount(amount) if amount is not None else None
    order = _order(user, book_id, Order.Side.REDEEM, reference, amount=asked, share=share)
    repeated = _repeated(order)
    if repeated is not None:
        return repeated
    # One redemption after the other: they must not promise the same dollars twice.
    book = Book.objects.select_for_update(of=("self",)).select_related("basket").get(pk=_book(order).pk)
    free = _free(book)
    if free < CENT:
        raise NothingHeld(
            "Nothing was moved: there is nothing in this portfolio to sell that is not on its way already."
        )
    if asked is not None and to_base(asked, USD_SCALE) > free:
        raise InsufficientFunds(
            f"Nothing was moved: what you may sell is worth ${from_base(free, USD_SCALE):,.2f} now. Ask for less, or "
            "sell everything."
        )
    order.placed_at = signal_selectors.market_time()
    order.save(force_insert=True)
    return order


def settings_check(settings: Settings, known: set[str], index_slug: str) -> None:
    """Raises InvalidSettings, naming the setting, unless a portfolio of the index can have them. `known` are the slugs
    that may be left out."""
    strange = sorted(set(settings.exclude) - known)
    if strange:
        raise InvalidSettings(
            f"{_NOTHING}: {', '.join(strange[:3])} is not in this index, so it cannot be left out.",
            field="exclude",
        )
    if not SMALLEST_CAP <= settings.max_weight <= PPM:
        raise InvalidSettings(
            f"{_NOTHING}: the most that one token may weigh is between 1 % and 100 %.", field="max_weight"
        )
    if settings.risk_share not in RISK_SHARES:
        raise InvalidSettings(f"{_NOTHING}: the share at risk is 25, 50, 75 or 100 %.", field="risk_share")
    if not index_tokens(index_slug).keys() - set(settings.exclude):
        raise InvalidSettings(
            f"{_NOTHING}: at least one token of the index must be left in.", field="exclude"
        )


def _index_assets(index_slug: str) -> dict[str, LedgerAsset]:
    """Token slug -> what the ledger counts it in, of every target of the index in force and what takes the share that
    is not at risk. Raises IndexNotReady."""
    tokens = index_tokens(index_slug)
    if not tokens:
        raise IndexNotReady(f"{_NOTHING}: the index has no target weights in force yet; try again later.")
    wanted = sorted({*tokens, refuge_of(index_slug)})
    marks = index_selectors.mark_prices(wanted, at=signal_selectors.market_time())
    return accounts.token_assets_ensure(marks)


def _free(book: Book) -> int:
    """Micro-dollars of the book that no redemption has asked for."""
    worth = to_base(book_value(book), USD_SCALE)
    waiting = Order.objects.filter(
        book=book, side=Order.Side.REDEEM, status__in=[Order.Status.ACCEPTED, Order.Status.DEALING]
    )
    taken = sum(
        to_base(other.amount, USD_SCALE) if other.amount is not None else worth * (other.share or 0) // PPM
        for other in waiting
    )
    return max(0, worth - taken)


def _order(
    user: User,
    book_id: int,
    side: Order.Side,
    reference: str | None,
    *,
    amount: Decimal | None,
    share: int | None = None,
) -> Order:
    if reference is not None:
        # A repeated order waits here for the first one, and then finds it.
        accounts.user_queue(user)
    book = _own(user, book_id)
    return Order(
        user=user,
        portfolio=book.nominee,
        book=book,
        side=side,
        amount=amount,
        share=share,
        reference=reference,
    )


def _repeated(wanted: Order) -> Order | None:
    """The order that used the reference before, if it was the same one. Raises ConflictError where it was another."""
    if wanted.reference is None:
        return None
    stored = Order.objects.filter(user=wanted.user, reference=wanted.reference).first()
    if stored is None:
        return None

    def content(order: Order) -> tuple[int | None, str, Decimal | None, int | None]:
        # What an amount came to as a share is known when it has settled.
        return order.book_id, order.side, order.amount, order.share if order.amount is None else None

    if content(stored) != content(wanted):
        raise ConflictError(
            "Nothing was moved: the reference was used before for another order; use a new one."
        )
    return stored


def _own(user: User, book_id: int) -> Book:
    book = book_of(user, book_id)
    if book is None:
        raise UnknownBook("Nothing was done: you have no such personal portfolio.")
    return book


def _book(order: Order) -> Book:
    if order.book is None:
        raise ValueError("an order of a personal portfolio without its book")
    return order.book


def _name(name: str) -> str:
    called = " ".join(name.split())
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise InvalidSettings(f"{_NOTHING}: give it a name of 1 to {LONGEST_NAME} characters.", field="name")
    return called
