"""The same key twice: one effect, the same answer, whatever happens at the same time or in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from portfolios.models import ApiKey, IdempotencyRecord, User
from portfolios.services.idempotency import (
    Answer,
    IdempotencyMismatchError,
    answer_once,
    fingerprint,
    records_prune,
)


def effect(user: User, number: int = 0) -> Answer:
    """An effect that can be counted: one more row."""
    count = ApiKey.objects.count()
    ApiKey.objects.create(user=user, name="effect", prefix=f"p{count}-{number}", digest=f"d{count}-{number}")
    return Answer(201, {"count": count + 1})


@pytest.mark.django_db
def test_a_second_call_gets_the_first_answer_and_does_nothing() -> None:
    user = User.objects.create_user("ada@example.org")
    first = answer_once(user, "k", "print", lambda: effect(user))
    second = answer_once(user, "k", "print", lambda: effect(user))
    assert first == Answer(201, {"count": 1})
    assert second == Answer(201, {"count": 1}, is_replay=True)
    assert ApiKey.objects.count() == 1


@pytest.mark.django_db
def test_another_request_under_the_same_key_is_refused_and_another_user_is_free() -> None:
    user, other = User.objects.create_user("ada@example.org"), User.objects.create_user("bob@example.org")
    answer_once(user, "k", "print", lambda: effect(user))
    with pytest.raises(IdempotencyMismatchError):
        answer_once(user, "k", "another", lambda: effect(user))
    assert answer_once(other, "k", "another", lambda: effect(other)).is_replay is False
    assert ApiKey.objects.count() == 2


@pytest.mark.django_db
def test_an_attempt_that_raised_left_neither_effect_nor_record() -> None:
    user = User.objects.create_user("ada@example.org")

    def broken() -> Answer:
        effect(user)
        raise RuntimeError("after the effect, before the answer")

    with pytest.raises(RuntimeError):
        answer_once(user, "k", "print", broken)
    assert ApiKey.objects.count() == 0
    assert IdempotencyRecord.objects.count() == 0
    assert answer_once(user, "k", "print", lambda: effect(user)) == Answer(201, {"count": 1})


@pytest.mark.django_db(transaction=True)
def test_eight_threads_at_once_make_one_effect() -> None:
    user = User.objects.create_user("ada@example.org")
    together = threading.Barrier(8)

    def call(number: int) -> list[Answer]:
        try:
            answers = []
            for round_ in range(20):
                together.wait(timeout=30)
                answers.append(answer_once(user, f"k{round_}", "print", lambda: effect(user, number)))
            return answers
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        per_thread = list(pool.map(call, range(8)))
    assert ApiKey.objects.count() == 20
    for answers in zip(*per_thread, strict=True):
        assert sum(not answer.is_replay for answer in answers) == 1
        assert len({str(answer.body) for answer in answers}) == 1


def test_the_fingerprint_sees_method_path_and_values_but_not_spacing() -> None:
    base = fingerprint("POST", "/a/", {"x": "1", "y": 2})
    assert fingerprint("POST", "/a/", {"y": 2, "x": "1"}) == base
    different = {
        fingerprint("PUT", "/a/", {"x": "1", "y": 2}),
        fingerprint("POST", "/b/", {"x": "1", "y": 2}),
        fingerprint("POST", "/a/", {"x": "1.0", "y": 2}),
        fingerprint("POST", "/a/", {"x": "1"}),
    }
    assert len(different | {base}) == 5


@pytest.mark.django_db
def test_records_are_kept_thirty_days() -> None:
    user = User.objects.create_user("ada@example.org")
    answer_once(user, "k", "print", lambda: effect(user))
    made = IdempotencyRecord.objects.get().created_at
    assert records_prune(now=made + timedelta(days=30)) == 0
    assert records_prune(now=made + timedelta(days=30, seconds=1)) == 1
