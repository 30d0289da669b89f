"""What kind of thing a token is: by a source's category names, by its own name, and by how its price moves."""

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from signals.core.panel import Array

STABLECOIN, WRAPPED, STAKED, BRIDGED, TRACKING = "stablecoin", "wrapped", "staked", "bridged", "tracking"

MEASURED = "measured"
"""Stands beside a kind that only the whole price path gave away: a reader of the past must not use it (`declared`)."""

# Long names of the usual sources -> our slugs. Every long name is kept as a slug of its own as well.
ALIASES: dict[str, tuple[str, ...]] = {
    "artificial-intelligence-ai": ("ai",),
    "ai-agents": ("ai",),
    "ai-framework": ("ai",),
    "algorithmic-stablecoin": (STABLECOIN,),
    "automated-market-maker-amm": ("defi", "dex"),
    "binance-peg-tokens": (WRAPPED, BRIDGED),
    "bridged-stablecoin": (STABLECOIN, BRIDGED),
    "bridged-tokens": (WRAPPED, BRIDGED),
    "bridged-usdc": (STABLECOIN, BRIDGED),
    "centralized-exchange-cex-token": ("exchange",),
    "crypto-backed-stablecoin": (STABLECOIN,),
    "ctoken": (WRAPPED,),
    "decentralized-exchange-dex": ("defi", "dex"),
    "decentralized-finance-defi": ("defi",),
    "decentralized-science-desci": ("desci",),
    "dog-themed": ("meme",),
    "elon-musk-inspired": ("meme",),
    "eur-stablecoin": (STABLECOIN,),
    "exchange-based-tokens": ("exchange",),
    "fiat-backed-stablecoin": (STABLECOIN,),
    "gaming-blockchains": ("gaming",),
    "gaming-gamefi": ("gaming",),
    "gaming-governance-token": ("gaming",),
    "gaming-platform": ("gaming",),
    "gaming-utility-token": ("gaming",),
    "layer-0-l0": ("layer-0",),
    "layer-1-l1": ("layer-1",),
    "layer-2-l2": ("layer-2",),
    "lending-borrowing-protocols": ("defi", "lending"),
    "liquid-staked-eth": (STAKED,),
    "liquid-staked-sol": (STAKED,),
    "liquid-staking-tokens": (STAKED,),
    "play-to-earn": ("gaming",),
    "proof-of-stake-pos": ("proof-of-stake",),
    "proof-of-work-pow": ("proof-of-work",),
    "real-world-assets-rwa": ("rwa",),
    "rollup": ("layer-2",),
    "rwa-protocol": ("rwa",),
    "stablecoins": (STABLECOIN,),
    "tokenized-btc": (WRAPPED,),
    "tokenized-assets": ("rwa",),
    "tokenized-commodities": ("rwa",),
    "usd-stablecoin": (STABLECOIN,),
    "wrapped-tokens": (WRAPPED,),
    "yield-farming": ("defi",),
    "zero-knowledge-zk": ("zero-knowledge",),
}

# A name that says that the token stands for another one. Governance tokens of such issuers do not match.
_NAMES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"^wrapped\b|\bwrapped (?!up)", re.I), (WRAPPED,)),
    (re.compile(r"\bbridged\b|\b(?:binance|bsc|heco)-peg\b", re.I), (WRAPPED, BRIDGED)),
    (re.compile(r"\b(?:liquid )?staked (?!governance)", re.I), (STAKED, WRAPPED)),
    (re.compile(r"^interest[- ]bearing\b|^ptokens\b|^yvault\b|^yearn .*\bvault\b", re.I), (WRAPPED,)),
    (
        re.compile(r"^(?:a|c|j|sn|ib|r|s|h|p|o|i|ren|huobi )(?:btc|eth|usdc|usdt|dai|bnb|sol)\d?$", re.I),
        (WRAPPED,),
    ),
    (
        re.compile(r"^(?:ib|ag|s|j|c)?eur[ostca]?$|^euro (?:tether|coin)$|^iron bank euro$", re.I),
        (STABLECOIN,),
    ),
    (re.compile(r"\b(?:stablecoin|dollars?|usd)$", re.I), (STABLECOIN,)),
)

_UNSLUG = re.compile(r"[^a-z0-9]+")

STILL_MEDIAN = 0.006
"""A token whose median absolute daily return is under this is pegged to something; bitcoin's is about 0.016."""
STILL_DAYS = 60
TRACKING_CORRELATION = 0.985
TRACKING_MEDIAN = 0.004
TRACKING_LEVEL = 0.05
TRACKING_SHARE = 0.8
TRACKING_DAYS = 30


def slugged(text: str) -> str:
    """Lower case, every run of other characters one hyphen: `Layer 1 (L1)` -> `layer-1-l1`."""
    return _UNSLUG.sub("-", text.lower()).strip("-")


def category_slugs(names: Iterable[str]) -> frozenset[str]:
    """The slugs of a source's category names, and our short ones for those that have one."""
    slugs = {slug for name in names if (slug := slugged(name))}
    return frozenset(slugs | {alias for slug in slugs for alias in ALIASES.get(slug, ())})


def kinds_by_name(name: str) -> frozenset[str]:
    """Kinds that the name of a token gives away: `Lido Staked SOL` is staked and wrapped; most names give none."""
    return frozenset(kind for pattern, kinds in _NAMES if pattern.search(name.strip()) for kind in kinds)


def marked(kinds: Iterable[str]) -> frozenset[str]:
    """Measured kinds, each with the mark by which `declared` knows it."""
    return frozenset(mark for kind in kinds for mark in (kind, f"{MEASURED}-{kind}"))


def declared(kinds: Iterable[str]) -> frozenset[str]:
    """The kinds without those that were measured over a whole price path, which a day in the past did not know."""
    found = frozenset(kinds)
    prefix = f"{MEASURED}-"
    marks = {kind for kind in found if kind.startswith(prefix)}
    return found - marks - {mark.removeprefix(prefix) for mark in marks}


def shown(kinds: Iterable[str]) -> list[str]:
    """The kinds that a reader is shown, in their order: without the marks of what was measured."""
    return [kind for kind in kinds if not kind.startswith(f"{MEASURED}-")]


def still_assets(close: Array) -> npt.NDArray[np.bool_]:
    """Which columns of `close` [date x asset] hardly move: pegged to a currency or to gold, whatever they are called.

    True where at least STILL_DAYS daily returns are known and their median absolute value is under STILL_MEDIAN.
    """
    moves = np.abs(np.diff(np.log(close), axis=0))
    known = (~np.isnan(moves)).sum(axis=0)
    under = (moves < STILL_MEDIAN).sum(axis=0)
    return np.asarray((known >= STILL_DAYS) & (under * 2 > known))


def tracking_assets(close: Array, market_cap: Array, *, references: int = 60) -> dict[int, int]:
    """Columns that move as a larger one does, day for day: wrapped and staked forms, second ids. column -> reference.

    Compared are the `references` columns with the largest known cap. Over at least TRACKING_DAYS common days a column
    tracks where its log returns correlate over TRACKING_CORRELATION and differ by less than TRACKING_MEDIAN in the
    median, or where its price lies within TRACKING_LEVEL of the reference's on TRACKING_SHARE of the days.
    """
    log_price = np.log(close)
    returns = np.diff(log_price, axis=0)
    known = (~np.isnan(returns)).astype(np.float64)
    filled = np.where(known > 0, returns, 0.0)
    peak = np.where(np.isnan(market_cap), 0.0, market_cap).max(axis=0, initial=0.0)
    moving = ~still_assets(close)
    order = [int(at) for at in np.argsort(-peak, kind="stable")[:references] if moving[at] and peak[at] > 0]
    if not order:
        return {}
    # [reference x asset] sums over the days that both know.
    count = known[:, order].T @ known
    cross = filled[:, order].T @ filled
    sizes = np.sqrt(((filled**2)[:, order].T @ known) * (known[:, order].T @ filled**2))
    alike = cross > 0.5 * sizes  # cheap first look; a noisy wrapped form still passes it
    found: dict[int, int] = {}
    for row, reference in enumerate(order):
        if reference in found:
            continue
        eligible = alike[row] & (count[row] >= TRACKING_DAYS) & moving & (peak < peak[reference])
        for column in (int(at) for at in np.flatnonzero(eligible) if int(at) not in found):
            same_moves = cross[row, column] > TRACKING_CORRELATION * sizes[row, column]
            gaps = np.abs(returns[:, column] - returns[:, reference])
            apart = np.abs(log_price[:, column] - log_price[:, reference])
            near = apart[~np.isnan(apart)] < TRACKING_LEVEL
            if (same_moves and np.nanmedian(gaps) < TRACKING_MEDIAN) or near.mean() > TRACKING_SHARE:
                found[column] = reference
    return found
