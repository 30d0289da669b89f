"""Stored feature vectors, with the names of their values."""

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from signals.core.publication import GRADE_LIFE_DAYS
from signals.models import Asset, FeatureVector
from signals.selectors.market import market_active, require_known


@dataclass(frozen=True)
class FeatureReading:
    """All features of one token at the close of `as_of`; a value that is not known is None."""

    slug: str
    as_of: date
    set_version: str
    names: tuple[str, ...] = field(repr=False)
    values: tuple[float | None, ...] = field(repr=False)
    known: int


def feature_vector(slug: str, *, as_of: date) -> FeatureReading | None:
    """The latest stored features of one token at most GRADE_LIFE_DAYS before `as_of`; None where there are none.

    Vectors of a set of features that this release does not have are passed over. Raises NotYetKnown and
    Asset.DoesNotExist.
    """
    require_known(market_active(), as_of)
    sets = feature_sets()
    row = (
        FeatureVector.objects.filter(
            asset=Asset.objects.get(slug=slug),
            as_of__lte=as_of,
            as_of__gte=as_of - timedelta(days=GRADE_LIFE_DAYS),
            set_version__in=sets,
        )
        .order_by("-as_of", "set_version")
        .first()
    )
    if row is None:
        return None
    values = tuple(value if math.isfinite(value) else None for value in row.values)
    return FeatureReading(slug, row.as_of, row.set_version, sets[row.set_version], values, row.known)


def features_since() -> date | None:
    """The first day with stored features, None where there is none."""
    return FeatureVector.objects.order_by("as_of").values_list("as_of", flat=True).first()


@cache
def feature_sets() -> dict[str, tuple[str, ...]]:
    """Version -> names in order, of every set of features that this release stores."""
    from signals.core.features import catalogue

    whole = tuple(feature.name for feature in catalogue())
    return {set_version(whole): whole}


def set_version(names: tuple[str, ...]) -> str:
    """The version of a set of features: 16 hexadecimal digits of the SHA-256 of its names in their order."""
    from signals.core.digest import digest

    return digest(list(names))[:16]
