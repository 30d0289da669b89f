"""The model behind the grades: declared in a spec, trained through a day, kept as text.

`train(panel, spec, through=)` gives a Model; `scores_walk_forward` the scores of many dates, each by the model that
was trained through the quarter end before it.
"""

from signals.core.model.drift import psi
from signals.core.model.samples import Sample, sample
from signals.core.model.spec import (
    INVESTOR,
    TRADER,
    TRAINING_MONTHS,
    Spec,
    SpecError,
    per_token,
    training_day,
)
from signals.core.model.trained import Evidence, Model, ModelError
from signals.core.model.training import Trainer, scores_walk_forward, train, trainer, training_dates

__all__ = [
    "INVESTOR",
    "TRADER",
    "TRAINING_MONTHS",
    "Evidence",
    "Model",
    "ModelError",
    "Sample",
    "Spec",
    "SpecError",
    "Trainer",
    "per_token",
    "psi",
    "sample",
    "scores_walk_forward",
    "train",
    "trainer",
    "training_dates",
    "training_day",
]
