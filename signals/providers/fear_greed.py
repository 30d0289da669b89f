"""The Crypto Fear & Greed Index of alternative.me, a number from 0 to 100 a day. Show the source where it is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from signals.core.news import with_known_at
from signals.core.observations import LAG_DAYS, SENTIMENT, Readings
from signals.providers.base import ProviderError
from signals.providers.web import data_list, session

SOURCE = "alternative.me"
ROOT = "https://api.alternative.me"


class FearGreed:
    """One client."""

    source = SOURCE

    def __init__(self, *, root: str = ROOT, backoff: float = 1.0) -> None:
        self._root = root
        self._session = session(backoff=backoff)

    def daily(self, *, first: date, through: date) -> Readings:
        """The index of days in [first, through], as far as there is one. Raises ProviderError."""
        wanted = max((through - first).days + 2, 2)  # one more for the day that has begun since
        query = {"limit": str(wanted), "format": "json"}
        rows, _ = data_list(self._session, f"{self._root}/fng/", source=SOURCE, query=query)
        read = [_entry(row) for row in rows]
        kept = {day: value for day, value in read if first <= day <= through}
        days = sorted(kept)
        table = pd.DataFrame(
            {
                "asset": pd.Series([None] * len(days), dtype=object),
                "day": np.array(days, dtype="datetime64[s]"),
                "fear_greed": np.array([kept[day] for day in days], dtype=np.float64),
            }
        )
        return Readings(SENTIMENT, SOURCE, with_known_at(table, lag_days=LAG_DAYS[SENTIMENT]))


def _entry(row: dict[str, object]) -> tuple[date, float]:
    try:
        day = datetime.fromtimestamp(int(str(row["timestamp"])), tz=UTC).date()
        value = float(str(row["value"]))
    except (KeyError, ValueError) as error:
        raise ProviderError(f"{SOURCE}: a row lacks a timestamp or a value that is a number.") from error
    if not 0 <= value <= 100:
        raise ProviderError(f"{SOURCE}: {value} is not between 0 and 100.")
    return day, value
