"""Keys: what opens the API, what does not, and that the secret is kept nowhere."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from portfolios.models import ApiKey, User
from portfolios.services.api_keys import (
    MAX_ACTIVE_KEYS,
    ApiKeyError,
    api_key_authenticate,
    api_key_create,
    api_key_revoke,
    scopes_checked,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada@example.org")


def test_the_secret_opens_and_only_its_digest_is_stored(user: User) -> None:
    key, secret = api_key_create(user, name=" bot ", scopes=["read"])
    assert secret.startswith(f"{key.prefix}_")
    assert key.name == "bot"
    stored = " ".join(str(value) for value in ApiKey.objects.values_list().get())
    assert secret not in stored
    assert secret.removeprefix(key.prefix + "_") not in stored
    assert api_key_authenticate(secret, now=NOW) == key
    assert api_key_authenticate(secret[:-1], now=NOW) is None
    assert api_key_authenticate("", now=NOW) is None


def test_scopes_have_one_order_and_trade_includes_read() -> None:
    assert scopes_checked(["trade"]) == ["read", "trade"]
    assert scopes_checked([" trade", "read "]) == ["read", "trade"]
    assert scopes_checked(["read"]) == ["read"]
    for wrong in ([], ["admin"], ["read", ""]):
        with pytest.raises(ApiKeyError) as refused:
            scopes_checked(wrong)
        assert refused.value.field == "scopes"


def test_revoked_expired_and_inactive_open_nothing(user: User) -> None:
    revoked, first = api_key_create(user, name="a", scopes=["read"])
    _, second = api_key_create(user, name="b", scopes=["read"], expires_at=NOW)
    api_key_revoke(user, revoked.pk, now=NOW)
    assert api_key_authenticate(first, now=NOW) is None
    assert api_key_authenticate(second, now=NOW - timedelta(seconds=1)) is not None
    assert api_key_authenticate(second, now=NOW) is None
    _, third = api_key_create(user, name="c", scopes=["read"])
    User.objects.update(is_active=False)
    assert api_key_authenticate(third, now=NOW) is None


def test_revoking_is_once_and_only_by_the_owner(user: User) -> None:
    key, _ = api_key_create(user, name="a", scopes=["read"])
    other = User.objects.create_user("bob@example.org")
    with pytest.raises(ApiKeyError):
        api_key_revoke(other, key.pk, now=NOW)
    api_key_revoke(user, key.pk, now=NOW)
    api_key_revoke(user, key.pk, now=NOW + timedelta(days=1))
    key.refresh_from_db()
    assert key.revoked_at == NOW


def test_use_is_noted_once_a_minute(user: User) -> None:
    key, secret = api_key_create(user, name="a", scopes=["read"])
    for seconds, noted in ((0, 0), (59, 0), (61, 61)):
        api_key_authenticate(secret, now=NOW + timedelta(seconds=seconds))
        key.refresh_from_db()
        assert key.last_used_at == NOW + timedelta(seconds=noted)


def test_active_keys_are_limited(user: User) -> None:
    for number in range(MAX_ACTIVE_KEYS):
        api_key_create(user, name=str(number), scopes=["read"])
    with pytest.raises(ApiKeyError) as refused:
        api_key_create(user, name="one more", scopes=["read"])
    assert refused.value.code == "too_many_keys"
    api_key_revoke(user, ApiKey.objects.filter(user=user)[0].pk, now=NOW)
    api_key_create(user, name="one more", scopes=["read"])


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_name_is_needed(user: User, name: str) -> None:
    with pytest.raises(ApiKeyError) as refused:
        api_key_create(user, name=name, scopes=["read"])
    assert refused.value.field == "name"


def test_the_command_prints_a_key_that_works(user: User) -> None:
    out = io.StringIO()
    call_command("api_key_create", "ADA@example.org", "--scopes", "read,trade", stdout=out)
    key = api_key_authenticate(out.getvalue().strip(), now=NOW)
    assert key is not None
    assert key.scopes == ["read", "trade"]
    with pytest.raises(CommandError, match="no user"):
        call_command("api_key_create", "nobody@example.org")
    with pytest.raises(CommandError, match="scopes"):
        call_command("api_key_create", "ada@example.org", "--scopes", "admin")
