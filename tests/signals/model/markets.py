"""Made markets for the model: tokens that differ in how wild they are, with or without a reward for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.model import Spec
from signals.core.panel import Panel

NAMES = (
    "vol_30d",
    "idio_vol_90",
    "ret_14d",
    "ret_28d",
    "turnover_30",
    "log_mcap",
    "issuance_30",
    "max5_avg_30d",
)
SMALL = Spec(
    name="small",
    kind="ensemble",
    horizon=7,
    target="blend",
    features=NAMES,
    penalty=40.0,
    rounds=15,
    least_rows=60,
    shrinkage=10.0,
)
LONG = Spec(
    name="long",
    kind="ensemble",
    horizon=28,
    features=NAMES,
    penalty=40.0,
    rounds=15,
    least_rows=60,
    shrinkage=10.0,
)


def market(*, seed: int = 1, days: int = 1000, tokens: int = 24, reward: float = 0.0, late: int = 0) -> Panel:
    """`reward` is the extra log return a day of the wildest token over the calmest; `late` tokens list on the last day.

    Days begin on 2018-01-01. Every token is liquid, and listed from the first day but for the late ones.
    """
    random = np.random.default_rng(seed)
    wild = np.linspace(0.0, 1.0, tokens)
    own = random.normal(size=(days, tokens)) * (0.02 + 0.05 * wild)
    common = random.normal(0.0, 0.02, (days, 1))
    moves = common + own - ((0.02 + 0.05 * wild) ** 2) / 2.0 + reward * (wild - 0.5)
    close = 10.0 * np.exp(np.cumsum(moves, axis=0))
    growth = np.cumsum(random.exponential(1e-4, (days, tokens)), axis=0)
    supply = 1e11 * np.exp(random.normal(0.0, 1.0, tokens) + growth)
    volume = close * supply * np.exp(random.normal(-3.0, 0.3, (days, tokens)))
    names = [f"token-{number:02d}" for number in range(tokens)]
    if late:
        names += [f"late-{number}" for number in range(late)]
        empty = np.full((days, late), np.nan)
        empty[-1] = 1.0
        close, supply, volume = (np.hstack([array, empty]) for array in (close, supply, volume))
    index = pd.date_range("2018-01-01", periods=days)

    def frame(array: npt.NDArray[np.float64]) -> pd.DataFrame:
        return pd.DataFrame(array, index=index, columns=names)

    return Panel.from_frames(close=frame(close), market_cap=frame(close * supply), volume=frame(volume))


def changed_after(panel: Panel, day: str, *, seed: int) -> Panel:
    """The panel with everything after `day` replaced by noise."""
    random = np.random.default_rng(seed)
    later = np.asarray(panel.dates > pd.Timestamp(day))
    frames = {}
    for name in ("close", "market_cap", "volume"):
        frame = panel.frame(name).copy()
        frame[later] = np.exp(random.normal(5.0, 3.0, (int(later.sum()), len(panel.assets))))
        frames[name] = frame
    return Panel.from_frames(
        close=frames["close"],
        market_cap=frames["market_cap"],
        volume=frames["volume"],
        categories=panel.categories,
    )
