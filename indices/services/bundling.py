"""The bundle of an index: everything that anybody needs to compute it again without us."""

import os
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
from django.conf import settings

from indices.core.bundle import Bundle, Question
from indices.core.bundle import answered as computed
from indices.core.bundle_files import packed
from indices.core.eligibility import admitted_assets, day_numbers
from indices.core.rulebook import Outlook, Rulebook
from indices.models import Decision, Index, IndexLevel, Receipt, RulebookVersion
from indices.selectors.indices import resolved
from indices.selectors.receipts import sealed_decisions
from indices.services.events import events_known
from indices.services.history import GUARD
from indices.services.outlook import outlook_recorded
from indices.services.receipt_checks import decisions_filed, public_keys, receipt_records
from indices.services.recomputing import Question as Asked
from indices.services.recomputing import answered, questions, recomputed
from signals import selectors as signal_selectors
from signals.core.panel import Panel

README = """This is one index of Bellwether with everything it was computed from.

  manifest.json    what is in here, with the SHA-256 of every file
  rulebooks.json   every version of the rules
  decisions.json   every decision with its target weights and reasons
  levels.json      the level of every day
  receipts.json    every receipt: its text, digest and signature
  keys.json        the public keys; compare them with those that the publisher shows
  questions.json   stretches of decisions: by which rules, from which panel, with which grades and regime
  events.json      redenominations, airdrops, halts and delistings
  panel-*/         daily closes, market caps and volumes (USD), [date x asset], NumPy files; NaN is unknown

To check it, with a copy of the source code, Python 3.11, numpy, pandas and cryptography:

  python -m indices.verify_bundle FILE.zip

docs/receipts.md explains the receipts and how to check one by hand.
"""
_SMALLEST_DATE = (1980, 1, 1, 0, 0, 0)


def bundle_refusal() -> str:
    """Why the public may not have bundles of the active market; empty where it may."""
    market = signal_selectors.market_active()
    if market.source == "simulated":
        return ""
    return (
        f"A bundle holds the daily prices that an index was made of. Those of the {market.get_source_display()} belong "
        "to others, whose licence does not let us pass them on; the operator can make the file for an auditor."
    )


def bundle_zip(index: Index | str) -> bytes:
    """The bundle of an index as a ZIP archive; the same history gives the same bytes."""
    files = {"README.txt": README.encode(), **packed(bundle_of(index))}
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in files.items():
            item = zipfile.ZipInfo(name, date_time=_SMALLEST_DATE)
            item.compress_type = zipfile.ZIP_DEFLATED
            item.external_attr = 0o644 << 16
            archive.writestr(item, data)
    return content.getvalue()


def bundle_file(index: Index | str) -> Path:
    """The bundle as it stands after the newest receipt, in a file that is made once and replaces the one before it.

    Raises ValueError for an index without a history.
    """
    found = resolved(index)
    newest = (
        Receipt.objects.filter(index=found).order_by("-sequence").values_list("digest", flat=True).first()
    )
    if newest is None:
        raise ValueError(f"index: {found.slug} has no history yet")
    folder = Path(settings.VAR_DIR) / "bundles" / found.slug
    path = folder / f"{found.slug}-{newest[:16]}.zip"
    if not path.exists():
        content = bundle_zip(found)
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.draft")
        draft.write_bytes(content)
        draft.replace(path)
        for older in folder.glob("*.zip"):
            if older != path:
                older.unlink(missing_ok=True)
    return path


def bundle_of(index: Index | str) -> Bundle:
    """Everything published of an index and everything it was made from. Raises ValueError before its first decision."""
    found = resolved(index)
    stored = list(Decision.objects.filter(index=found).select_related("rulebook").order_by("as_of"))
    if not stored:
        raise ValueError(f"index: {found.slug} has no history yet")
    levels = dict(IndexLevel.objects.filter(index=found).order_by("date").values_list("date", "level"))
    last = max([*levels, stored[-1].as_of])
    # What is sealed still is not told here either: the bundle ends before it.
    kept_back = sealed_decisions([row.pk for row in stored])
    end = min([last, *(row.as_of - timedelta(days=1) for row in stored if row.pk in kept_back)])
    newest = signal_selectors.panel(as_of=last)
    names = {id(newest): "panel-0"}
    panels, asked = {"panel-0": newest}, []
    for question in questions(found, stored, newest, last):
        name = names.setdefault(id(question.panel), f"panel-{len(panels)}")
        panels[name] = question.panel
        asked.append(_exported(question, name, end))
    rules = {row.version: row for row in RulebookVersion.objects.filter(index=found).order_by("version")}
    bodies = {version: Rulebook.from_dict(row.body) for version, row in rules.items()}
    filed = [row for row in decisions_filed(found) if row.as_of <= end]
    members = {asset for row in filed for asset in row.weights}
    bundle = Bundle(
        slug=found.slug,
        about={
            "name": found.name,
            "family": found.family,
            "kind": found.kind,
            "market": signal_selectors.market_label(),
            "through": end,
        },
        rulebooks=bodies,
        digests={version: row.digest for version, row in rules.items()},
        filed=filed,
        levels=levels,
        records=receipt_records(found),
        keys=public_keys(),
        panels={name: _narrowed(panel, bodies, members) for name, panel in panels.items()},
        panel="panel-0",
        questions=asked,
        events=events_known(as_of=last),
        guard=GUARD,
    )
    return bundle if len(panels) == 1 else replace(bundle, unsettled=_unsettled(found, bundle))


def _unsettled(index: Index, bundle: Bundle) -> frozenset[date]:
    """Days whose trades were settled on other prices than the next decision was made from."""
    then = {each.traded_on: each for each in recomputed(index).executions}
    made = {each.traded_on: each for question in bundle.questions for each in computed(bundle, question)[1]}
    return frozenset(day for day, each in then.items() if made.get(day) != each)


def _exported(question: Asked, panel: str, end: date) -> Question:
    """`question` with everything that grades and regime were asked for when it is answered; nothing after `end`."""
    live = outlook_recorded(question.rulebook, question.made)
    seen: dict[date, Outlook] = {}

    def look(day: date) -> Outlook:
        assert live is not None  # noqa: S101 - only called where it is there
        seen[day] = live(day)
        return seen[day]

    if live is not None:
        answered(question, outlook=look)
    return Question(
        version=question.made[0].rulebook.version,
        panel=panel,
        start=question.start,
        standing=question.standing,
        through=question.through,
        end=min(question.end, end),
        events=question.events,
        outlooks=None if live is None else {day: each for day, each in seen.items() if day <= end},
    )


def _narrowed(panel: Panel, rulebooks: Mapping[int, Rulebook], members: set[str]) -> Panel:
    """`panel` with the assets that any of the rules admits or the index ever held: the others are never looked at."""
    days = day_numbers(panel)
    kept = np.zeros(len(panel.assets), dtype=bool)
    for rulebook in rulebooks.values():
        kept |= admitted_assets(panel, rulebook, days).any(axis=0)
    basket = {asset for rulebook in rulebooks.values() for asset in rulebook.overlay.basket}
    wanted = members | basket
    return panel.select(
        [asset for asset, keep in zip(panel.assets, kept.tolist(), strict=True) if keep or asset in wanted]
    )
