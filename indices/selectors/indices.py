"""Which indices there are and which rules are in force."""

from django.db.models import F

from indices.core.rulebook import Rulebook
from indices.models import Index, RulebookVersion


class IndexNotFound(LookupError):
    """There is no index of that slug, or it has no rulebook yet."""


def index_list() -> list[Index]:
    """The published house indices in their order."""
    return list(Index.objects.filter(is_published=True, kind=Index.Kind.HOUSE))


def indices_kept() -> list[Index]:
    """Every house index, published or not, and every passive twin after the index it stands beside: what has a history
    whoever looks. Only those with a rulebook."""
    kept = Index.objects.filter(kind__in=(Index.Kind.HOUSE, Index.Kind.TWIN), versions__isnull=False)
    return list(
        kept.distinct()
        .select_related("twin_of")
        .order_by("position", F("twin_of").asc(nulls_first=True), "slug")
    )


def index(slug: str) -> Index:
    """The index `slug`, published or not. Raises IndexNotFound."""
    found = Index.objects.filter(slug=slug).first()
    if found is None:
        raise IndexNotFound(f"index: there is no index {slug!r}; see the list at /indices/.")
    return found


def resolved(index_or_slug: Index | str) -> Index:
    """The index itself, where it or its slug is given. Raises IndexNotFound."""
    return index_or_slug if isinstance(index_or_slug, Index) else index(index_or_slug)


def version_in_force(index_or_slug: Index | str) -> RulebookVersion:
    """The newest rulebook version of an index. Raises IndexNotFound where it has none."""
    found = resolved(index_or_slug)
    version = RulebookVersion.objects.filter(index=found).order_by("-version").first()
    if version is None:
        raise IndexNotFound(
            f"index: {found.slug} has no rulebook; run index_backfill to store the published ones."
        )
    return version


def rulebook(index_or_slug: Index | str) -> Rulebook:
    """The rulebook in force. Raises IndexNotFound."""
    return Rulebook.from_dict(version_in_force(index_or_slug).body)
