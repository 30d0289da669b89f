"""What an index is measured against."""

from dataclasses import dataclass

from indices.models import Index

MARKET = "global-100"
"""The index that stands for the market as a whole."""
BITCOIN = "bitcoin"


@dataclass(frozen=True)
class Reference:
    """A twin, the market index, or one asset held from the start; `index` is None for the asset."""

    kind: str
    slug: str
    name: str
    index: Index | None


BITCOIN_HELD = Reference("asset", BITCOIN, "Bitcoin", None)


def reference(index: Index) -> Reference:
    """The passive twin where an index has one, else the market index, and bitcoin for the market index itself."""
    twin = Index.objects.filter(twin_of=index).first()
    if twin is not None:
        return Reference("twin", twin.slug, twin.name, twin)
    market = None if index.slug == MARKET else Index.objects.filter(slug=MARKET, is_published=True).first()
    if market is not None:
        return Reference("market", market.slug, market.name, market)
    return BITCOIN_HELD
