"""May these grades be used, or must passive weights stand in for them?"""

from __future__ import annotations

import numpy as np

from signals.core.model import Model, Sample, psi
from signals.core.model.drift import MISSING_LIMIT
from signals.core.model.targets import LEAST_TOKENS
from signals.core.panel import Array


def drifted(sample: Sample, model: Model) -> tuple[Array, Array]:
    """[feature] stability index and share missing beyond what was missing in training, of all rows of `sample`."""
    own = sample.features(model.spec.names)
    missing = np.isnan(own.raw).mean(axis=0) if len(own.raw) else np.ones(len(own.names))
    return psi(model.reference, own), np.maximum(missing - model.reference.missing, 0.0)


def usable(sample: Sample, model: Model) -> str | None:
    """None where the grades of `sample` may be used, else why not, in a sentence.

    Not where fewer than LEAST_TOKENS tokens are graded; where over MISSING_LIMIT of the values are missing beyond
    what was missing in training; or where over MISSING_LIMIT of the features have a stability index over their
    limit: 0.25, or the most that a single date of the training had, if that is more.
    """
    if len(sample.row) < LEAST_TOKENS:
        return f"only {len(sample.row)} tokens can be graded, at least {LEAST_TOKENS} are needed"
    index, missing = drifted(sample, model)
    share = float(missing.mean())
    if share > MISSING_LIMIT:
        return (
            f"{share:.0%} of the data points are missing that training had, the limit is {MISSING_LIMIT:.0%}"
        )
    beyond = np.nan_to_num(index) / model.reference.limits
    changed = float(np.mean(beyond > 1.0))
    if changed > MISSING_LIMIT:
        worst = model.spec.names[int(np.argmax(beyond))]
        return (
            f"{changed:.0%} of the features are spread differently than in training (most: {worst}), "
            f"the limit is {MISSING_LIMIT:.0%}"
        )
    return None
