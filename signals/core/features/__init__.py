"""Named data points per token and date, each from data at or before that date only.

`compute(panel)` gives every feature as a [date x asset] frame, `compute_last(panel)` those of the last date alone,
`catalogue()` what they are, `ranked(frame)` a frame as ranks across tokens.
"""

from signals.core.features.engine import catalogue, compute, compute_last, names, rows_needed, sampled
from signals.core.features.ranking import ranked
from signals.core.features.registry import CATEGORIES, INPUTS, Feature, UnknownFeature

__all__ = [
    "CATEGORIES",
    "INPUTS",
    "Feature",
    "UnknownFeature",
    "catalogue",
    "compute",
    "compute_last",
    "names",
    "ranked",
    "rows_needed",
    "sampled",
]
