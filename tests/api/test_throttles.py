"""The counter behind the rate limit: exact under threads, and never without an end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from config.throttles import WINDOW_SECONDS, RateLimit, _client, window_count


def test_simultaneous_requests_each_get_a_number_of_their_own() -> None:
    name = f"test:{uuid4()}"
    with ThreadPoolExecutor(8) as pool:
        counts = sorted(count for count, _ in pool.map(lambda _: window_count(name), range(200)))
    assert counts == list(range(1, 201))


def test_the_window_ends_and_more_requests_do_not_prolong_it() -> None:
    name = f"test:{uuid4()}"
    _, first = window_count(name)
    assert 0 < first <= WINDOW_SECONDS
    key = next(iter(_client().scan_iter(match=f"*{name}")))
    _client().pexpire(key, 5_000)
    count, reset = window_count(name)
    assert (count, reset) == (2, 5)
    _client().delete(key)
    assert window_count(name) == (1, WINDOW_SECONDS)


def test_standing() -> None:
    assert RateLimit(limit=20, used=20, reset=9).is_exceeded is False
    assert RateLimit(limit=20, used=21, reset=9).is_exceeded is True
    assert RateLimit(limit=20, used=25, reset=9).remaining == 0
    assert RateLimit(limit=20, used=5, reset=9).remaining == 15
