"""What /metrics tells: requests and their latency per process, and gauges read from the database when asked."""

from __future__ import annotations

import ipaddress
import os
import secrets
import time
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from signals import selectors as signal_selectors

REQUESTS = Counter(
    "bellwether_http_requests_total", "Answers by route and status.", ("method", "route", "status")
)
SECONDS = Histogram(
    "bellwether_http_request_seconds",
    "Time from request to answer.",
    ("route",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class RequestMetricsMiddleware:
    """Counts every answer under its route, never its path: a path would carry ids and grow without bound."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        route = request.resolver_match.route if request.resolver_match else "none"
        REQUESTS.labels(request.method or "", route, str(response.status_code)).inc()
        SECONDS.labels(route).observe(time.perf_counter() - began)
        return response


class DatabaseCollector(Collector):
    """Gauges that are the same whichever process answers."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Database size in bytes, connections, task results of the last hour by state, the price guard, and
        grading."""
        size = GaugeMetricFamily("bellwether_database_bytes", "Size of the database.")
        connections = GaugeMetricFamily(
            "bellwether_database_connections", "Open connections to the database."
        )
        tasks = GaugeMetricFamily(
            "bellwether_tasks_last_hour", "Finished tasks of the last hour.", labels=("state",)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_database_size(current_database()), "
                "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())"
            )
            bytes_used, open_connections = cursor.fetchone()
            size.add_metric([], bytes_used)
            connections.add_metric([], open_connections)
            cursor.execute(
                "SELECT status, count(*) FROM django_celery_results_taskresult "
                "WHERE date_done > now() - interval '1 hour' GROUP BY status"
            )
            for state, count in cursor.fetchall():
                tasks.add_metric([state], count)
        return [size, connections, tasks, *_guard(), *_grading()]

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: otherwise registering would query the database at import."""
        return []


def _guard() -> Iterable[GaugeMetricFamily]:
    """Assets by the guard's last verdict, and in seconds the age of the oldest open freeze and of the last round."""
    assets = GaugeMetricFamily(
        "bellwether_guard_assets", "Assets by the last verdict of the price guard.", labels=("status",)
    )
    freeze = GaugeMetricFamily("bellwether_guard_oldest_freeze_seconds", "Age of the oldest open freeze.")
    last = GaugeMetricFamily("bellwether_guard_round_age_seconds", "Time since the last round.")
    if signal_selectors.market_active_or_none() is not None:
        found = signal_selectors.guard_figures(at=signal_selectors.market_time())
        for status in ("accepted", "withheld", "pending", "frozen"):
            assets.add_metric([status], getattr(found, status))
        freeze.add_metric([], found.freeze_age)
        last.add_metric([], found.round_age)
    return [assets, freeze, last]


def _grading() -> Iterable[GaugeMetricFamily]:
    """Open alerts by kind, whether weights may follow the grades (1 or 0), and the age in days of the last ones."""
    alerts = GaugeMetricFamily("bellwether_alerts_open", "Alerts that are not cleared.", labels=("kind",))
    usable = GaugeMetricFamily("bellwether_grades_usable", "Whether weights may follow the grades.")
    age = GaugeMetricFamily("bellwether_grades_age_days", "Market days since the last graded one.")
    for alert in signal_selectors.alerts_open():
        alerts.add_metric([alert.kind], 1)
    if signal_selectors.market_active_or_none() is not None:
        day = signal_selectors.last_closed_day()
        state = signal_selectors.grading_state(as_of=day)
        usable.add_metric([], float(state.usable))
        if state.graded_on is not None:
            age.add_metric([], (day - state.graded_on).days)
    return [alerts, usable, age]


def _registry() -> CollectorRegistry:
    """The counters of every web process (where gunicorn shares them in a folder) or of this one, and the gauges."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)
    else:
        for counted in (REQUESTS, SECONDS):
            registry.register(counted)
    registry.register(DatabaseCollector())
    return registry


def _allowed(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # Behind a proxy every peer is the proxy: then only a token opens the door.
    if request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded"):
        return False
    return ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The Prometheus page, for the machine itself or for whoever holds METRICS_TOKEN; 403 for anyone else."""
    if not _allowed(request):
        return HttpResponse("Metrics are for this machine, or for the holder of METRICS_TOKEN.\n", status=403)
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)
