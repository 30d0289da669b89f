"""Models, grades and features as they would be stored, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from signals.core.features import catalogue
from signals.models import Asset, FeatureVector, Grade, ModelRun
from signals.selectors.features import set_version

SENTENCES = [
    "It held up better than most tokens over the last month.",
    "Its volume is thin, which weighs on the grade.",
]
CONTRIBUTIONS = [["ret_28d", 0.41, 0.12], ["vol_28d", -0.3, 0.05], ["amihud_28d", 0.22, -0.04]]


def model_run_make(
    *, market: str, trained_through: date = date(2021, 12, 31), name: str = "trader", seed: int = 7
) -> ModelRun:
    """A trained model of this market."""
    return ModelRun.objects.create(
        name=name,
        market=market,
        trained_through=trained_through,
        spec={"name": name, "kind": "ridge", "horizon": 7, "seed": seed},
        spec_hash=f"{name[0]}{seed}".ljust(64, "a"),
        data_hash="d" * 64,
        code_version="c" * 40,
        seed=seed,
        text="weights: none",
        sha256="5" * 64,
        result={"ic": 0.05},
    )


def grades_make(model: ModelRun, day: date, graded: Mapping[str, tuple[float, float, int]]) -> None:
    """Slug -> (trader grade, investor grade, signal) are published for `day`."""
    ids = dict(Asset.objects.filter(slug__in=graded).values_list("slug", "id"))
    Grade.objects.bulk_create(
        Grade(
            asset_id=ids[slug],
            as_of=day,
            model=model,
            trader_grade=trader,
            investor_grade=investor,
            signal=signal,
            confidence=0.4,
            coverage=0.9,
            contributions=CONTRIBUTIONS,
            sentences=SENTENCES,
        )
        for slug, (trader, investor, signal) in graded.items()
    )


def features_make(slug: str, day: date, *, missing: Sequence[str] = ()) -> FeatureVector:
    """All features of one token: the first is 0.0, the second 0.5 and so on; `missing` ones are unknown."""
    names = tuple(feature.name for feature in catalogue())
    values = [float("nan") if name in missing else 0.5 * number for number, name in enumerate(names)]
    return FeatureVector.objects.create(
        asset=Asset.objects.get(slug=slug),
        as_of=day,
        set_version=set_version(names),
        values=values,
        known=len(values) - len(missing),
    )
