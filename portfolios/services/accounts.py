"""Who is who in the ledger: users, the accounts of people, portfolios and the outside world, and what is counted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.db import connection, transaction

from portfolios.core.money import UNIT_SCALE, USD_SCALE, USDC_SCALE, token_scale
from portfolios.models import Account, LedgerAsset, Portfolio, User
from signals import selectors as signal_selectors

_QUEUE_LOCK = 43
HOUSE_EMAIL = "house@bellwether.invalid"
_accounts: ContextVar[dict[str, Account] | None] = ContextVar("ledger accounts", default=None)
_currencies: ContextVar[dict[str, LedgerAsset] | None] = ContextVar("ledger currencies", default=None)
NEGATIVE_KINDS = frozenset(
    {
        Account.Kind.OUTSIDE,
        Account.Kind.VENUE,
        Account.Kind.ISSUED,
        Account.Kind.CLEARING,
        Account.Kind.RECEIVABLE,
        Account.Kind.TREASURY,
    }
)


@transaction.atomic
def user_create(
    email: str, password: str, *, verified: bool = False, name: str = "", operator: bool = False
) -> User:
    """A person who can sign in by this email, with the address known to allauth as (un)verified. An operator may do
    everything in the admin console.

    Raises ValueError where the address is taken or empty, and django's ValidationError for a weak password.
    """
    from allauth.account.models import EmailAddress

    address = email.strip().lower()
    if get_user_model().objects.filter(email=address).exists():
        raise ValueError(f"email: {address} already has an account; sign in instead")
    validate_password(password)
    user = get_user_model().objects.create_user(
        address, password, name=name, is_staff=operator, is_superuser=operator
    )
    EmailAddress.objects.create(user=user, email=address, verified=verified, primary=True)
    return user


def house_user() -> User:
    """Who redeems the units that fees have brought the house: nobody can sign in as this user."""
    found = User.objects.filter(email=HOUSE_EMAIL).first()
    if found is None:
        found, made = User.objects.get_or_create(
            email=HOUSE_EMAIL, defaults={"is_active": False, "name": "The house"}
        )
        if made:
            found.set_unusable_password()
            found.save(update_fields=["password"])
    return found


def operator_exists() -> bool:
    """Whether anybody can sign in to the admin console with every right."""
    return get_user_model().objects.filter(is_superuser=True, is_active=True).exists()


@contextmanager
def lookups_remembered() -> Iterator[None]:
    """Inside, each account and currency is looked up once: for one process that posts many entries. Rows of both kinds
    never change, and what a rolled-back transaction created is forgotten with the block that its exception leaves."""
    accounts, currencies = _accounts.set({}), _currencies.set({})
    try:
        yield
    finally:
        _accounts.reset(accounts)
        _currencies.reset(currencies)


def user_queue(user: User) -> None:
    """Withdrawals and repeatable orders of one user wait for each other here until the transaction ends, before any
    balance is locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_QUEUE_LOCK, user.pk])


def user_cash(user: User) -> Account:
    """The user's money and units that are free to use."""
    return _account(f"user:{user.pk}:cash", Account.Kind.CASH, user=user)


def user_reserved(user: User) -> Account:
    """The user's money and units set aside for orders."""
    return _account(f"user:{user.pk}:reserved", Account.Kind.RESERVED, user=user)


def user_receivable(user: User) -> Account:
    """What the user owes since a payment of theirs was taken back, as a negative balance."""
    return _account(f"user:{user.pk}:receivable", Account.Kind.RECEIVABLE, user=user)


def portfolio_assets(portfolio: Portfolio) -> Account:
    """What the portfolio holds: tokens and US dollars. What a nominee trades is cleared elsewhere, and its own in its
    books."""
    if portfolio.kind == Portfolio.Kind.NOMINEE:
        return _account(f"portfolio:{portfolio.pk}:clearing", Account.Kind.CLEARING, portfolio=portfolio)
    return _account(f"portfolio:{portfolio.pk}:assets", Account.Kind.ASSETS, portfolio=portfolio)


def nominee_books(portfolio: Portfolio) -> Account:
    """What all personal portfolios of a nominee own together."""
    return _account(f"portfolio:{portfolio.pk}:books", Account.Kind.BOOKS, portfolio=portfolio)


def portfolio_issued(portfolio: Portfolio) -> Account:
    """Units issued, as a negative balance."""
    return _account(f"portfolio:{portfolio.pk}:issued", Account.Kind.ISSUED, portfolio=portfolio)


def outside(method: str) -> Account:
    """The world behind a payment method."""
    return _account(f"outside:{method}", Account.Kind.OUTSIDE)


def venue(name: str) -> Account:
    """A trading venue: what we sold to it minus what we bought from it."""
    return _account(f"venue:{name}", Account.Kind.VENUE)


def operator_purse() -> Account:
    """The operator's own money at venues: pays fees that a venue takes in a third token, and what a fee exceeds the
    budget by. Below zero is what the operator has put in."""
    return _account("outside:operator", Account.Kind.OUTSIDE)


def trading_fees() -> Account:
    """Fees paid to venues."""
    return _account("fees:trading", Account.Kind.FEES)


def fee_units(kind: str) -> Account:
    """Units that fees of this kind (management, performance) have brought the house."""
    return _account(f"fees:{kind}", Account.Kind.FEES)


def fee_revenue() -> Account:
    """What redeeming the house's units brought in."""
    return _account("revenue:fees", Account.Kind.REVENUE)


def revenue() -> Account:
    """What subscriptions brought in."""
    return _account("revenue:subscriptions", Account.Kind.REVENUE)


def rounding() -> Account:
    """What rounding left over when a portfolio was emptied."""
    return _account("rounding", Account.Kind.ROUNDING)


def treasury() -> Account:
    """Where the house changes USDC into dollars and back: what it holds of one, it owes of the other."""
    return _account("treasury", Account.Kind.TREASURY)


def usd() -> LedgerAsset:
    """US dollars, in micro-dollars."""
    return _currency("USD", USD_SCALE)


def usdc() -> LedgerAsset:
    """USDC, a currency of its own, in millionths. What it is worth in dollars is a question for its mark."""
    return _currency("USDC", USDC_SCALE)


def portfolio_ensure(index_id: int, index_slug: str, *, owner: User | None = None) -> Portfolio:
    """The pooled portfolio of an index, or the personal one of `owner`; made with its unit asset when the first
    investment arrives."""
    kind = Portfolio.Kind.POOLED if owner is None else Portfolio.Kind.PERSONAL
    found = (
        Portfolio.objects.filter(index_id=index_id, kind=kind, owner=owner).select_related("units").first()
    )
    if found is not None:
        return found
    units, _ = LedgerAsset.objects.get_or_create(
        code=f"unit:{index_slug}", defaults={"kind": LedgerAsset.Kind.UNIT, "scale": UNIT_SCALE}
    )
    portfolio, _ = Portfolio.objects.get_or_create(
        index_id=index_id, kind=kind, owner=owner, defaults={"units": units}
    )
    return portfolio


def token_assets_ensure(marks: Mapping[str, Decimal]) -> dict[str, LedgerAsset]:
    """Token slug -> what the ledger counts it in, for every slug of `marks` (slug -> USD). A token new to the ledger
    gets its scale from its mark, for good."""
    wanted = {f"token:{slug}": slug for slug in marks}
    found = {asset.code: asset for asset in LedgerAsset.objects.filter(code__in=list(wanted))}
    missing = [slug for code, slug in wanted.items() if code not in found]
    if missing:
        tokens = signal_selectors.assets_by_slug(missing)
        LedgerAsset.objects.bulk_create(
            [
                LedgerAsset(
                    code=f"token:{slug}",
                    kind=LedgerAsset.Kind.TOKEN,
                    scale=token_scale(marks[slug]),
                    token_id=tokens[slug].id,
                )
                for slug in missing
            ],
            ignore_conflicts=True,
        )
        found = {asset.code: asset for asset in LedgerAsset.objects.filter(code__in=list(wanted))}
    return {slug: found[code] for code, slug in wanted.items()}


def _currency(code: str, scale: int) -> LedgerAsset:
    known = _currencies.get()
    if known is not None and code in known:
        return known[code]
    found = LedgerAsset.objects.filter(code=code).first()
    if found is None:
        found, _ = LedgerAsset.objects.get_or_create(
            code=code, defaults={"kind": LedgerAsset.Kind.CURRENCY, "scale": scale}
        )
    if known is not None:
        known[code] = found
    return found


def _account(
    key: str, kind: Account.Kind, *, user: User | None = None, portfolio: Portfolio | None = None
) -> Account:
    known = _accounts.get()
    if known is not None and key in known:
        return known[key]
    found = Account.objects.filter(key=key).first()
    if found is None:
        negative = kind in NEGATIVE_KINDS
        found, _ = Account.objects.get_or_create(
            key=key,
            defaults={"kind": kind, "user": user, "portfolio": portfolio, "may_be_negative": negative},
        )
    if known is not None:
        known[key] = found
    return found
