"""Decisions and levels into the database, in bulk: weights and levels travel by COPY."""

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import connection

from indices.core.exact import weights_exact
from indices.core.rulebook import Decision as Decided
from indices.models import Decision, Index, RulebookVersion
from signals import selectors as signal_selectors

_NOTE_LENGTH = 240


def decisions_store(version: RulebookVersion, decisions: Sequence[Decided]) -> list[Decision]:
    """`decisions` are stored with their target weights; a held one has none. A second one of an epoch is refused by
    the database."""
    if not decisions:
        return []
    rows = Decision.objects.bulk_create(
        Decision(
            index_id=version.index_id,
            rulebook=version,
            as_of=made.as_of,
            effective_on=made.effective_on,
            epoch=made.epoch,
            input_hash=made.input_hash,
            turnover=made.turnover,
            reasons=made.reasons,
            is_held=bool(made.held),
            note="; ".join([*made.notes, *([made.held] if made.held else [])])[:_NOTE_LENGTH],
        )
        for made in decisions
    )
    ids = signal_selectors.asset_ids()
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY indices_targetweight (decision_id, asset_id, weight, rank) FROM STDIN") as copy,
    ):
        for row, made in zip(rows, decisions, strict=True):
            if made.held:
                continue
            for slug, weight in weights_exact(made.weights).items():
                copy.write_row((row.pk, ids[slug], weight, made.ranks.get(slug)))
    return rows


def levels_store(index: Index, levels: Iterable[tuple[date, float]]) -> None:
    """(day, level) pairs are stored; floats keep every bit."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY indices_indexlevel (index_id, date, level) FROM STDIN") as copy,
    ):
        for day, level in levels:
            copy.write_row((index.pk, day, level))
