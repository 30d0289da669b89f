"""The passive twin that stands beside an index, and the index that a twin stands beside."""

from indices.models import Index
from indices.selectors.indices import resolved


def twin(index: Index | str) -> Index | None:
    """The passive twin of `index`; None where it has none, as every index that is passive itself."""
    return Index.objects.filter(twin_of=resolved(index)).first()


def twin_owner(index: Index | str) -> Index | None:
    """The index that `index` is the passive twin of; None for any other."""
    return resolved(index).twin_of
