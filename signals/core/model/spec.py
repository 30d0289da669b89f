"""What a model is made of, declared before it sees a number; its digest names it for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any

from signals.core.features import catalogue
from signals.core.features.registry import Feature
from signals.core.labels import INVESTOR_HORIZON, LAG, TRADER_HORIZON, label_reach
from signals.core.model.trials import digest

TRAINING_MONTHS = (3, 6, 9, 12)
"""A model is trained through the last day of each of these months, wherever a reader starts or ends."""
EMBARGO = 7
"""Days between the last label and the day the training runs through (López de Prado 2018, ch. 7)."""
KINDS = ("prior", "ridge", "trees", "ensemble")
TARGETS = ("rank", "clipped", "blend")

MODELLED = frozenset({"momentum", "trend", "volatility", "liquidity", "valuation", "market", "seasonality"})
"""Categories made from prices, volumes and caps alone; what else is known of tokens has too short a history."""
WIDER_INPUTS = frozenset({"open", "high", "low"})
"""Columns that sources leave out for years on end: a model that leaned on them would change with its source."""

LEAKING = frozenset({"sector_mom_28", "rel_sector_28"})
"""Known only for tokens that have categories, and sources file tokens by category long after the day, if they live on:
that one is known says that the token survived. A probe that sees nothing else has a residual IC of 0.03, t above 6."""

PRIOR: Mapping[str, int] = {
    "idio_vol_90": -1,
    "vol_30d": -1,
    "max5_avg_30d": -1,
    "skew_60": -1,
    "updown_ratio_90": -1,
    "vol_shock_7_90": -1,
    "turnover_30": -1,
    "issuance_30": -1,
    "age_days": 1,
    "log_mcap": 1,
}
"""Which way a feature is expected to point before anything is measured: calm over lottery-like (Ang et al. 2006;
Bali, Cakici & Whitelaw 2011), quiet over crowded trading, little dilution, old and large over new and small. Momentum
is absent on purpose: its premium sits in a few tokens, and the ranks of the many do not show it."""


class SpecError(ValueError):
    """A specification cannot be built; the message names the field, what was wrong and what to do."""


@dataclass(frozen=True)
class Spec:
    """A recipe: two trainings by the same one on the same data give the same bytes.

    `horizon` is in days. `features` None means all of `per_token()`. `penalty` is how many weeks of data the prior
    counts for in the ridge. The rest shapes the trees: `rounds` of them with `leaves` leaves of at least `least_rows`
    token-weeks, each tree choosing from `share` of the features; `shrinkage` is LightGBM's lambda_l2. `method`
    is counted up whenever the code makes another model of the same figures: stored models then fall due by themselves.
    """

    name: str
    kind: str
    horizon: int
    target: str = "rank"
    features: tuple[str, ...] | None = None
    penalty: float = 400.0
    rounds: int = 200
    rate: float = 0.03
    leaves: int = 4
    least_rows: int = 500
    shrinkage: float = 100.0
    share: float = 0.3
    seed: int = 0
    method: int = 1

    def __post_init__(self) -> None:
        """Raises SpecError for a kind or target that is none, and figures that cannot be."""
        for field, allowed in (("kind", KINDS), ("target", TARGETS)):
            if getattr(self, field) not in allowed:
                raise SpecError(f"{field}: {getattr(self, field)!r} is none of {', '.join(allowed)}")
        if self.horizon < 1 or self.penalty <= 0 or self.rounds < 1 or self.leaves < 2:
            raise SpecError("horizon, penalty, rounds and leaves: must be at least 1, above 0, 1 and 2")

    @property
    def names(self) -> tuple[str, ...]:
        """The features that the model reads, in their order."""
        return per_token() if self.features is None else self.features

    @property
    def gap(self) -> int:
        """Days between the last row trained on and the day the training runs through: label and embargo."""
        return label_reach(horizon=self.horizon, lag=LAG) + EMBARGO

    def as_dict(self) -> dict[str, Any]:
        """Every field as plain JSON, with the features by name; the first method goes without saying."""
        content = asdict(self) | {"features": list(self.names)}
        if self.method == 1:
            del content["method"]  # specifications registered before there was a second one keep their digest
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Spec:
        """The inverse of `as_dict`. Raises SpecError for a field that is none."""
        unknown = sorted(set(content) - {field.name for field in fields(cls)})
        if unknown:
            raise SpecError(f"{', '.join(unknown)}: no such field of a specification")
        return cls(**{**content, "features": tuple(content["features"])})

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of `as_dict`, in hex."""
        return digest(self.as_dict())


def per_token(*, wide: bool = False) -> tuple[str, ...]:
    """Names of the features that differ between tokens, in the order of the catalogue.

    Those that look ahead by being known are left out, and without `wide` those that need open, high or low, so that an
    archive with a close, a volume and a cap knows all that the model reads.
    """

    def fits(feature: Feature) -> bool:
        modelled = not feature.shared and feature.category in MODELLED and feature.name not in LEAKING
        return modelled and (wide or not WIDER_INPUTS & set(feature.inputs))

    return tuple(feature.name for feature in catalogue() if fits(feature))


def training_day(day: date) -> date:
    """The last quarter end at or before `day`: through which the model that grades it was trained."""
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    end = following - timedelta(days=1)
    while end > day or end.month not in TRAINING_MONTHS:
        end = end.replace(day=1) - timedelta(days=1)
    return end


TRADER = Spec(name="trader", kind="ensemble", horizon=TRADER_HORIZON, target="blend")
INVESTOR = Spec(name="investor", kind="ensemble", horizon=INVESTOR_HORIZON, target="blend")
