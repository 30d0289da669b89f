"""What lots are of, and all that happened to one of it."""

from dataclasses import dataclass, field
from uuid import UUID

from portfolios.core.taxlots import Acquired, Disposed


@dataclass(frozen=True)
class TaxedAsset:
    """What lots are of: units of an index, or a token. `slug` is the index's or the token's."""

    code: str
    name: str
    slug: str
    scale: int


@dataclass
class Happened:
    """All that came and went of one asset. `orders` says which order a disposal belongs to."""

    asset: TaxedAsset
    acquired: list[Acquired] = field(default_factory=list)
    disposed: list[Disposed] = field(default_factory=list)
    orders: dict[str, UUID] = field(default_factory=dict)
