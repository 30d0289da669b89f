"""The published grades as the scores that are judged."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.core.grading import walk_forward
from signals.core.panel import Array, Panel
from signals.core.report.material import Scores


def published(panel: Panel, dates: pd.DatetimeIndex) -> Scores:
    """The grades of `dates` as `walk_forward` gives them: what `manage.py grades` prints and the service publishes."""
    frame = walk_forward(panel, dates, explain=False)
    rows = dates.get_indexer(pd.DatetimeIndex(frame["date"]))
    columns = pd.Index(panel.assets).get_indexer(pd.Index(frame["asset"]))

    def wide(name: str) -> Array:
        out = np.full((len(dates), len(panel.assets)), np.nan)
        out[rows, columns] = frame[name].to_numpy(dtype=np.float64)
        return out

    return Scores(dates, wide("trader_grade"), wide("investor_grade"), are_grades=True)
