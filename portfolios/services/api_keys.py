"""Keys with which programs act for a person. The secret is shown once; only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from portfolios.models import ApiKey, User

SCOPES = ("read", "trade", "withdraw")
MAX_ACTIVE_KEYS = 20
MAX_NAME = 80
# Writing the time of use on every request would turn each read into a write.
USE_NOTED_EVERY = timedelta(minutes=1)


class ApiKeyError(ValueError):
    """A key could not be made or found. `field` names the input, `message` says what to do."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.code = code
        self.field = field
        self.message = message


def api_key_create(
    user: User, *, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key of `user` and its secret, which cannot be had again.

    Each scope includes those before it: who may place an order may see what became of it. Raises ApiKeyError for an
    empty or long name, an unknown or missing scope, or more than 20 active keys.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise ApiKeyError("invalid_name", "name", f"Give the key a name of 1 to {MAX_NAME} characters.")
    granted = scopes_checked(scopes)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if ApiKey.objects.filter(user=user, revoked_at=None).count() >= MAX_ACTIVE_KEYS:
            raise ApiKeyError(
                "too_many_keys",
                "name",
                f"You have {MAX_ACTIVE_KEYS} active keys. Revoke one before making another.",
            )
        prefix = f"bw_{secrets.token_hex(4)}"
        secret = f"{prefix}_{secrets.token_urlsafe(32)}"
        key = ApiKey.objects.create(
            user=user, name=name, prefix=prefix, digest=_digest(secret), scopes=granted, expires_at=expires_at
        )
    return key, secret


def scopes_checked(scopes: Iterable[str]) -> list[str]:
    """`scopes` in their fixed order, each with those before it. Raises ApiKeyError for an unknown or no scope."""
    asked = {scope.strip() for scope in scopes}
    unknown = sorted(asked - set(SCOPES))
    if unknown or not asked:
        named = f"Unknown scope {', '.join(repr(scope) for scope in unknown)}. " if unknown else ""
        raise ApiKeyError("invalid_scopes", "scopes", f"{named}Choose from: {', '.join(SCOPES)}.")
    highest = max(SCOPES.index(scope) for scope in asked)
    return list(SCOPES[: highest + 1])


def api_key_revoke(user: User, key_id: int, *, now: datetime) -> None:
    """The key no longer opens anything. Revoking twice changes nothing. Raises ApiKeyError where `user` has no such
    key."""
    keys = ApiKey.objects.filter(user=user, pk=key_id)
    if not keys.exists():
        raise ApiKeyError("unknown_key", "key", "You have no such key.")
    keys.filter(revoked_at=None).update(revoked_at=now)


def api_key_authenticate(secret: str, *, now: datetime) -> ApiKey | None:
    """The key that `secret` opens, with its user; None where it is unknown, revoked, expired or its user inactive."""
    key = (
        ApiKey.objects.select_related("user")
        .filter(digest=_digest(secret), revoked_at=None, user__is_active=True)
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .first()
    )
    if key is not None:
        ApiKey.objects.filter(
            Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY), pk=key.pk
        ).update(last_used_at=now)
    return key


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()
