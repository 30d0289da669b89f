"""What an archive holds beside the candles: onchain, derivatives, fear_greed and news .parquet, each if it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core import categories, onchain
from signals.core.news import SentimentScorer, news_readings, with_known_at
from signals.core.observations import (
    DERIVATIVES,
    LAG_DAYS,
    SENTIMENT,
    Readings,
    screened,
)
from signals.providers.archive import SOURCE
from signals.providers.base import Delivery, ProviderError

PRICE_DAYS = 10
"""An on-chain ticker is a token's only where both know a price on at least so many days."""
DOMINANT = 10.0
"""Where several tokens share a ticker and nothing but the ticker is known, it is the one whose cap of the day is this
many times the next one's; nobody's where none is."""
_DERIVED = {"funding_rate_8h_daily_mean": "funding_rate", "open_interest_close_usd": "open_interest"}
_STANDS_FOR_ANOTHER = {
    categories.WRAPPED,
    categories.STAKED,
    categories.BRIDGED,
    categories.TRACKING,
}


@dataclass(frozen=True)
class Beside:
    """The readings of an archive, and counts by reason of rows left out and numbers blanked."""

    readings: list[Readings]
    refused: dict[str, int]
    cleared: dict[str, int]

    @property
    def rows(self) -> int:
        """How many rows the readings have."""
        return sum(len(each.rows) for each in self.readings)


def read(folder: Path, delivery: Delivery, *, scorer: SentimentScorer | None = None) -> Beside:
    """What `folder` holds beside the candles of `delivery`, of its tokens only; nothing where it has no such file.

    A row counts as known at the end of its day, on-chain a day later. Rows of tickers that are no token's are refused
    (`onchain_unmatched`, `derivatives_unmatched`). `scorer` hears the tone of the news, VADER by default. Raises
    ProviderError for a file that is there and cannot be read.
    """
    refused: dict[str, int] = {}
    found: list[Readings] = []
    first = delivery.rows["opened_at"].min()
    for make in (_onchain, _derivatives):
        found += make(folder, delivery, refused)
    found += _sentiment(folder, delivery, scorer)
    cleared: dict[str, int] = {}
    clean = []
    for each in found:
        # What lies before the first candle has no row to stand in.
        within = each.rows[each.rows["day"] >= first].drop_duplicates(["asset", "day"])
        sound, wrong = screened(Readings(each.family, each.source, within))
        if wrong:
            cleared[f"{each.family}_impossible"] = cleared.get(f"{each.family}_impossible", 0) + wrong
        if len(sound.rows):
            clean.append(sound)
    return Beside(clean, refused, cleared)


def _onchain(folder: Path, delivery: Delivery, refused: dict[str, int]) -> list[Readings]:
    table = _table(folder / "onchain.parquet", ["date", "asset"], list(onchain.NEEDED))
    if table is None:
        return []
    if onchain.PRICE not in table:
        refused["onchain_unmatched"] = len(table)  # a ticker alone does not say whose it is
        return []
    table = table.rename(columns={"asset": "ticker", "date": "day"})
    table["day"] = table["day"].to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    named = {
        record.slug: record.symbol.lower()
        for record in delivery.assets
        if record.symbol.lower() in set(table["ticker"].unique())
    }
    rows = delivery.rows[delivery.rows["asset"].isin(list(named))]
    closes = pd.DataFrame(
        {
            "asset": rows["asset"].astype(object).to_numpy(),
            "day": rows["opened_at"].to_numpy().astype("datetime64[D]").astype("datetime64[s]"),
            "close": rows["close"].to_numpy(dtype=np.float64),
        }
    )
    closes["ticker"] = closes["asset"].map(named)
    of = onchain.owners(table, closes, pegged=_pegged(delivery), least_days=PRICE_DAYS)
    if missing := int((~table["ticker"].isin(of["ticker"])).sum()):
        refused["onchain_unmatched"] = missing
    readings = onchain.onchain_readings(table, of, source=SOURCE)
    return [readings] if len(readings.rows) else []


def _pegged(delivery: Delivery) -> list[str]:
    return [record.slug for record in delivery.assets if _STANDS_FOR_ANOTHER & set(record.categories)]


def _derivatives(folder: Path, delivery: Delivery, refused: dict[str, int]) -> list[Readings]:
    table = _table(folder / "derivatives.parquet", ["date", "symbol", "metric", "value"], [])
    if table is None:
        return []
    table = table[table["metric"].isin(list(_DERIVED))].drop_duplicates(["symbol", "date", "metric"])
    owner = _owners(delivery, sorted(table["symbol"].unique()))
    table = table.assign(day=table["date"].to_numpy().astype("datetime64[D]").astype("datetime64[s]"))
    matched = table.merge(owner, on=["symbol", "day"])
    if missing := len(table) - len(matched):
        refused["derivatives_unmatched"] = missing
    wide = matched.pivot(index=["asset", "day"], columns="metric", values="value").rename(columns=_DERIVED)
    return _readings(DERIVATIVES, wide.reset_index().rename_axis(columns=None))


def _owners(delivery: Delivery, symbols: Sequence[str]) -> pd.DataFrame:
    """`symbol`, `day`, `asset`: whose a ticker is on a day, by market cap."""
    pegged = set(_pegged(delivery))
    symbol_of = {
        record.slug: record.symbol.upper()
        for record in delivery.assets
        if record.symbol.upper() in symbols and record.slug not in pegged
    }
    rows = delivery.rows[delivery.rows["asset"].isin(list(symbol_of))]
    caps = pd.DataFrame(
        {
            "asset": rows["asset"].astype(object).to_numpy(),
            "day": rows["opened_at"].to_numpy().astype("datetime64[s]"),
            "cap": rows["market_cap"].fillna(0.0).to_numpy(dtype=np.float64),
        }
    )
    caps["symbol"] = caps["asset"].map(symbol_of)
    caps = caps.sort_values(["symbol", "day", "cap"], ascending=[True, True, False])
    second = caps.groupby(["symbol", "day"])["cap"].shift(-1)
    first = ~caps.duplicated(["symbol", "day"])
    alone = second.isna() | (caps["cap"] >= DOMINANT * second.fillna(0.0)) & (caps["cap"] > 0)
    return caps.loc[first & alone, ["symbol", "day", "asset"]].reset_index(drop=True)


def _sentiment(folder: Path, delivery: Delivery, scorer: SentimentScorer | None) -> list[Readings]:
    found = []
    mood = _table(folder / "fear_greed.parquet", ["date", "value"], [])
    if mood is not None:
        rows = mood.drop_duplicates("date").rename(columns={"date": "day", "value": "fear_greed"})
        found += _readings(SENTIMENT, rows.assign(asset=None))
    news = _table(folder / "news.parquet", ["ts", "text"], ["title"])
    if news is not None:
        if scorer is None:
            from signals.providers.vader import Vader

            scorer = Vader()
        items = news.assign(title=news.get("title"))
        items["ts"] = items["ts"].to_numpy().astype("datetime64[us]")
        slugs = [record.slug for record in delivery.assets]
        found.append(news_readings(items, assets=slugs, scorer=scorer, source=SOURCE))
    if len(found) == 2:  # one row per token and day: the market's mood and news stand in the same one
        rows = found[0].rows.merge(found[1].rows, on=["asset", "day", "known_at"], how="outer")
        found = [Readings(SENTIMENT, SOURCE, rows.assign(asset=_or_none(rows["asset"])))]
    return found


def _readings(family: str, rows: pd.DataFrame) -> list[Readings]:
    known = with_known_at(rows, lag_days=LAG_DAYS[family])
    return [Readings(family, SOURCE, known)] if len(known) else []


def _or_none(assets: pd.Series) -> npt.NDArray[np.object_]:
    return np.asarray(assets.astype(object).where(assets.notna(), None), dtype=object)


def _table(path: Path, required: list[str], optional: list[str]) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        there = set(pq.read_schema(path).names)
        missing = [name for name in required if name not in there]
        if missing:
            raise ProviderError(f"{path} lacks the columns {', '.join(missing)}.")
        wanted = [*required, *(name for name in optional if name in there)]
        frame: pd.DataFrame = pq.read_table(path, columns=wanted).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ProviderError(f"{path} cannot be read: {error}") from error
    return frame
