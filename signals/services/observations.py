"""Observations beside the candles into the store: append-only, a revised value as a further version."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from django.db import connection, transaction

from signals.core.observations import Readings, screened
from signals.models import Asset
from signals.services.progress import Progress, silent

BATCH_ROWS = 50_000
_INGEST_LOCK = 5_270_003  # one writer at a time: versions are numbered by what is already there

_STAGE = """
CREATE TEMPORARY TABLE signals_observation_stage (
    asset_id bigint, day date, known_at timestamptz, values jsonb
) ON COMMIT DROP
"""
_NULL = "\\N"
_COPY = "COPY signals_observation_stage FROM STDIN"
# What a source does not say this time stays as it was said last; a version comes to be where that changes anything.
_MERGE = """
INSERT INTO signals_observation (asset_id, family, day, source, known_at, values)
SELECT stage.asset_id, %(family)s, stage.day, %(source)s,
       CASE WHEN latest.known_at IS NULL THEN stage.known_at
            ELSE greatest(%(at)s, latest.known_at + interval '1 microsecond') END,
       coalesce(latest.values, '{}') || stage.values
FROM signals_observation_stage AS stage
LEFT JOIN (
    SELECT DISTINCT ON (asset_id, day) asset_id, day, known_at, values
    FROM signals_observation
    WHERE family = %(family)s AND source = %(source)s
      AND day BETWEEN (SELECT min(day) FROM signals_observation_stage)
                  AND (SELECT max(day) FROM signals_observation_stage)
    ORDER BY asset_id, day, known_at DESC
) AS latest ON coalesce(latest.asset_id, 0) = coalesce(stage.asset_id, 0) AND latest.day = stage.day
WHERE latest.values IS NULL OR NOT latest.values @> stage.values
ORDER BY stage.day, stage.asset_id
"""


@dataclass
class Noted:
    """What came of one ingest: rows read, versions written, and counts by reason of what was left out or blanked."""

    read: int = 0
    written: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)

    def add(self, part: Noted) -> None:
        """What came of another ingest counts too."""
        self.read, self.written = self.read + part.read, self.written + part.written
        for total, more in ((self.refused, part.refused), (self.cleared, part.cleared)):
            for reason, number in more.items():
                _count(total, reason, number)


def observations_ingest(
    readings: Iterable[Readings], *, at: datetime, as_fetched: bool = False, progress: Progress = silent
) -> Noted:
    """The sound numbers of `readings` are stored once, each with the moment from which on it could be known.

    A first version is known from the `known_at` of its row on, or from `at`, the moment of the fetch, where
    `as_fetched`; a value that differs from the stored one becomes a further version known from `at` on. Rows of assets
    that are not stored are refused (`asset_unknown`), as are those that are known only after `at` (`in_future`). All or
    nothing: one transaction. Raises ObservationError for a metric that is none.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: has no time zone ({at.isoformat()}); pass an aware UTC datetime.")
    ids: dict[str | None, int | None] = {None: None, **dict(Asset.objects.values_list("slug", "id"))}
    outcome = Noted()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_INGEST_LOCK])
        for each in readings:
            sound, wrong = screened(each)
            outcome.read += len(each.rows)
            _count(outcome.cleared, f"{each.family}_impossible", wrong)
            rows = _storable(sound.rows, ids, at, as_fetched, outcome)
            lines = _lines(rows, sound.metrics, ids)
            cursor.execute(_STAGE)
            for start in range(0, len(lines), BATCH_ROWS):
                with cursor.copy(_COPY) as copy:
                    copy.write("".join(lines[start : start + BATCH_ROWS]))
                cursor.execute(_MERGE, {"family": each.family, "source": each.source, "at": at})
                outcome.written += cursor.rowcount
                cursor.execute("TRUNCATE signals_observation_stage")
                progress(f"storing {each.family}", min(start + BATCH_ROWS, len(lines)), len(lines))
            cursor.execute("DROP TABLE signals_observation_stage")
        if outcome.written >= BATCH_ROWS:
            cursor.execute("ANALYZE signals_observation")
    return outcome


def _storable(
    rows: pd.DataFrame, ids: dict[str | None, int | None], at: datetime, as_fetched: bool, outcome: Noted
) -> pd.DataFrame:
    stored = rows["asset"].isna() | rows["asset"].isin([slug for slug in ids if slug is not None])
    _count(outcome.refused, "asset_unknown", int((~stored).sum()))
    rows = rows[stored]
    moment = np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
    if as_fetched:
        rows = rows.assign(known_at=moment)
    early: npt.NDArray[np.bool_] = rows["known_at"].to_numpy() > moment
    _count(outcome.refused, "in_future", int(early.sum()))
    return rows[~early].drop_duplicates(["asset", "day"], keep="last")


def _lines(rows: pd.DataFrame, metrics: list[str], ids: dict[str | None, int | None]) -> list[str]:
    """Each row as a line of COPY's text format."""
    days = np.datetime_as_string(rows["day"].to_numpy().astype("datetime64[D]"))
    known = np.datetime_as_string(rows["known_at"].to_numpy().astype("datetime64[us]"))
    numbers = rows[metrics].to_numpy(dtype=np.float64).tolist()
    assets = [
        str(ids[slug]) if known else _NULL
        for slug, known in zip(rows["asset"], rows["asset"].notna(), strict=True)
    ]
    return [
        f"{asset}\t{day}\t{moment}Z\t{_text(metrics, values)}\n"
        for asset, day, moment, values in zip(assets, days, known, numbers, strict=True)
    ]


def _text(metrics: list[str], values: list[float]) -> str:
    # Names are plain letters, so JSON holds nothing that COPY would read as its own.
    known = {name: value for name, value in zip(metrics, values, strict=True) if not math.isnan(value)}
    return json.dumps(known)


def _count(counts: dict[str, int], reason: str, number: int) -> None:
    if number:
        counts[reason] = counts.get(reason, 0) + number
