"""What a personal portfolio is meant to hold beside its index, and what bringing it there would trade."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from indices import selectors as index_selectors
from portfolios.core.bands import PPM
from portfolios.core.fees import cost_estimate
from portfolios.core.money import USD_SCALE, from_base
from portfolios.core.valuation import fraction
from portfolios.models import Book, LedgerAsset
from portfolios.selectors.market import volumes
from signals import selectors as signal_selectors

RISK_SHARES = (250_000, 500_000, 750_000, 1_000_000)
RESERVE = 5_000
"""Millionths of expected proceeds that purchases leave for the cost of sales."""


@dataclass(frozen=True)
class Settings:
    """What a person decides about their own portfolio of an index: token slugs left out, the most that one token weighs
    and the share at risk, both in millionths."""

    exclude: tuple[str, ...] = ()
    max_weight: int = PPM
    risk_share: int = PPM


@dataclass(frozen=True)
class Target:
    """One token: its weight in the index and in the personal portfolio, as fractions."""

    token: str
    name: str
    symbol: str
    index_weight: Decimal
    weight: Decimal
    excluded: bool

    @property
    def change(self) -> Decimal:
        """What the settings add to its weight."""
        return self.weight - self.index_weight


@dataclass(frozen=True)
class Allocation:
    """All targets, largest first; `left_out` is what exclusions take away and others get, `waiting` what is not at
    risk: in dollars, where `waiting_in` is empty, or in that token."""

    targets: list[Target]
    left_out: Decimal
    waiting: Decimal
    waiting_in: str = ""


@dataclass(frozen=True)
class Trade:
    """One token that would be traded at marks of now, USD; `cost_usd` is an estimate of fee, spread and size."""

    token: str
    name: str
    symbol: str
    side: str
    value_usd: Decimal
    cost_usd: Decimal


def index_tokens(index_slug: str) -> dict[str, Decimal]:
    """Token slug -> target weight of the index in force, largest first; empty where none is."""
    decision = index_selectors.decision_in_force(index_slug, as_of=signal_selectors.last_closed_day())
    return {} if decision is None else index_selectors.target_weights(decision)


def refuge_of(index_slug: str) -> str:
    """Slug of what takes the share that is not at risk: the largest stablecoin of the index's rules."""
    basket = index_selectors.rulebook(index_slug).overlay.basket
    return max(sorted(basket), key=lambda slug: basket[slug])


def allocation(index_slug: str, settings: Settings, *, at: datetime | None = None) -> Allocation:
    """What a portfolio of the index with these settings would hold of what has a price now."""
    import numpy as np

    from portfolios.core.bulk.planning import WEIGHT_ONE
    from portfolios.core.bulk.targets import index_weights, own_weights

    wanted, refuge = index_tokens(index_slug), refuge_of(index_slug)
    moment = at if at is not None else signal_selectors.market_time()
    priced = index_selectors.mark_prices(sorted({*wanted, refuge}), at=moment)
    slugs = [slug for slug in [*wanted, *({refuge} - wanted.keys())] if slug in priced]
    weights = index_weights(wanted, slugs)
    place = slugs.index(refuge) if refuge in slugs else None
    mine = np.zeros_like(weights)
    if weights.any():
        mine = own_weights(
            weights,
            np.array([[slug in settings.exclude] for slug in slugs]),
            np.array([settings.max_weight]),
            np.array([settings.risk_share]),
            place,
        )[:, 0]
    tokens = signal_selectors.assets_by_slug(slugs)
    targets = [
        Target(
            slug,
            tokens[slug].name,
            tokens[slug].symbol,
            fraction(int(index), WEIGHT_ONE),
            fraction(int(own), WEIGHT_ONE),
            slug in settings.exclude and slug != refuge,
        )
        for slug, index, own in zip(slugs, weights, mine, strict=True)
        if index or own
    ]
    in_dollars = WEIGHT_ONE - int(mine.sum())
    moved = 0 if place is None else int(mine[place]) - int(weights[place])
    return Allocation(
        targets=sorted(targets, key=lambda target: (-target.weight, -target.index_weight, target.token)),
        left_out=sum((target.index_weight for target in targets if target.excluded), Decimal(0)),
        waiting=fraction(max(in_dollars, moved), WEIGHT_ONE) if settings.risk_share < PPM else Decimal(0),
        waiting_in="" if place is None else refuge,
    )


def trades_preview(book: Book, settings: Settings, *, at: datetime | None = None) -> list[Trade]:
    """What a rebalance would trade for the book now, had it these settings: at marks of now, alone and without what
    others might take or give. Largest first."""
    import numpy as np

    from portfolios.core.bulk.planning import Block, countable, marks, wishes
    from portfolios.core.bulk.targets import index_weights, own_weights

    moment = at if at is not None else signal_selectors.market_time()
    slug = book.nominee.index.slug
    wanted, refuge = index_tokens(slug), refuge_of(slug)
    held = held_of([book])[book.pk]
    tokens = signal_selectors.assets_by_slug(sorted({*held, *wanted, refuge}))
    prices = index_selectors.mark_prices(sorted(tokens), at=moment)
    scales = _scales(prices)
    slugs = sorted(prices.keys() & scales.keys())
    places = countable([prices[slug] for slug in slugs], [scales[slug] for slug in slugs])
    slugs = [slugs[place] for place in places]
    weights = index_weights(wanted, slugs)
    if not weights.any():
        return []
    own = own_weights(
        weights,
        np.array([[slug in settings.exclude] for slug in slugs]),
        np.array([settings.max_weight]),
        np.array([settings.risk_share]),
        slugs.index(refuge) if refuge in slugs else None,
    )
    at_marks = marks([prices[slug] for slug in slugs], [scales[slug] for slug in slugs])
    quantities = np.array([[held.get(slug, 0)] for slug in slugs], dtype=np.int64)
    bands = replace(book.nominee.bands, reserve=RESERVE)
    wish = wishes(Block(np.array([book.cash]), quantities, own), at_marks, bands)
    sold = at_marks.values(wish.sells)[:, 0].tolist()
    bought = wish.buys[:, 0].tolist()
    traded = volumes(slugs, at=moment)
    trades = []
    for slug, sell, buy in zip(slugs, sold, bought, strict=True):
        if sell or buy:
            cost = cost_estimate(sell or buy, traded.get(slug))
            trades.append(
                Trade(
                    slug,
                    tokens[slug].name,
                    tokens[slug].symbol,
                    "sell" if sell else "buy",
                    from_base(sell or buy, USD_SCALE),
                    from_base(cost, USD_SCALE),
                )
            )
    return sorted(trades, key=lambda trade: (-trade.value_usd, trade.token))


def held_of(books: Sequence[Book]) -> dict[int, dict[str, int]]:
    """Book id -> token slug -> base units, of what is held."""
    assets = _ledger_assets({key for book in books for key in book.basket.assets})
    return {
        book.pk: {
            token.slug: units
            for key, units in zip(book.basket.assets, book.quantities, strict=True)
            if units and (token := assets[key].token) is not None
        }
        for book in books
    }


def excluded_of(book: Book) -> tuple[str, ...]:
    """Slugs of what the book leaves out."""
    mask = bytes(book.excluded)
    keys = [
        key
        for place, key in enumerate(book.basket.assets)
        if place // 8 < len(mask) and mask[place // 8] & (0x80 >> place % 8)
    ]
    return slugs_of(keys)


def slugs_of(ids: Sequence[int]) -> tuple[str, ...]:
    """Token slugs of ledger assets, in order."""
    return tuple(
        sorted(asset.token.slug for asset in _ledger_assets(set(ids)).values() if asset.token is not None)
    )


def _ledger_assets(ids: set[int]) -> dict[int, LedgerAsset]:
    return LedgerAsset.objects.select_related("token").in_bulk(ids)


def _scales(prices: Mapping[str, Decimal]) -> dict[str, int]:
    rows = LedgerAsset.objects.filter(token__slug__in=list(prices)).values_list("token__slug", "scale")
    return {slug: scale for slug, scale in rows if slug is not None}
