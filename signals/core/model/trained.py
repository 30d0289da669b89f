"""A trained model: scores, what each feature adds to them, and a text that holds all of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from signals.core.model.calibration import Calibration
from signals.core.model.drift import Reference
from signals.core.model.linear import linear_scores
from signals.core.model.samples import Sample
from signals.core.model.spec import Spec
from signals.core.model.trees import booster_of, tree_contributions, tree_scores
from signals.core.model.trials import canonical
from signals.core.panel import Array

HEADER = "bellwether-model-1"


class ModelError(ValueError):
    """A text is not a model, or not the one it says it is; the message says what is wrong."""


@dataclass(frozen=True)
class Evidence:
    """What scores of dates that were not trained on have shown: mean rank IC, its Newey-West t, number of dates."""

    ic: float
    t: float
    dates: int


@dataclass(frozen=True, eq=False)
class Model:
    """A model as trained through one day. Every array is float64, in the order of `spec.names`.

    `form` is what was fitted: the spec's kind, or `prior` where there was too little history. `weights` are the linear
    part's (None without one), `trees` is LightGBM's text (None without). Each part's scores are divided by its
    `linear_scale` or `tree_scale`, their standard deviation in training, and parts are averaged. `weeks` and `rows`
    are the dates and token-dates it was fitted to.
    """

    spec: Spec
    trained_through: date
    form: str
    weeks: int
    rows: int
    weights: Array | None
    linear_scale: float
    trees: str | None
    tree_scale: float
    calibration: Calibration
    evidence: Evidence
    reference: Reference

    def scores(self, sample: Sample) -> Array:
        """[date x asset] The score, NaN where not graded; higher is better, only the order within a date counts."""
        parts = self.parts(sample)
        total = sum(parts.values(), np.zeros(len(sample.row)))
        return sample.spread(total / len(parts))

    def parts(self, sample: Sample) -> dict[str, Array]:
        """[row] the scaled scores of each part, by name: `linear`, `trees`."""
        ranks = sample.features(self.spec.names).ranks
        out: dict[str, Array] = {}
        if self.weights is not None:
            out["linear"] = linear_scores(ranks, self.weights) / self.linear_scale
        if self.trees is not None:
            out["trees"] = tree_scores(self._booster, ranks) / self.tree_scale
        return out

    def contributions(self, sample: Sample) -> Array:
        """[row x feature] what each feature adds to the score: rank x weight, SHAP values of the trees, averaged.

        They sum to the score less a constant that all tokens share, which no order depends on.
        """
        ranks = sample.features(self.spec.names).ranks
        total = np.zeros(ranks.shape)
        number = 0
        if self.weights is not None:
            total += ranks * (self.weights / self.linear_scale)
            number += 1
        if self.trees is not None:
            total += tree_contributions(self._booster, ranks) / self.tree_scale
            number += 1
        return total / number

    @cached_property
    def _booster(self) -> Any:
        return booster_of(self.trees or "")

    @cached_property
    def _body(self) -> str:
        content = {
            "spec": self.spec.as_dict(),
            "trained_through": self.trained_through.isoformat(),
            "form": self.form,
            "weeks": self.weeks,
            "rows": self.rows,
            "weights": None if self.weights is None else self.weights.tolist(),
            "linear_scale": self.linear_scale,
            "trees": self.trees,
            "tree_scale": self.tree_scale,
            "calibration": asdict(self.calibration),
            "evidence": asdict(self.evidence),
            "reference": {
                "edges": self.reference.edges.tolist(),
                "shares": self.reference.shares.tolist(),
                "missing": self.reference.missing.tolist(),
                "usual": self.reference.usual.tolist(),
            },
        }
        return canonical(content) + "\n"

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the text below its first line, in hex; the first line repeats it."""
        return hashlib.sha256(self._body.encode()).hexdigest()

    def to_text(self) -> str:
        """The whole model as text: a first line with its hash, then canonical JSON. The same model, the same bytes."""
        return f"{HEADER} {self.sha256}\n{self._body}"

    @classmethod
    def from_text(cls, text: str) -> Model:
        """The model of `text`. Raises ModelError where it is no model, or its content is not what its hash says."""
        first, _, body = text.partition("\n")
        name, _, claimed = first.partition(" ")
        if name != HEADER:
            raise ModelError(f"text: begins with {first[:40]!r}; a model begins with {HEADER!r}")
        found = hashlib.sha256(body.encode()).hexdigest()
        if found != claimed:
            raise ModelError(
                f"text: its SHA-256 is {found[:12]}..., not {claimed[:12]}... as it says; it was changed"
            )
        content = json.loads(body)
        weights, shape = content["weights"], content["reference"]
        return cls(
            spec=Spec.from_dict(content["spec"]),
            trained_through=date.fromisoformat(content["trained_through"]),
            form=content["form"],
            weeks=content["weeks"],
            rows=content["rows"],
            weights=None if weights is None else np.array(weights, dtype=np.float64),
            linear_scale=content["linear_scale"],
            trees=content["trees"],
            tree_scale=content["tree_scale"],
            calibration=Calibration(**content["calibration"]),
            evidence=Evidence(**content["evidence"]),
            reference=Reference(**{name: np.array(shape[name], dtype=np.float64) for name in shape}),
        )
