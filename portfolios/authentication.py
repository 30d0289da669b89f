"""Who is calling the API, and with which scope: a key in a header, or the session of the website."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from portfolios.models import ApiKey, User
from portfolios.services.api_keys import api_key_authenticate

if TYPE_CHECKING:
    # REST framework's views load this module, which is named in the settings.
    from rest_framework.views import APIView


class ScopeRequired(APIException):
    status_code = 403
    default_code = "scope_required"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY` or `X-API-Key: KEY`. No key at all leaves the question to the session."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        secret = self._secret(request)
        if secret is None:
            return None
        key = api_key_authenticate(secret, now=timezone.now())
        if key is None:
            raise AuthenticationFailed("The key is unknown, revoked or expired.")
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Bellwether API"'

    @staticmethod
    def _secret(request: Request) -> str | None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        header = request.headers.get("X-API-Key", "").strip()
        if scheme and scheme.lower() != "bearer":
            raise AuthenticationFailed("Authorization: use the form 'Bearer KEY'.")
        if scheme and not bearer.strip():
            raise AuthenticationFailed("Authorization: the key is missing after 'Bearer'.")
        if bearer and header and bearer.strip() != header:
            raise AuthenticationFailed("Authorization and X-API-Key carry different keys. Send one of them.")
        return bearer.strip() or header or None


class HasScope(BasePermission):
    """A caller is known, and a key has `read` for reads and `trade` for everything else. A session may do both."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        is_read = request.method in SAFE_METHODS or getattr(view, "stores_nothing", False)
        needed = "read" if is_read else "trade"
        if isinstance(request.auth, ApiKey) and needed not in request.auth.scopes:
            raise ScopeRequired(
                f"This key lacks the scope '{needed}'. Nothing was done. Make a key that has it."
            )
        return True
