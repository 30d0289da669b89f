"""Stopping and going on. A stop takes effect at the next look: before a cycle opens, before an order is sent, before
money is paid out. It takes nothing back: what was sent is followed to its end."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from indices import selectors as index_selectors
from portfolios.errors import InvalidPause
from portfolios.models import Pause, User
from portfolios.selectors.venues import venue_names
from signals import selectors as signal_selectors

_TARGETED = (Pause.Scope.ASSET, Pause.Scope.INDEX, Pause.Scope.VENUE)


def pause_start(scope: str, target: str = "", *, reason: str, by: User | None = None) -> Pause:
    """The open pause of this scope and target: a second call returns the first and changes nothing. `by` is None where
    the platform stops itself. Raises InvalidPause, naming the field."""
    _check(scope, target, reason)
    try:
        with transaction.atomic():
            return Pause.objects.create(
                scope=scope, target=target, reason=reason.strip(), started_by=by, started_at=timezone.now()
            )
    except IntegrityError:
        return Pause.objects.get(scope=scope, target=target, ended_at__isnull=True)


def pause_end(pause_id: int, *, by: User) -> Pause:
    """The pause ended by a person; a second call changes nothing. Raises InvalidPause where there is no such pause."""
    Pause.objects.filter(pk=pause_id, ended_at__isnull=True).update(ended_at=timezone.now(), ended_by=by)
    found = Pause.objects.filter(pk=pause_id).first()
    if found is None:
        raise InvalidPause(f"Nothing was changed: there is no pause {pause_id}.", field="id")
    return found


def _check(scope: str, target: str, reason: str) -> None:
    if scope not in Pause.Scope.values:
        raise InvalidPause(
            f"Nothing was paused: scope is one of {', '.join(Pause.Scope.values)}.", field="scope"
        )
    if not reason.strip():
        raise InvalidPause("Nothing was paused: say why, in a sentence for investors.", field="reason")
    if len(reason.strip()) > 240:
        raise InvalidPause("Nothing was paused: say why in at most 240 characters.", field="reason")
    if scope not in _TARGETED and target:
        raise InvalidPause(f"Nothing was paused: {scope} takes no target.", field="target")
    known = {
        Pause.Scope.ASSET: lambda: target in signal_selectors.assets_by_slug([target]),
        Pause.Scope.INDEX: lambda: _is_index(target),
        Pause.Scope.VENUE: lambda: target in venue_names(),
    }
    if scope in _TARGETED and not known[Pause.Scope(scope)]():
        raise InvalidPause(f"Nothing was paused: there is no {scope} {target!r}.", field="target")


def _is_index(slug: str) -> bool:
    try:
        index_selectors.index(slug)
    except index_selectors.IndexNotFound:
        return False
    return True
