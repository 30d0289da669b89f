"""How the rules of an index came to be what they are: its versions, and what each one changed."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Min

from indices.core.difference import Change, difference
from indices.core.rulebook import Rulebook
from indices.models import Index, RulebookVersion
from indices.selectors.indices import resolved


@dataclass(frozen=True)
class VersionRow:
    """One version: when it was stored, the day of its first decision (None before there is one), and what it changed
    against the version before it (nothing for the first)."""

    version: int
    created_at: datetime
    decides_since: date | None
    digest: str
    rulebook: Rulebook
    changes: tuple[Change, ...]


def rulebook_versions(index_or_slug: Index | str) -> list[VersionRow]:
    """Every version of an index's rulebook, the newest first. Raises IndexNotFound for an unknown index."""
    stored = (
        RulebookVersion.objects.filter(index=resolved(index_or_slug))
        .annotate(decides_since=Min("decisions__as_of"))
        .order_by("version")
    )
    rows: list[VersionRow] = []
    for version in stored:
        rulebook = Rulebook.from_dict(version.body)
        changes = difference(rows[-1].rulebook, rulebook) if rows else []
        rows.append(
            VersionRow(
                version.version,
                version.created_at,
                version.decides_since,
                version.digest,
                rulebook,
                tuple(changes),
            )
        )
    return rows[::-1]
