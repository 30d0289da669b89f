"""The built-in market for everyone without an archive: invented tokens, seeded, the same bytes everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from threading import RLock

import numpy as np
import pandas as pd

from signals.core import clock
from signals.core.candles import COLUMNS
from signals.core.simulation.design import FIRST_DAY
from signals.core.simulation.market import Day, SimulatedMarket
from signals.providers.base import AssetRecord, Delivery

SOURCE = "simulated"
_MINUTE = timedelta(minutes=1)
_lock = RLock()


@lru_cache(maxsize=2)
def _market(seed: int) -> SimulatedMarket:
    # Days are made in order from the first: a process keeps the walk instead of beginning it again every day.
    return SimulatedMarket(seed)


@contextmanager
def _shared_market(seed: int) -> Iterator[SimulatedMarket]:
    with _lock:
        yield _market(seed)


class SimulatedProvider:
    """Candles and quotes of the simulated market of one seed."""

    source = SOURCE

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def assets(self) -> list[AssetRecord]:
        """Every token there is or will be."""
        with _shared_market(self.seed) as market:
            return [
                AssetRecord(token.slug, token.symbol, token.name, tuple(sorted(token.categories)))
                for token in market.design.tokens
            ]

    def history(self, *, through: date) -> Delivery:
        """Every daily candle from the first day up to and including `through`."""
        with _shared_market(self.seed) as market:
            days = [market.day(day) for day in clock.days_after(FIRST_DAY - clock.ONE_DAY, through=through)]
        return self._delivery(days)

    def day(self, day: date) -> Delivery:
        """The daily candles of `day`, the same bytes as in any history that holds it."""
        with _shared_market(self.seed) as market:
            bar = market.day(day)
        return self._delivery([bar])

    def quotes(self, moment: datetime) -> Delivery:
        """The minute candles that ended last at `moment` (close only), for every token alive."""
        ended = moment.astimezone(UTC).replace(second=0, microsecond=0)
        opened = ended - _MINUTE
        fraction = (ended - clock.start_of_day(opened.date())) / clock.ONE_DAY
        with _shared_market(self.seed) as market:
            close = market.within(opened.date(), fraction)
        alive = ~np.isnan(close)
        assets = self.assets()
        rows = pd.DataFrame(
            {
                "asset": [asset.slug for asset in assets],
                "opened_at": pd.Timestamp(opened).tz_localize(None),
                "close": close,
                **dict.fromkeys(("open", "high", "low", "volume", "market_cap"), np.nan),
            }
        )
        return Delivery(SOURCE, assets, rows.loc[alive, list(COLUMNS)].reset_index(drop=True))

    def _delivery(self, days: list[Day]) -> Delivery:
        assets = self.assets()
        alive = ~np.isnan(np.stack([day.close for day in days]))
        row, column = np.nonzero(alive)
        opened = np.array([day.day for day in days], dtype="datetime64[s]")
        slugs = [asset.slug for asset in assets]
        fields = {
            name: np.stack([getattr(day, name) for day in days])[alive]
            for name in ("open", "high", "low", "close", "volume", "market_cap")
        }
        asset = pd.Categorical.from_codes(column, categories=pd.Index(slugs))
        rows = pd.DataFrame({"asset": asset, "opened_at": opened[row], **fields})
        return Delivery(SOURCE, assets, rows[list(COLUMNS)])
