"""News as daily readings: which tokens an item names, its tone, and each text counted once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from signals.core.observations import SENTIMENT, Readings


class SentimentScorer(Protocol):
    """Something that hears the tone of a text."""

    name: str
    """What it is called in records, with its version."""

    def score(self, text: str) -> float:
        """Tone from −1 (bad news) to 1 (good news), 0 for none."""
        ...


# Who is meant when a text says so. Names that are also words (Maker, Compound, Waves, Status, Dash, Flow, Near,
# Avalanche) or companies (Huobi, KuCoin, Gemini), and tickers, are no proof of anything and are not here: such tokens
# have no news figures. Upper and lower case count.
NAMES: Mapping[str, tuple[str, ...]] = {
    "0x": ("0x Protocol",),
    "aave": ("Aave", "AAVE"),
    "algorand": ("Algorand",),
    "apecoin": ("ApeCoin",),
    "aptos": ("Aptos",),
    "arbitrum": ("Arbitrum",),
    "axie-infinity": ("Axie Infinity",),
    "basic-attention-token": ("Basic Attention Token",),
    "binancecoin": ("BNB", "Binance Coin"),
    "bitcoin": ("Bitcoin", "bitcoin", "BTC"),
    "bitcoin-cash": ("Bitcoin Cash",),
    "bitcoin-cash-sv": ("Bitcoin SV", "BSV"),
    "bitcoin-gold": ("Bitcoin Gold",),
    "blockstack": ("Stacks Network", "Stacks (STX)"),
    "cardano": ("Cardano",),
    "celo": ("Celo",),
    "celsius-degree-token": ("CEL token",),
    "chainlink": ("Chainlink",),
    "chiliz": ("Chiliz",),
    "compound-governance-token": ("Compound Finance",),
    "cosmos": ("Cosmos Hub",),
    "crypto-com-chain": ("Cronos",),
    "curve-dao-token": ("Curve Finance", "Curve DAO"),
    "dai": ("DAI",),
    "decentraland": ("Decentraland",),
    "decred": ("Decred",),
    "digibyte": ("DigiByte",),
    "dogecoin": ("Dogecoin",),
    "dydx": ("dYdX",),
    "elrond-erd-2": ("Elrond",),
    "enjincoin": ("Enjin",),
    "eos": ("EOS",),
    "ethereum": ("Ethereum", "ethereum", "ETH", "Ether", "ether"),
    "ethereum-classic": ("Ethereum Classic",),
    "fantom": ("Fantom",),
    "filecoin": ("Filecoin",),
    "ftx-token": ("FTT", "FTX Token"),
    "hedera-hashgraph": ("Hedera",),
    "helium": ("Helium Network",),
    "immutable-x": ("Immutable X", "ImmutableX"),
    "injective-protocol": ("Injective Protocol",),
    "internet-computer": ("Internet Computer", "Dfinity", "DFINITY"),
    "iota": ("IOTA",),
    "kava": ("Kava",),
    "kusama": ("Kusama",),
    "lido-dao": ("Lido DAO", "Lido Finance"),
    "litecoin": ("Litecoin",),
    "loopring": ("Loopring",),
    "maker": ("MakerDAO",),
    "matic-network": ("Polygon",),
    "monero": ("Monero",),
    "near": ("NEAR Protocol", "Near Protocol"),
    "okb": ("OKB",),
    "pancakeswap-token": ("PancakeSwap",),
    "polkadot": ("Polkadot",),
    "qtum": ("Qtum",),
    "quant-network": ("Quant Network",),
    "ravencoin": ("Ravencoin",),
    "ripple": ("XRP",),
    "shiba-inu": ("Shiba Inu", "SHIB"),
    "solana": ("Solana",),
    "stellar": ("Stellar Lumens", "XLM"),
    "sushi": ("SushiSwap", "Sushiswap"),
    "terra-luna": ("Terra (LUNA)", "Terra Classic", "LUNC"),
    "terra-luna-2": ("Terra 2.0", "LUNA 2.0"),
    "terrausd": ("TerraUSD",),
    "tether": ("Tether", "USDT"),
    "tezos": ("Tezos",),
    "the-graph": ("The Graph Protocol",),
    "the-sandbox": ("The Sandbox",),
    "theta-token": ("Theta Network",),
    "thorchain": ("THORChain", "ThorChain"),
    "tron": ("TRON", "Tron"),
    "uniswap": ("Uniswap",),
    "usd-coin": ("USDC", "USD Coin"),
    "vechain": ("VeChain", "Vechain"),
    "wrapped-bitcoin": ("Wrapped Bitcoin", "WBTC"),
    "yearn-finance": ("Yearn Finance", "yearn.finance"),
    "zcash": ("Zcash",),
    "zilliqa": ("Zilliqa",),
}


class Naming:
    """Finds the tokens that a text names, out of `assets`."""

    def __init__(self, assets: Collection[str], names: Mapping[str, tuple[str, ...]] = NAMES) -> None:
        self._owner = {name: asset for asset in assets for name in names.get(asset, ())}
        # The longest name first, so that Bitcoin Cash is not also Bitcoin. A name of a token that is not here still
        # takes its place.
        every = sorted(
            {name for group in names.values() for name in group}, key=lambda name: (-len(name), name)
        )
        self._pattern = re.compile(r"(?<![\w$])(?:" + "|".join(map(re.escape, every)) + r")(?!\w)")

    def __call__(self, text: str) -> list[str]:
        """The slugs, sorted, each once."""
        found = (self._owner.get(match) for match in self._pattern.findall(text))
        return sorted({asset for asset in found if asset is not None})


def unique_items(items: pd.DataFrame) -> pd.DataFrame:
    """The items (`ts`, `title`, `text`) in order of time, those that repeat an earlier one's text left out.

    Case, punctuation and space do not make a text another. Items without a text or time are left out.
    """
    known = items[items["text"].notna() & items["ts"].notna()].sort_values("ts", kind="stable")
    plain = known["text"].astype(str).str.lower().str.replace(r"\W+", " ", regex=True).str.strip()
    return known[(plain != "") & ~plain.duplicated()].reset_index(drop=True)


def news_readings(
    items: pd.DataFrame, *, assets: Collection[str], scorer: SentimentScorer, source: str
) -> Readings:
    """News (`ts` naive UTC, `title`, `text`) as daily counts and mean tones, of the market and of each token named.

    An item counts on the day it appeared, once per token. The readings are known at the end of the day.
    """
    unique = unique_items(items)
    title = unique["title"].fillna("").astype(str)
    whole = np.where(title != "", title + ". ", "") + unique["text"].astype(str)
    days = unique["ts"].to_numpy().astype("datetime64[D]")
    tone = np.array([scorer.score(text) for text in whole], dtype=np.float64)
    naming = Naming(assets)
    named = [(asset, number) for number, text in enumerate(whole) for asset in naming(text)]
    at = np.array([number for _, number in named], dtype=np.int64)
    tokens = pd.DataFrame({"asset": [asset for asset, _ in named], "day": days[at], "tone": tone[at]})
    own = _daily(tokens, ["asset", "day"], "news")
    market = _daily(pd.DataFrame({"day": days, "tone": tone}), ["day"], "market_news")
    return Readings(SENTIMENT, source, with_known_at(pd.concat([market.assign(asset=None), own]), lag_days=0))


def _daily(items: pd.DataFrame, keys: list[str], prefix: str) -> pd.DataFrame:
    told = items.groupby(keys, sort=True)["tone"].agg(["size", "mean"]).reset_index()
    told[f"{prefix}_count"], told[f"{prefix}_sent"] = told.pop("size").astype(np.float64), told.pop("mean")
    return told


def with_known_at(rows: pd.DataFrame, *, lag_days: int) -> pd.DataFrame:
    """`rows` (`asset`, `day`, metrics) with `known_at`: the end of the day that lies `lag_days` after its own."""
    days = rows["day"].to_numpy().astype("datetime64[D]")
    metrics: Iterable[str] = [name for name in rows.columns if name not in ("asset", "day", "known_at")]
    out = pd.DataFrame({"asset": rows["asset"].astype(object).where(rows["asset"].notna(), None).to_numpy()})
    out["day"] = days.astype("datetime64[s]")
    out["known_at"] = (days + lag_days + 1).astype("datetime64[s]")
    for name in metrics:
        out[name] = rows[name].to_numpy(dtype=np.float64)
    return out
