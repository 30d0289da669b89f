"""A published index rebuilt from its public rules with our own engine, and measured against what was published."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from indices.core import replication
from indices.core.backtest import backtest
from indices.core.replication import Fit, ReplicationError
from indices.core.rulebook import Rulebook
from indices.core.walk import first_panel_day
from signals import services as signal_services
from signals.core.panel import Panel

FOLDER = Path(__file__).resolve().parents[1] / "replicas"
LEVELS_FILE = "index_levels.parquet"
AGGREGATOR_FILE = "cmc_ohlcv_2013_2020.parquet"
EXCHANGE_FILE = "exchange_ohlcv_daily.parquet"
EXCHANGE = "binance_spot"

# A symbol names several tokens: an exchange's market is an asset's only where their prices have been the same.
SAME_DAYS, SAME_MEDIAN, SAME_SPREAD = 60, 0.01, 0.05


@dataclass(frozen=True, eq=False)
class Step:
    """One way of rebuilding: what it is, how well it fits, and the paired daily returns."""

    key: str
    label: str
    fit: Fit
    pairs: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Replication:
    """The rebuilt index `name` over [start, end]: `steps` from the plainest reading to the best one, `best` of them,
    `variants` that show what the unknown parameters matter, `contradicted` days with the reason, and `notes`."""

    name: str
    start: date
    end: date
    steps: tuple[Step, ...]
    variants: tuple[Step, ...]
    contradicted: dict[pd.Timestamp, str]
    notes: tuple[str, ...]

    @property
    def best(self) -> Step:
        """The last step that uses every day."""
        return next(step for step in reversed(self.steps) if step.key != "consistent")


def replicas() -> list[str]:
    """The names of the published indices that can be rebuilt."""
    return sorted(file.stem.upper() for file in FOLDER.glob("*.yaml"))


def replica_rulebook(name: str) -> Rulebook:
    """The public rules of the published index `name`. Raises ReplicationError for an unknown one."""
    if name.upper() not in replicas():
        raise ReplicationError(f"name: there are no rules of {name!r}; known are {', '.join(replicas())}")
    return Rulebook.from_yaml((FOLDER / f"{name.lower()}.yaml").read_text(encoding="utf-8"))


def published_levels(archive: Path, name: str) -> pd.DataFrame:
    """[day x (level, open, high, low)] of the index `name` as its publisher gave them. Raises ReplicationError."""
    file = archive / LEVELS_FILE
    if not file.is_file():
        raise ReplicationError(f"archive: has no {LEVELS_FILE}; a folder with published levels is needed")
    table = pd.read_parquet(file)
    rows = table[table["index_name"].astype(str).str.upper() == name.upper()]
    if rows.empty:
        known = ", ".join(sorted(table["index_name"].astype(str).unique()))
        raise ReplicationError(f"name: {LEVELS_FILE} has no levels of {name!r}; it has {known}")
    return rows.assign(date=pd.to_datetime(rows["date"])).set_index("date").sort_index()


def index_replicate(name: str, *, archive: Path, start: date, end: date) -> Replication:
    """The published index `name`, rebuilt over [start, end] and compared. Raises ReplicationError or ProviderError.

    Returns from `start` on are compared: the rebuilt index is invested at the close of the day before.
    """
    rulebook = replica_rulebook(name)
    published = published_levels(archive, name)
    invested = start - timedelta(days=1)
    panel = signal_services.archive_panel(archive, start=first_panel_day(rulebook, invested), end=end)
    if not len(panel.dates) or panel.dates[0] > pd.Timestamp(invested):
        raise ReplicationError(f"start: the archive has no market data on {invested}")
    levels = published.loc[pd.Timestamp(invested) : pd.Timestamp(end)]

    def step(key: str, label: str, known: Panel, rules: Rulebook) -> Step:
        result = backtest(known, rules, start=invested, end=end)
        pairs = replication.paired_returns(result.level, levels["level"])
        return Step(key, label, replication.fit(pairs), pairs)

    notes: list[str] = []
    steps = [
        step("plain", "plain reading: caps of the day, members every month", panel, _plain(rulebook)),
        step("rules", "the rules as published, closes of the archive", panel, rulebook),
    ]
    aggregator = aggregator_closes(archive)
    if aggregator is None:
        notes.append(f"The archive has no {AGGREGATOR_FILE}: rebuilt from its own closes only.")
    else:
        panel = with_closes(panel, aggregator)
        steps.append(step("source", "closes of CoinMarketCap, where there are", panel, rulebook))
    exchange = exchange_closes(archive, panel, after=None if aggregator is None else aggregator.index[-1])
    if exchange is None:
        notes.append(f"The archive has no {EXCHANGE_FILE} for these days.")
    else:
        panel = with_closes(panel, exchange)
        label = f"and closes of an exchange from {exchange.index[0].date()} on"
        steps.append(step("exchange", label, panel, rulebook))
    every = replication.contradicted_days(levels)
    contradicted = {day: why for day, why in every.items() if day in steps[-1].pairs.index}
    sound = steps[-1].pairs.drop(index=list(contradicted))
    if contradicted and len(sound) >= 3:
        label = f"the same without {len(contradicted)} days on which the publication contradicts itself"
        steps.append(Step("consistent", label, replication.fit(sound), sound))
    variants = [step(key, label, panel, rules) for key, label, rules in _variants(rulebook)]
    return Replication(
        rulebook.name or name, start, end, tuple(steps), tuple(variants), contradicted, tuple(notes)
    )


def aggregator_closes(archive: Path) -> pd.DataFrame | None:
    """Closes [day x asset] of the aggregator CoinMarketCap; None where the archive has no file of them."""
    file = archive / AGGREGATOR_FILE
    if not file.is_file():
        return None
    table = pd.read_parquet(file, columns=["asset_id", "date", "close"])
    table = table.assign(asset_id=table["asset_id"].astype(str), date=pd.to_datetime(table["date"]))
    closes = table.pivot(index="date", columns="asset_id", values="close")
    return closes.where(closes > 0)


def exchange_closes(archive: Path, panel: Panel, *, after: pd.Timestamp | None) -> pd.DataFrame | None:
    """Closes [day x asset] of one exchange on days of `panel` later than `after`; None where there are none.

    An asset has those of its symbol where the two have been the same price: on `SAME_DAYS` common days at least, their
    ratio within 1 % of one in the median and within 5 % on nine days of ten.
    """
    file, assets = archive / EXCHANGE_FILE, archive / "assets.csv"
    if not file.is_file() or not assets.is_file():
        return None
    table = pd.read_parquet(file, columns=["venue", "base_symbol", "date", "close"])
    table = table[table["venue"].astype(str) == EXCHANGE]
    table = table.assign(base_symbol=table["base_symbol"].astype(str), date=pd.to_datetime(table["date"]))
    quotes = table.pivot_table(index="date", columns="base_symbol", values="close", aggfunc="last")
    quotes = quotes[quotes.index.isin(panel.dates)]
    if after is not None:
        quotes = quotes[quotes.index > after]
    if quotes.empty:
        return None
    symbols = pd.read_csv(assets, usecols=["asset_id", "symbol"], keep_default_na=False)
    symbol_of: dict[str, str] = dict(zip(symbols["asset_id"], symbols["symbol"].str.upper(), strict=True))
    closes = panel.frame("close").reindex(quotes.index)
    matched = {
        asset: quotes[symbol_of[asset]]
        for asset in panel.assets
        if symbol_of.get(asset) in quotes.columns and _same(closes[asset], quotes[symbol_of[asset]])
    }
    return pd.DataFrame(matched) if matched else None


def with_closes(panel: Panel, closes: pd.DataFrame) -> Panel:
    """`panel` with the known `closes` [day x asset] in place of its own; caps and volumes stay as they are."""
    mine = panel.frame("close")
    better = closes.reindex(index=mine.index, columns=mine.columns)
    known = {
        asset: day.astype("datetime64[D]").astype(date)
        for asset, day in zip(panel.assets, panel.first_days, strict=True)
        if not np.isnat(day)
    }
    return Panel.from_frames(
        # Only where the asset has a close of its own: a second source must not bring back what was refused.
        close=mine.where(better.isna() | mine.isna(), better),
        market_cap=panel.frame("market_cap"),
        volume=panel.frame("volume"),
        categories=panel.categories,
        first_days=known,
    )


def _same(one: pd.Series, other: pd.Series) -> bool:
    ratio = (one / other).dropna()
    if len(ratio) < SAME_DAYS:
        return False
    off = (ratio - 1.0).abs()
    return bool(abs(ratio.median() - 1.0) < SAME_MEDIAN and off.quantile(0.9) < SAME_SPREAD)


def _plain(rulebook: Rulebook) -> Rulebook:
    return replace(
        rulebook,
        selection=replace(rulebook.selection, rank_by="market_cap", review="always"),
        weighting=replace(rulebook.weighting, smoothing="mean", smoothing_days=0),
    )


def _variants(rulebook: Rulebook) -> Iterator[tuple[str, str, Rulebook]]:
    weights = rulebook.weighting
    for span in (5, 20, 30, 60, 120):
        label = f"smoothed over {span} days instead of {weights.smoothing_days}"
        yield f"span-{span}", label, replace(rulebook, weighting=replace(weights, smoothing_days=span))
    later = replace(rulebook.calendar, lag_days=1)
    yield "a-day-later", "traded a day later", replace(rulebook, calendar=later)
    monthly = replace(rulebook.selection, review="always")
    yield "monthly-members", "members chosen every month", replace(rulebook, selection=monthly)
    straight = replace(weights, scheme="market_cap")
    yield "market-cap", "weighted by market cap itself", replace(rulebook, weighting=straight)
