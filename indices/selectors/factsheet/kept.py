"""Sheets that were made before, kept for the next reader: reading one back takes some milliseconds."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

import redis
from django.core.cache import cache
from django.db.models import Count, Max, Sum

from indices.models import Decision, Index, IndexEffect, IndexLevel
from indices.selectors.references import reference
from signals import selectors as signal_selectors

logger = logging.getLogger(__name__)

Kept = TypeVar("Kept")

FORM = 1
"""To be raised with every change of what a sheet consists of."""
LIFE = timedelta(hours=1)


def kept(index: Index, span: tuple[date, date | None], make: Callable[[], Kept]) -> Kept:
    """What `make` gives, or gave when everything that it is made from was the same. Without a cache it is made anew."""
    key = _key(index, span)
    try:
        found: Kept | None = cache.get(key)
    except redis.RedisError as error:
        logger.warning("The cache does not answer; the sheet of %s is made anew.", index.slug, exc_info=error)
        return make()
    if found is None:
        found = make()
        if found is not None:
            _keep(key, found)
    return found


def _keep(key: str, value: object) -> None:
    try:
        cache.set(key, value, LIFE.total_seconds())
    except redis.RedisError as error:
        logger.warning("The cache does not answer; a sheet is not kept.", exc_info=error)


def _key(index: Index, span: tuple[date, date | None]) -> str:
    against = reference(index)
    told = (
        FORM,
        signal_selectors.market_active().pk,
        (index.pk, index.name, index.summary, against.slug, against.name),
        span,
        _levels(index),
        _levels(against.index) if against.index is not None else None,
        IndexEffect.objects.filter(index=index).aggregate(rows=Count("pk"), newest=Max("pk")),
        Decision.objects.filter(index=index).aggregate(rows=Count("pk"), newest=Max("pk")),
        signal_selectors.revision_stamp(),
    )
    return f"factsheet:{hashlib.sha256(repr(told).encode()).hexdigest()}"


def _levels(index: Index) -> dict[str, object]:
    stored = IndexLevel.objects.filter(index=index)
    return stored.aggregate(rows=Count("pk"), newest=Max("date"), sum=Sum("level"), last=Max("pk"))
