"""The files of a bundle: written from an index in a box, and read back. In memory: no disk is touched here."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd

from indices.core.bundle import Bundle, Question
from indices.core.events import events_from
from indices.core.guardrails import Guard
from indices.core.receipt_chain import Record
from indices.core.receipt_facts import Filed
from indices.core.rulebook import Outlook, Rulebook
from indices.core.walk import Standing, Waiting
from signals.core.panel import FIELDS, Panel

FORMAT = "bellwether-bundle/1"
MANIFEST = "manifest.json"
READ = ("close", "market_cap", "volume")
"""The fields of a panel that rules read."""


class BundleError(ValueError):
    """The bundle cannot be read; the message names the file."""


def packed(bundle: Bundle) -> dict[str, bytes]:
    """The files of `bundle`: the manifest with the SHA-256 of every other one, then those."""
    files = {
        "rulebooks.json": _json(
            [
                {"version": version, "digest": bundle.digests[version], "body": rulebook.to_dict()}
                for version, rulebook in bundle.rulebooks.items()
            ]
        ),
        "decisions.json": _json([asdict(row) for row in bundle.filed]),
        "levels.json": _json([[day, level] for day, level in bundle.levels.items()]),
        "receipts.json": _json([asdict(record) for record in bundle.records]),
        "keys.json": _json(dict(bundle.keys)),
        "events.json": _json([event.to_dict() for event in bundle.events]),
        "questions.json": _json(
            [_question_dict(question, bundle.rulebooks) for question in bundle.questions]
        ),
    }
    for name, panel in bundle.panels.items():
        files |= {f"{name}/{file}": content for file, content in _panel_files(panel).items()}
    manifest = {
        "format": FORMAT,
        "index": bundle.slug,
        "about": dict(bundle.about),
        "guard": asdict(bundle.guard),
        "panel": bundle.panel,
        "unsettled": sorted(bundle.unsettled),
        "files": {name: sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    return {MANIFEST: _json(manifest), **files}


def unpacked(files: Mapping[str, bytes]) -> Bundle:
    """The bundle in `files`. Raises BundleError for a file that is missing or is not what the manifest says."""
    manifest = _read(files, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise BundleError(f"{MANIFEST}: the format is {manifest.get('format')!r}, this reads {FORMAT!r}")
    for name, digest in manifest["files"].items():
        if name not in files:
            raise BundleError(f"{name}: is missing")
        if sha256(files[name]).hexdigest() != digest:
            raise BundleError(f"{name}: is not the file that the manifest names")
    rules = _read(files, "rulebooks.json")
    rulebooks = {row["version"]: Rulebook.from_dict(row["body"]) for row in rules}
    asked = [_question_of(row, rulebooks) for row in _read(files, "questions.json")]
    return Bundle(
        slug=manifest["index"],
        about=manifest["about"],
        rulebooks=rulebooks,
        digests={row["version"]: row["digest"] for row in rules},
        filed=[_filed_of(row) for row in _read(files, "decisions.json")],
        levels={date.fromisoformat(day): level for day, level in _read(files, "levels.json")},
        records=[Record(**row) for row in _read(files, "receipts.json")],
        keys=_read(files, "keys.json"),
        panels={
            name: _panel_of(files, name)
            for name in sorted({manifest["panel"], *(question.panel for question in asked)})
        },
        panel=manifest["panel"],
        questions=asked,
        events=events_from(_read(files, "events.json")),
        guard=Guard(**manifest["guard"]),
        unsettled=frozenset(date.fromisoformat(day) for day in manifest["unsettled"]),
    )


def _question_dict(question: Question, rulebooks: Mapping[int, Rulebook]) -> dict[str, Any]:
    standing = question.standing
    outlooks = question.outlooks
    return {
        "version": question.version,
        "panel": question.panel,
        "start": question.start,
        "through": question.through,
        "end": question.end,
        "events": [event.to_dict() for event in question.events],
        "outlooks": None
        if outlooks is None
        else {
            day.isoformat(): {
                "grades": None if seen.grades is None else dict(seen.grades),
                "regime": seen.regime,
            }
            for day, seen in sorted(outlooks.items())
        },
        "standing": None
        if standing is None
        else {
            "weights": dict(standing.weights),
            "bought": standing.bought,
            "level": standing.level,
            "decided": standing.decided,
            "epoch": standing.epoch,
            "spared": standing.spared,
            "waiting": [
                {
                    "effective_on": step.effective_on,
                    "weights": dict(step.weights),
                    "version": next(
                        version for version, rulebook in rulebooks.items() if rulebook.costs == step.costs
                    ),
                }
                for step in standing.waiting
            ],
        },
    }


def _question_of(row: Mapping[str, Any], rulebooks: Mapping[int, Rulebook]) -> Question:
    at, outlooks = row["standing"], row["outlooks"]
    standing = None
    if at is not None:
        waiting = tuple(
            Waiting(
                date.fromisoformat(step["effective_on"]), step["weights"], rulebooks[step["version"]].costs
            )
            for step in at["waiting"]
        )
        days = {name: date.fromisoformat(at[name]) for name in ("bought", "decided")}
        standing = Standing(
            weights=at["weights"],
            level=at["level"],
            waiting=waiting,
            epoch=at["epoch"],
            spared=at["spared"],
            **days,
        )
    return Question(
        version=row["version"],
        panel=row["panel"],
        start=None if row["start"] is None else date.fromisoformat(row["start"]),
        standing=standing,
        through=date.fromisoformat(row["through"]),
        end=date.fromisoformat(row["end"]),
        events=events_from(row["events"]),
        outlooks=None
        if outlooks is None
        else {
            date.fromisoformat(day): Outlook(seen["grades"], seen["regime"]) for day, seen in outlooks.items()
        },
    )


def _filed_of(row: Mapping[str, Any]) -> Filed:
    days = {name: date.fromisoformat(row[name]) for name in ("as_of", "effective_on")}
    weights = {asset: (weight, rank) for asset, (weight, rank) in row["weights"].items()}
    return Filed(**{**row, **days, "weights": weights})


def _panel_files(panel: Panel) -> dict[str, bytes]:
    firsts = [None if np.isnat(day) else day.astype(date) for day in panel.first_days]
    about = {
        "dates": [day.date() for day in panel.dates],
        "assets": panel.assets,
        "categories": {asset: sorted(kinds) for asset, kinds in sorted(panel.categories.items())},
        "first_days": dict(zip(panel.assets, firsts, strict=True)),
    }
    files = {"about.json": _json(about)}
    for name in READ:
        content = BytesIO()
        np.save(content, np.ascontiguousarray(getattr(panel, name), dtype="<f8"), allow_pickle=False)
        files[f"{name}.npy"] = content.getvalue()
    return files


def _panel_of(files: Mapping[str, bytes], name: str) -> Panel:
    about = _read(files, f"{name}/about.json")
    shape = len(about["dates"]), len(about["assets"])
    arrays = {each: np.full(shape, np.nan) for each in FIELDS}
    for each in READ:
        stored = np.load(BytesIO(files[f"{name}/{each}.npy"]), allow_pickle=False)
        if stored.shape != shape:
            raise BundleError(f"{name}/{each}.npy: is {stored.shape}, the panel is {shape}")
        arrays[each] = np.ascontiguousarray(stored, dtype=np.float64)
    return Panel.from_arrays(
        dates=pd.DatetimeIndex(np.array(about["dates"], dtype="datetime64[s]")),
        assets=about["assets"],
        arrays=arrays,
        categories=about["categories"],
        first_days={
            asset: date.fromisoformat(day) for asset, day in about["first_days"].items() if day is not None
        },
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, default=_day).encode()


def _day(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"bundle: {value!r} is not a JSON type")


def _read(files: Mapping[str, bytes], name: str) -> Any:
    try:
        return json.loads(files[name])
    except KeyError as error:
        raise BundleError(f"{name}: is missing") from error
    except ValueError as error:
        raise BundleError(f"{name}: is not JSON") from error
