"""Liveness and readiness. Live: this process answers. Ready: it can do its work."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.heartbeat import heartbeat_age


@never_cache
@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """200 and the word "live"; touches nothing outside the process."""
    return HttpResponse("live\n", content_type="text/plain")


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"The database does not answer: {str(error).strip()}"
    return ""


def _redis() -> str:
    try:
        heartbeat_age(timezone.now())
    except redis.RedisError as error:
        return f"Redis does not answer: {error}"
    return ""


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "Unknown while the database does not answer."
    if not waiting:
        return ""
    names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in waiting[:5])
    return f"{len(waiting)} migrations are not applied ({names}); run: python manage.py migrate"


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "redis": _redis, "migrations": _migrations}


def _heartbeat_age() -> float | None:
    """Seconds since a worker last ran the heartbeat tick; None when none is known."""
    try:
        return heartbeat_age(timezone.now())
    except redis.RedisError:
        return None


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 with every check "ok", or a 503 problem document (RFC 9457) that names what failed.

    The age of the worker's heartbeat is information, not a condition: pages are served without a worker.
    """
    failed = {name: text for name, check in CHECKS.items() if (text := check())}
    body: dict[str, object] = {
        "checks": {name: failed.get(name, "ok") for name in CHECKS},
        "worker_heartbeat_age_seconds": _heartbeat_age(),
    }
    if not failed:
        return JsonResponse({"status": "ready", **body})
    problem = {
        "type": "about:blank",
        "title": "Not ready",
        "status": 503,
        "detail": " ".join(failed.values()),
        **body,
    }
    return JsonResponse(problem, status=503, content_type="application/problem+json")
