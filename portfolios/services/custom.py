"""Indices that people build for themselves: made, changed, named, shared, put away. No money moves here."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction

from indices import selectors as index_selectors
from indices.core.customising import CLAUSES, Choices
from indices.core.rulebook import Rulebook, RulebookError
from indices.services import custom as index_custom
from portfolios import selectors
from portfolios.errors import (
    CustomIndexInUse,
    CustomIndexLimit,
    IndexNotReady,
    InvalidRules,
    UnknownCustomIndex,
    UnknownIndex,
)
from portfolios.models import CustomIndex, User
from signals import selectors as signal_selectors

LONGEST_NAME = 64
PREVIEWS_A_MINUTE = 60
_NOTHING = "Nothing was saved"


@transaction.atomic
def custom_index_create(user: User, base: str, choices: Choices, *, name: str) -> CustomIndex:
    """An index of the user's own: the rules of `base` (slug) with `choices`, decided and in force at once.

    Raises UnknownIndex, InvalidRules (field: the choice at fault, or `name`), CustomIndexLimit, IndexNotReady.
    """
    called = _name(name)
    User.objects.select_for_update().get(pk=user.pk)
    if selectors.custom_indices_left(user) < 1:
        plan = selectors.plan_of(user)
        raise CustomIndexLimit(
            f"{_NOTHING}: the {plan.name} plan lets you keep {plan.custom_indices} of your own. Archive one, or "
            "choose a larger plan."
        )
    try:
        index = index_custom.index_custom_create(base, choices, name=called, as_of=last_day())
    except index_selectors.IndexNotFound as error:
        raise UnknownIndex(f"{_NOTHING}: there is no index {base!r} to build on.", field="base") from error
    except RulebookError as error:
        raise refusal(error) from error
    return CustomIndex.objects.create(user=user, index=index, name=called, based_on=base)


@transaction.atomic
def custom_index_change(user: User, slug: str, choices: Choices) -> CustomIndex:
    """The user's index follows `choices` from its next decision on, with its base's rules of now for the rest.

    Raises UnknownCustomIndex, UnknownIndex (the base is gone), InvalidRules.
    """
    own = _own(user, slug)
    try:
        index_custom.index_custom_change(own.index, own.based_on, choices, as_of=last_day())
    except index_selectors.IndexNotFound as error:
        raise UnknownIndex(f"{_NOTHING}: {own.based_on} is no longer there to build on.") from error
    except RulebookError as error:
        raise refusal(error) from error
    return own


def custom_index_adjust(user: User, slug: str, changes: Mapping[str, Any]) -> CustomIndex:
    """The user's index with some of its choices changed, by name; those not named stay as they are.

    Raises as `custom_index_change` does.
    """
    own = selectors.custom_index(user, slug)
    if own is None:
        raise UnknownCustomIndex("Nothing was done: you have no such index.")
    try:
        now = index_selectors.custom_choices(own.index, own.based_on)
    except index_selectors.IndexNotFound as error:
        raise UnknownIndex(f"{_NOTHING}: {own.based_on} is no longer there to build on.") from error
    return custom_index_change(user, slug, replace(now, **changes))


@transaction.atomic
def custom_index_rename(user: User, slug: str, name: str) -> CustomIndex:
    """The index goes by `name`. Raises UnknownCustomIndex, InvalidRules."""
    own = _own(user, slug)
    own.name = _name(name)
    own.save(update_fields=["name"])
    index_custom.index_custom_rename(own.index, own.name)
    return own


@transaction.atomic
def custom_index_share(user: User, slug: str) -> CustomIndex:
    """Whoever has the link of `share_token` may look at the index and copy its rules. A second call keeps the link.

    Raises UnknownCustomIndex.
    """
    own = _own(user, slug)
    if own.share_token is None:
        own.share_token = secrets.token_urlsafe(12)
        own.save(update_fields=["share_token"])
    return own


@transaction.atomic
def custom_index_unshare(user: User, slug: str) -> CustomIndex:
    """The share link opens nothing any more; a later one is another. Raises UnknownCustomIndex."""
    own = _own(user, slug)
    own.share_token = None
    own.save(update_fields=["share_token"])
    return own


@transaction.atomic
def custom_index_archive(user: User, slug: str, *, now: datetime) -> CustomIndex:
    """The index is put away: it is in no list, its link opens nothing, and it counts against no plan.

    Raises UnknownCustomIndex, and CustomIndexInUse while the user holds units of it or orders are on their way.
    """
    own = _own(user, slug)
    if selectors.custom_index_in_use(own):
        raise CustomIndexInUse(
            f"It was not archived: you hold units of {own.name}, or an order for it is on its way. Sell them first."
        )
    own.archived_at, own.share_token = now, None
    own.save(update_fields=["archived_at", "share_token"])
    index_custom.index_custom_retire(own.index, now=now)
    return own


def rules_drafted(base: str, choices: Choices) -> tuple[Rulebook, Rulebook]:
    """(the rules of `base` with `choices`, the rules of `base`), stored nowhere. Raises UnknownIndex, InvalidRules."""
    try:
        return index_custom.drafted(base, choices, as_of=last_day())
    except index_selectors.IndexNotFound as error:
        raise UnknownIndex(f"{_NOTHING}: there is no index {base!r} to build on.", field="base") from error
    except RulebookError as error:
        raise refusal(error) from error


def allowance_take(who: str) -> bool:
    """Whether `who` may ask for one more preview this minute; it is counted. They cost a second of a processor when
    nothing is warm."""
    key = f"previews:{who}"
    cache.add(key, 0, timeout=60)
    try:
        return int(cache.incr(key)) <= PREVIEWS_A_MINUTE
    except ValueError:  # the minute ended between the two
        return True


def refusal(error: RulebookError) -> InvalidRules:
    """A RulebookError as a refusal that names the choice at fault."""
    field = next((name for name, clause in CLAUSES.items() if error.clause == clause), "rules")
    return InvalidRules(f"{_NOTHING}: {error}.", field=field)


def last_day() -> date:
    """The last day that a decision may rest on. Raises IndexNotReady where there is none."""
    day = signal_selectors.last_complete_day()
    if day is None:
        raise IndexNotReady(f"{_NOTHING}: there are no prices yet; try again later.")
    return day


def _own(user: User, slug: str) -> CustomIndex:
    own = CustomIndex.objects.select_for_update(of=("self",)).select_related("index")
    found = own.filter(user=user, index__slug=slug, archived_at=None).first()
    if found is None:
        raise UnknownCustomIndex("Nothing was done: you have no such index.")
    return found


def _name(name: str) -> str:
    called = " ".join(name.split())
    if not called or len(called) > LONGEST_NAME or not called.isprintable():
        raise InvalidRules(
            f"{_NOTHING}: give it a name of 1 to {LONGEST_NAME} characters.",
            field="name",
            code="invalid_name",
        )
    return called
