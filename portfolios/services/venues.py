"""Accounts at venues: connected with keys that cannot withdraw, their markets matched to tokens, their brokers made."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from indices import selectors as index_selectors
from portfolios.brokers.base import Broker, BrokerUnreachable
from portfolios.brokers.client import Client, NotThere, Refused
from portfolios.brokers.exchange import ExchangeBroker
from portfolios.brokers.listing import Listed, ListingError, listings
from portfolios.brokers.paper import PaperBroker
from portfolios.brokers.permissions import can_withdraw
from portfolios.brokers.registry import BROKERS
from portfolios.brokers.sizing import MarketRule
from portfolios.models import User, VenueAccount, VenueMarket
from portfolios.services.vault import seal, unseal
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)

PAPER = "paper"
QUOTE_TOKENS = {"USDT": "tether", "USDC": "usd-coin"}
"""Which token says what a quote currency is worth. Dollars need none."""
AGREES = Decimal("0.05")
"""A market is taken for a token's where its price is this close to the mark."""

_brokers: dict[str, tuple[Any, Broker]] = {}


class UnknownVenue(LookupError):
    """There is no venue of that name."""


class VenueRefused(ValueError):
    """The account was not connected; nothing was stored. The message says what to do."""


@dataclass(frozen=True)
class Credentials:
    """What an exchange knows an account by. Never logged, never shown."""

    key: str = ""
    secret: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Credentials(key=...{self.key[-4:]})"


def broker_named(name: str) -> Broker:
    """The broker of a venue: a registered one, or the one of a connected account. Raises UnknownVenue."""
    if name in BROKERS:
        return BROKERS[name]
    account = VenueAccount.objects.filter(name=name).first()
    if account is None:
        raise UnknownVenue(f"there is no venue {name!r}: connect one with venue_connect")
    rules = list(account.markets.filter(is_active=True).select_related("token").order_by("symbol"))
    # Made anew whenever the account or a market has changed; a client keeps what a venue asked it to wait.
    stamp = (
        account.key_sealed,
        account.url,
        account.fee,
        tuple((rule.symbol, rule.checked_at) for rule in rules),
    )
    known = _brokers.get(name)
    if known is None or known[0] != stamp:
        _brokers[name] = known = (stamp, _broker(account, rules))
    return known[1]


def venue_connect(
    name: str,
    *,
    exchange: str,
    credentials: Credentials,
    quote: str,
    fee: Decimal,
    url: str = "",
    quote_token: str = "",
    markets: Mapping[str, str] | None = None,
    confirmed_by: User | None = None,
) -> VenueAccount:
    """An account at an exchange that orders may go to, with the markets of every token that symbol and price identify.

    `markets` (token slug -> the exchange's market) names markets by hand; their price must agree with the mark too. A
    key that can withdraw is refused; where the exchange does not tell, `confirmed_by` must be an operator who has made
    sure, which is recorded. Raises VenueRefused; nothing is stored then.
    """
    if VenueAccount.objects.filter(name=name).exists() or name in BROKERS:
        raise VenueRefused(f"name: there is a venue {name!r} already; take another name")
    client = _client(exchange, credentials, url)
    withdrawals = _withdrawals(client, exchange, confirmed_by)
    token = _quote_token(quote, quote_token)
    rate = _rate(token)
    found = _listings(client, quote, rate, markets or {})
    balances = _balances(client)
    now = timezone.now()
    with transaction.atomic():
        account = VenueAccount.objects.create(
            name=name,
            exchange=exchange,
            url=url,
            quote=quote,
            quote_token=token,
            fee=fee,
            key_sealed=seal(credentials.key, purpose=f"venue:{name}:key"),
            secret_sealed=seal(credentials.secret, purpose=f"venue:{name}:secret"),
            password_sealed=seal(credentials.password, purpose=f"venue:{name}:password"),
            key_end=credentials.key[-4:] if len(credentials.key) >= 12 else "",
            withdrawals=withdrawals,
            withdrawals_by=confirmed_by if withdrawals == VenueAccount.Withdrawals.OPERATOR else None,
            withdrawals_at=now,
            baseline={code: f"{amount:f}" for code, amount in sorted(balances.items()) if amount},
            connected_at=now,
            compared_through=now,
        )
        _markets_store(account, found)
    return account


def paper_connect(name: str, *, fee: Decimal = Decimal("0.001")) -> VenueAccount:
    """A second venue made of arithmetic, for drills of routing. Raises VenueRefused."""
    if VenueAccount.objects.filter(name=name).exists():
        raise VenueRefused(f"name: there is a venue {name!r} already; take another name")
    now = timezone.now()
    return VenueAccount.objects.create(
        name=name,
        exchange=PAPER,
        quote="USD",
        fee=fee,
        withdrawals=VenueAccount.Withdrawals.NONE,
        withdrawals_at=now,
        connected_at=now,
        compared_through=now,
    )


def markets_refresh(account: VenueAccount) -> list[str]:
    """The rules of the account's markets as the exchange has them now; the symbols that it no longer trades. Raises
    BrokerUnreachable."""
    client = account_client(account)
    try:
        rules = {listed.symbol: listed for listed in listings(client, account.quote)}
    except ListingError as error:
        raise BrokerUnreachable(f"{account.name}: {error}") from error
    now, gone = timezone.now(), []
    for market in account.markets.all():
        listed = rules.get(market.symbol)
        market.is_active = listed is not None and listed.is_open
        if listed is None:
            gone.append(market.symbol)
        else:
            market.least_notional, market.least_quantity = listed.least_notional, listed.least_quantity
            market.step, market.tick = listed.step, listed.tick
        market.checked_at = now
        market.save()
    return gone


def account_client(account: VenueAccount) -> Client:
    """A client with the account's keys. Raises VaultClosed."""
    return _client(
        account.exchange,
        Credentials(
            unseal(account.key_sealed, purpose=f"venue:{account.name}:key"),
            unseal(account.secret_sealed, purpose=f"venue:{account.name}:secret"),
            unseal(account.password_sealed, purpose=f"venue:{account.name}:password"),
        ),
        account.url,
    )


def keys_reseal() -> int:
    """Every stored key sealed under the first vault key; how many accounts. After it older vault keys can go."""
    accounts = list(VenueAccount.objects.exclude(key_sealed=""))
    for account in accounts:
        for field in ("key", "secret", "password"):
            purpose = f"venue:{account.name}:{field}"
            opened = unseal(getattr(account, f"{field}_sealed"), purpose=purpose)
            setattr(account, f"{field}_sealed", seal(opened, purpose=purpose))
        account.save(update_fields=["key_sealed", "secret_sealed", "password_sealed"])
    return len(accounts)


def _broker(account: VenueAccount, rules: Iterable[VenueMarket]) -> Broker:
    if account.exchange == PAPER:
        return PaperBroker(account.name)
    markets = {
        rule.token.slug: MarketRule(
            rule.symbol, rule.base, rule.step, rule.tick, rule.least_notional, rule.least_quantity
        )
        for rule in rules
    }
    return ExchangeBroker(
        account.name, account_client(account), markets=markets, quote=account.quote, fee=account.fee
    )


def _client(exchange: str, credentials: Credentials, url: str) -> Client:
    try:
        return Client(
            exchange, key=credentials.key, secret=credentials.secret, password=credentials.password, url=url
        )
    except ValueError as error:
        raise VenueRefused(str(error)) from error


def _withdrawals(client: Client, exchange: str, confirmed_by: User | None) -> VenueAccount.Withdrawals:
    try:
        told = can_withdraw(client, exchange)
    except (BrokerUnreachable, Refused, NotThere) as error:
        raise VenueRefused(f"key: the exchange did not say what the key may do: {error}") from error
    if told:
        raise VenueRefused("key: this key can withdraw. Make one that can only read and trade, and use that.")
    if told is False:
        return VenueAccount.Withdrawals.EXCHANGE
    if confirmed_by is None:
        raise VenueRefused(
            f"key: {exchange} does not say whether a key can withdraw. Make sure that it cannot, and confirm it."
        )
    return VenueAccount.Withdrawals.OPERATOR


def _quote_token(quote: str, slug: str) -> Any:
    wanted = slug or QUOTE_TOKENS.get(quote, "")
    if not wanted:
        if quote == "USD":
            return None
        raise VenueRefused(
            f"quote: say which token is worth one {quote}; only US dollars are worth a dollar unseen"
        )
    found = signal_selectors.assets_by_slug([wanted])
    if wanted not in found:
        raise VenueRefused(f"quote: there is no token {wanted!r} to say what one {quote} is worth")
    return found[wanted]


def _rate(token: Any) -> Decimal:
    if token is None:
        return Decimal(1)
    marks = index_selectors.mark_prices([token.slug], at=signal_selectors.market_time())
    if token.slug not in marks:
        raise VenueRefused(f"quote: {token.slug} has no price now")
    return marks[token.slug]


def _listings(
    client: Client, quote: str, rate: Decimal, named: Mapping[str, str]
) -> list[tuple[Any, Listed]]:
    """(token, market) where symbol and price agree, and every named pair. Raises VenueRefused."""
    try:
        listed = {line.symbol: line for line in listings(client, quote)}
    except (BrokerUnreachable, Refused, ListingError) as error:
        raise VenueRefused(f"exchange: its markets could not be read: {error}") from error
    tokens = signal_selectors.assets_by_slug()
    for slug, symbol in named.items():
        if slug not in tokens:
            raise VenueRefused(f"market: there is no token {slug!r}")
        if symbol not in listed:
            raise VenueRefused(f"market: {symbol} is not traded there against {quote}")
    by_symbol: dict[str, list[str]] = {}
    for slug, token in tokens.items():
        by_symbol.setdefault(token.symbol.upper(), []).append(slug)
    wanted = dict(named)
    for symbol, line in listed.items():
        slugs = by_symbol.get(line.base.upper(), [])
        # Two tokens of one symbol: only a person can say which is meant.
        if len(slugs) == 1 and symbol not in wanted.values():
            wanted.setdefault(slugs[0], symbol)
    marks = index_selectors.mark_prices(sorted(wanted), at=signal_selectors.market_time())
    kept = []
    for slug, symbol in sorted(wanted.items()):
        line = listed[symbol]
        price = line.price * rate
        agrees = slug in marks and price > 0 and abs(price / marks[slug] - 1) <= AGREES
        if agrees:
            kept.append((tokens[slug], line))
        elif slug in named:
            raise VenueRefused(
                f"market: {symbol} costs {price:.8g} USD there and {slug} {marks.get(slug, 'nothing')}; "
                "they are not the same"
            )
    if not kept:
        raise VenueRefused("exchange: none of its markets is one of our tokens at our price")
    return kept


def _balances(client: Client) -> Mapping[str, Decimal]:
    try:
        return ExchangeBroker("", client, markets={}, quote="", fee=Decimal(0)).balances()
    except (BrokerUnreachable, Refused, NotThere) as error:
        raise VenueRefused(f"key: its balances could not be read: {error}") from error


def _markets_store(account: VenueAccount, found: Iterable[tuple[Any, Listed]]) -> None:
    VenueMarket.objects.bulk_create(
        VenueMarket(
            account=account,
            token=token,
            symbol=line.symbol,
            base=line.base,
            least_notional=line.least_notional,
            least_quantity=line.least_quantity,
            step=line.step,
            tick=line.tick,
            is_active=line.is_open,
            checked_at=account.connected_at,
        )
        for token, line in found
    )
