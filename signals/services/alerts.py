"""What an operator must be told: raised once, open until it is right again."""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from signals.models import Alert

log = logging.getLogger(__name__)


@transaction.atomic
def alert_raise(kind: str, *, as_of: date, text: str, details: Mapping[str, Any] | None = None) -> Alert:
    """An alert of this kind is open and says `text`; one that is open already keeps the day it was noticed at."""
    known = dict(details or {})
    Alert.objects.bulk_create(
        [Alert(kind=kind, as_of=as_of, text=text, details=known)], ignore_conflicts=True
    )
    opened = Alert.objects.select_for_update().get(kind=kind, cleared_on__isnull=True)
    if (opened.text, opened.details) != (text, known):
        opened.text, opened.details = text, known
        opened.save(update_fields=["text", "details"])
    log.warning("alert %s as of %s: %s", kind, opened.as_of, text)
    return opened


@transaction.atomic
def alert_clear(kind: str, *, as_of: date) -> int:
    """No alert of this kind is open any more, from `as_of` on; returns how many were (0 or 1)."""
    return Alert.objects.filter(kind=kind, cleared_on__isnull=True).update(cleared_on=as_of)
