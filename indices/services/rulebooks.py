"""The published rulebooks, from files into versions."""

from pathlib import Path

from django.db import transaction

from indices.core.rulebook import Rulebook, RulebookError
from indices.models import Index, RulebookVersion

FOLDER = Path(__file__).resolve().parents[1] / "rulebooks"

# The order in which a newcomer meets them; an index that is not named comes after those that are.
ORDER = ("global-100", "top-10", "sqrt-30")


def published_rulebook(slug: str) -> Rulebook:
    """The rulebook in the file of that slug. Raises RulebookError where there is none."""
    path = FOLDER / f"{slug}.yaml"
    known = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    if slug not in known:
        raise RulebookError(
            "slug", f"there is no published rulebook {slug!r}; published are {', '.join(known)}"
        )
    return Rulebook.from_yaml(path.read_text(encoding="utf-8"))


@transaction.atomic
def index_sync() -> list[Index]:
    """Every published rulebook has its index, and a version of its present rules; the newest version is in force.

    Rules that did not change make no new version. An index that an operator has taken off the site stays off it.
    """
    synced = []
    for file in sorted(FOLDER.glob("*.yaml")):
        rulebook = published_rulebook(file.stem)
        if rulebook.slug != file.stem:
            raise RulebookError("slug", f"must be the name of its file, got {rulebook.slug!r} in {file.name}")
        position = 10 * (ORDER.index(rulebook.slug) + 1) if rulebook.slug in ORDER else 100
        index, _ = Index.objects.update_or_create(
            slug=rulebook.slug,
            defaults={
                "name": rulebook.name or rulebook.slug,
                "family": rulebook.family,
                "summary": rulebook.summary,
                "position": position,
            },
        )
        version_ensure(Index.objects.select_for_update().get(pk=index.pk), rulebook)
        synced.append(index)
    return synced


def version_ensure(index: Index, rulebook: Rulebook) -> RulebookVersion:
    """The newest version of `index`, which holds these rules. Expects the index row to be locked."""
    newest = RulebookVersion.objects.filter(index=index).order_by("-version").first()
    if newest is not None and newest.digest == rulebook.digest:
        return newest
    version = newest.version + 1 if newest is not None else 1
    return RulebookVersion.objects.create(
        index=index, version=version, body=rulebook.to_dict(), digest=rulebook.digest
    )
