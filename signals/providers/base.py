"""What a source of market data hands over, whatever it is."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd


class ProviderError(Exception):
    """A source could not deliver, or delivered something that is not what it promised; the message says which."""


@dataclass(frozen=True)
class AssetRecord:
    """An asset as its source describes it. `categories` are slugs of signals.core.categories."""

    slug: str
    symbol: str
    name: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A token on the list of markets: who it is and what it costs now, USD."""

    asset: AssetRecord
    price: float
    market_cap: float | None
    quoted_at: datetime


@dataclass(frozen=True)
class Delivery:
    """Assets and unscreened candles (signals.core.candles.COLUMNS) of one source.

    `suspects` are masks over `rows` that the source itself marks as wrong, by reason.
    """

    source: str
    assets: list[AssetRecord]
    rows: pd.DataFrame
    suspects: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)


class DayProvider(Protocol):
    """A source that can be asked for the daily candles of one closed market day."""

    def day(self, day: date) -> Delivery:
        """Every candle of `day`. Raises ProviderError."""
        ...


class QuoteProvider(Protocol):
    """A source that can be asked for prices now."""

    def quotes(self, moment: datetime) -> Delivery:
        """The minute candles that ended last at `moment`. Raises ProviderError."""
        ...


def quote_minute(moment: datetime) -> pd.Timestamp:
    """The start (naive UTC) of the last minute that has ended at `moment`: the candle for a quote of then."""
    ended = moment.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None)
    return pd.Timestamp(ended - timedelta(minutes=1))
