"""The stored features of one token, each beside what it is, by category, with what part of them is known."""

from dataclasses import dataclass
from datetime import date

from signals.core.features import CATEGORIES, Feature, catalogue
from signals.selectors.features import feature_vector


@dataclass(frozen=True)
class FeatureLine:
    """One feature and its value in the unit of the catalogue; None is missing."""

    feature: Feature
    value: float | None


@dataclass(frozen=True)
class FeatureGroup:
    """The features of one category, in the order of the catalogue, and how many of them are known."""

    category: str
    title: str
    known: int
    lines: list[FeatureLine]


@dataclass(frozen=True)
class FeatureSheet:
    """All features of one token at the close of `day`.

    `known` of `possible` are the token's own that candles allow; `observed` counts those known besides, from on-chain,
    derivatives or news data, where the token is observed at all.
    """

    slug: str
    day: date
    set_version: str
    known: int
    possible: int
    observed: int
    groups: list[FeatureGroup]

    @property
    def coverage(self) -> float:
        """Share of the token's own features that are known, 0 to 1."""
        return self.known / self.possible if self.possible else 0.0


def feature_sheet(slug: str, *, as_of: date) -> FeatureSheet | None:
    """The features of one token that were stored last at or before `as_of`, at most 8 days; None where there are none.

    Raises NotYetKnown and Asset.DoesNotExist.
    """
    reading = feature_vector(slug, as_of=as_of)
    if reading is None:
        return None
    declared = {feature.name: feature for feature in catalogue()}
    lines = [
        FeatureLine(declared[name], value)
        for name, value in zip(reading.names, reading.values, strict=True)
        if name in declared
    ]
    own = [line for line in lines if not line.feature.shared and not line.feature.needs]
    groups = []
    for category, title in CATEGORIES.items():
        members = [line for line in lines if line.feature.category == category]
        if members:
            known = sum(line.value is not None for line in members)
            groups.append(FeatureGroup(category, title, known, members))
    return FeatureSheet(
        slug=slug,
        day=reading.as_of,
        set_version=reading.set_version,
        known=sum(line.value is not None for line in own),
        possible=len(own),
        observed=sum(line.value is not None for line in lines if line.feature.needs),
        groups=groups,
    )
