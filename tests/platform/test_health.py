"""Liveness, readiness, metrics, and the headers that every answer carries."""

from __future__ import annotations

import datetime
import json
import logging

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client, override_settings
from django.utils import timezone

from config import health, heartbeat
from config.logs import JsonFormatter, PlainFormatter

pytestmark = pytest.mark.django_db


def test_live_needs_nothing_but_the_process(client: Client, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/livez")
    assert answer.status_code == 200
    assert answer.content == b"live\n"
    assert client.post("/livez").status_code == 405


def test_ready_tells_each_check_and_the_age_of_the_heartbeat(client: Client) -> None:
    cache.delete(heartbeat.KEY)
    assert client.get("/readyz").json()["worker_heartbeat_age_seconds"] is None
    heartbeat.heartbeat_write(timezone.now() - datetime.timedelta(seconds=90))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ready"
    assert body["checks"] == {"database": "ok", "redis": "ok", "migrations": "ok"}
    assert 90 <= body["worker_heartbeat_age_seconds"] < 120


def test_not_ready_is_a_problem_document_that_names_what_failed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", broken)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["status"] == 503
    assert body["checks"]["database"] == "The database does not answer: connection refused"
    assert body["checks"]["redis"] == "ok"


def test_a_missing_migration_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "sessions.0001_initial" in json.loads(answer.content)["detail"]
    assert health._migrations().startswith("1 migrations are not applied")


def test_metrics_count_by_route_and_are_for_this_machine_only(client: Client) -> None:
    client.get("/livez")
    text = client.get("/metrics").content.decode()
    assert 'bellwether_http_requests_total{method="GET",route="livez",status="200"}' in text
    assert "bellwether_database_bytes" in text
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    with override_settings(METRICS_TOKEN="open"):
        assert client.get("/metrics").status_code == 403
        far = client.get("/metrics", REMOTE_ADDR="203.0.113.9", headers={"Authorization": "Bearer open"})
        assert far.status_code == 200


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    for path in ("/livez", "/no-such-page"):
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]


def test_only_the_admin_console_may_evaluate_scripts(client: Client) -> None:
    assert "unsafe-eval" in client.get("/admin/login/").headers["Content-Security-Policy"]
    assert "unsafe" not in client.get("/administration/").headers["Content-Security-Policy"]


def _record(message: str, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("room.part", logging.WARNING, __file__, 1, message, None, None)
    record.created, record.msecs = 0.0, 0.0
    vars(record).update(extra)
    return record


def test_json_logs_are_one_line_in_utc_whatever_the_message_holds() -> None:
    line = JsonFormatter().format(_record("two\nlines", order=7))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "WARNING",
        "logger": "room.part",
        "message": "two\nlines",
        "order": 7,
    }


def test_plain_logs_are_readable() -> None:
    assert PlainFormatter().format(_record("text")) == "1970-01-01 00:00:00 WARNING room.part: text"
