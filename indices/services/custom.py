"""Indices that somebody built: stored like ours, unpublished, with a record that begins on the day they were made.

Whose they are is not known here.
"""

import secrets
from dataclasses import replace
from datetime import date, datetime

from django.db import transaction

from indices.core.customising import CLAUSES, Choices, customised
from indices.core.rulebook import Rulebook, RulebookError
from indices.core.walk import first_panel_day
from indices.models import Index, RulebookVersion
from indices.selectors.custom import CUSTOM_PREFIX, base_rulebook, custom_rulebook
from indices.services.history import index_advance
from indices.services.rulebooks import version_ensure
from signals import selectors as signal_selectors

SUMMARY = "Built by an investor from {name}."


@transaction.atomic
def index_custom_create(base_slug: str, choices: Choices, *, name: str, as_of: date) -> Index:
    """An unpublished index of the base's rules with `choices`, version 1, decided and in force at the close of `as_of`.

    Its level begins at the close of `as_of`: what would have been before is a backtest and is not stored. Where nothing
    passes the rules that day, the ticks begin it on the first day on which something does. Raises RulebookError and
    IndexNotFound.
    """
    slug = f"{CUSTOM_PREFIX}{secrets.token_hex(6)}"
    rulebook = _made(base_rulebook(base_slug), choices, slug=slug, name=name, start=as_of, as_of=as_of)
    index = Index.objects.create(
        slug=slug,
        name=name,
        family=rulebook.family,
        kind=Index.Kind.CUSTOM,
        summary=rulebook.summary,
        is_published=False,
        position=1000,
    )
    version_ensure(Index.objects.select_for_update().get(pk=index.pk), rulebook)
    days = (as_of - first_panel_day(rulebook, as_of)).days + 2
    index_advance(index, through=as_of, panel=signal_selectors.panel(as_of=as_of, days=days))
    return index


@transaction.atomic
def index_custom_change(index: Index, base_slug: str, choices: Choices, *, as_of: date) -> RulebookVersion:
    """The version of `index` with the base's present rules and `choices`; the next decision is made by it.

    Choices that are in force already make no new version. Raises RulebookError, IndexNotFound, and ValueError for an
    index that nobody built.
    """
    if index.kind != Index.Kind.CUSTOM:
        raise ValueError(f"index: {index.slug} is one of ours; only a built one is changed here")
    locked = Index.objects.select_for_update().get(pk=index.pk)
    now = custom_rulebook(locked)
    rulebook = _made(
        base_rulebook(base_slug),
        choices,
        slug=locked.slug,
        name=locked.name,
        start=now.base.date,
        as_of=as_of,
    )
    # Another name alone is no other rule.
    return version_ensure(locked, now if replace(rulebook, name=now.name) == now else rulebook)


@transaction.atomic
def index_custom_rename(index: Index, name: str) -> None:
    """The index goes by `name`. Its rules, and with them their digest, take the name up at their next change."""
    if index.kind != Index.Kind.CUSTOM:
        raise ValueError(f"index: {index.slug} is one of ours; only a built one is renamed here")
    Index.objects.filter(pk=index.pk).update(name=name)
    index.name = name


@transaction.atomic
def index_custom_retire(index: Index, *, now: datetime) -> None:
    """The index decides nothing more; what it decided and its levels stay. A second call changes nothing."""
    if index.kind != Index.Kind.CUSTOM:
        raise ValueError(f"index: {index.slug} is one of ours; only a built one is retired here")
    Index.objects.filter(pk=index.pk, retired_at=None).update(retired_at=now)


def drafted(base_slug: str, choices: Choices, *, as_of: date) -> tuple[Rulebook, Rulebook]:
    """(the rules of the base with `choices`, the rules of the base), stored nowhere. Raises RulebookError and
    IndexNotFound."""
    base = base_rulebook(base_slug)
    return _made(base, choices, slug=f"{CUSTOM_PREFIX}draft", name="Draft", start=as_of, as_of=as_of), base


def _made(base: Rulebook, choices: Choices, *, slug: str, name: str, start: date, as_of: date) -> Rulebook:
    known = _known(choices, as_of=as_of)
    summary = SUMMARY.format(name=base.name or base.slug)
    return customised(base, known, slug=slug, name=name, summary=summary, start=start)


def _known(choices: Choices, *, as_of: date) -> Choices:
    """`choices`, once every token and category in them is known to exist: a typo would silently leave out nothing."""
    tokens = sorted(set(choices.exclude or ()))
    found = signal_selectors.assets_by_slug(tokens) if tokens else {}
    missing = next((slug for slug in tokens if slug not in found), None)
    if missing is not None:
        near = [row.slug for row in signal_selectors.asset_list(as_of=as_of, search=missing, limit=3)]
        hint = f"did you mean {', '.join(near)}?" if near else "use its id, as in the address of its page"
        raise RulebookError(CLAUSES["exclude"], f"there is no token {missing!r}; {hint}")
    kinds = sorted(set(choices.exclude_categories or ()))
    stored = (
        {kind for kind, _ in signal_selectors.category_counts(as_of=as_of, limit=10_000)} if kinds else set()
    )
    strange = next((kind for kind in kinds if kind not in stored), None)
    if strange is not None:
        raise RulebookError(CLAUSES["exclude_categories"], f"there is no category {strange!r}")
    return replace(
        choices,
        exclude=None if choices.exclude is None else tuple(tokens),
        exclude_categories=None if choices.exclude_categories is None else tuple(kinds),
    )
