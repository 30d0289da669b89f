"""A market archive on disk: daily.parquet and assets.csv in one folder."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core import categories
from signals.providers.base import AssetRecord, Delivery, ProviderError

SOURCE = "archive"
_COLUMNS = {
    "asset_id": "asset",
    "date": "opened_at",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume_usd": "volume",
    "market_cap_usd": "market_cap",
    "suspect": "suspect",
}
_SPIKE, _SUPPLY_JUMP = 1, 2


def read(folder: Path) -> Delivery:
    """Every row and asset of the archive in `folder`, slugs for ids, prices widened to float64.

    A row that the archive flags as a reverting spike is a suspect (`suspect_spike`): a print that was gone two days
    later is not a price to trade an index at. Where it flags a reverting jump of the supply, only the market cap of
    that day is unknown. Raises ProviderError where a file or column is missing or unreadable.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "daily.parquet"
    if not path.is_file():
        raise ProviderError(f"{folder} holds no daily.parquet; give the folder of a market archive.")
    try:
        table = pq.read_table(path, columns=list(_COLUMNS))
    except (pa.ArrowException, OSError) as error:
        raise ProviderError(
            f"{path} cannot be read as a daily table with {', '.join(_COLUMNS)}: {error}"
        ) from error
    rows = table.to_pandas().rename(columns=_COLUMNS)
    slugs = {identity: categories.slugged(str(identity)) for identity in rows["asset"].unique()}
    if len(set(slugs.values())) < len(slugs):
        raise ProviderError(f"{path}: two asset ids differ only in punctuation; rename one.")
    rows["asset"] = pd.Categorical(rows["asset"]).rename_categories(slugs)
    flags = rows.pop("suspect").to_numpy()
    rows.loc[(flags & _SUPPLY_JUMP) > 0, "market_cap"] = np.nan
    spikes: npt.NDArray[np.bool_] = (flags & _SPIKE) > 0
    return Delivery(
        source=SOURCE,
        assets=_assets(folder / "assets.csv", slugs, rows[~spikes]),
        rows=rows,
        suspects={"suspect_spike": spikes},
    )


def fingerprint(folder: Path) -> str:
    """SHA-256 of daily.parquet, so that a store can say which archive it came from."""
    digest = hashlib.sha256()
    with (folder / "daily.parquet").open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _assets(path: Path, slugs: dict[str, str], rows: pd.DataFrame) -> list[AssetRecord]:
    if not path.is_file():
        raise ProviderError(f"{path.parent} holds no assets.csv; give the folder of a market archive.")
    measured = _measured(rows)
    records = []
    with path.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            slug = slugs.pop(line["asset_id"], None)
            if slug is None:
                continue  # described, but without a single row
            name = line["name"] or slug
            kinds = set(categories.category_slugs(line["categories"].split(";")))
            kinds |= categories.kinds_by_name(name)
            if "True" in (line["is_stablecoin"], line["usd_pegged_measured"]):
                kinds.add(categories.STABLECOIN)
            if line["is_wrapped_or_staked"] == "True":
                kinds.add(categories.WRAPPED)
            kinds |= categories.marked(measured.get(slug, frozenset()) - kinds)
            records.append(
                AssetRecord(slug=slug, symbol=line["symbol"], name=name, categories=tuple(sorted(kinds)))
            )
    if slugs:
        raise ProviderError(
            f"{path} does not describe {', '.join(sorted(slugs)[:5])}, which daily.parquet holds."
        )
    return records


def _measured(rows: pd.DataFrame) -> dict[str, frozenset[str]]:
    # Half of the assets come without categories: what the price path itself says fills the gap.
    good = rows[(rows["close"] > 0) & np.isfinite(rows["close"])]
    codes = good["asset"].cat.codes.to_numpy()
    slugs = list(good["asset"].cat.categories)
    days, row = np.unique(good["opened_at"].to_numpy(), return_inverse=True)
    close = np.full((len(days), len(slugs)), np.nan)
    cap = np.full((len(days), len(slugs)), np.nan)
    close[row, codes] = good["close"].to_numpy(dtype=np.float64)
    cap[row, codes] = good["market_cap"].to_numpy(dtype=np.float64)
    kinds = {
        slugs[at]: frozenset({categories.STABLECOIN}) for at in np.flatnonzero(categories.still_assets(close))
    }
    for at in categories.tracking_assets(close, cap):
        kinds[slugs[at]] = frozenset({categories.WRAPPED, categories.TRACKING})
    return kinds
