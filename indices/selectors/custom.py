"""Indices that somebody built, and what one may be built from."""

from dataclasses import dataclass

from indices.core.customising import Choices, chosen
from indices.core.rulebook import Rulebook
from indices.models import Index
from indices.selectors.indices import IndexNotFound, index_list, rulebook
from signals import selectors as signal_selectors

CUSTOM_PREFIX = "custom-"
"""With this begins the slug of every index that somebody built, and of no other."""


@dataclass(frozen=True)
class TokenName:
    """How an asset is called."""

    slug: str
    name: str
    symbol: str


def is_custom(slug: str) -> bool:
    """Whether the slug is that of an index that somebody built."""
    return slug.startswith(CUSTOM_PREFIX)


def base_index(slug: str) -> Index:
    """The published house index `slug`, to build on. Raises IndexNotFound."""
    found = next((row for row in index_list() if row.slug == slug), None)
    if found is None:
        known = ", ".join(row.slug for row in index_list())
        raise IndexNotFound(f"base: there is no index {slug!r} to build on; use one of {known}.")
    return found


def base_rulebook(slug: str) -> Rulebook:
    """The rules in force of the published house index `slug`. Raises IndexNotFound."""
    return rulebook(base_index(slug))


def custom_rulebook(index: Index) -> Rulebook:
    """The rules in force of an index that somebody built. Raises IndexNotFound for another kind."""
    if index.kind != Index.Kind.CUSTOM:
        raise IndexNotFound(f"index: {index.slug} is not an index that somebody built.")
    return rulebook(index)


def custom_choices(index: Index, base_slug: str) -> Choices:
    """What `index` changes against the present rules of its base. Raises IndexNotFound."""
    return chosen(base_rulebook(base_slug), custom_rulebook(index))


def token_names(slugs: list[str]) -> dict[str, TokenName]:
    """Asset id -> how it is called; one that is not stored is absent."""
    found = signal_selectors.assets_by_slug(slugs)
    return {slug: TokenName(slug, asset.name, asset.symbol) for slug, asset in found.items()}
