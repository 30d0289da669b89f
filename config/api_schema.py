"""How the API describes itself: every operation documents its problems, its headers and its ways to sign in."""

from __future__ import annotations

import functools
import threading
from typing import Any

import orjson
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny

from config.problems import CONTENT_TYPE, problem

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class ProblemErrorSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(
        help_text="The field or parameter at fault; empty where it is the request as a whole."
    )
    code = serializers.CharField()
    message = serializers.CharField(help_text="What was wrong and what to do.")


class ProblemSerializer(serializers.Serializer[Any]):
    """An RFC 9457 problem document."""

    type = serializers.CharField(help_text="urn:bellwether:problem:<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(
        help_text="What happened; where money was asked for, what happened to it first."
    )
    instance = serializers.CharField(help_text="The path that was asked.")
    code = serializers.CharField(help_text="Stable name of the problem.")
    errors = ProblemErrorSerializer(many=True)  # type: ignore[assignment]


PROBLEMS: dict[int, tuple[str, str, str, list[dict[str, str]]]] = {
    400: (
        "The request is not valid.",
        "validation_error",
        "as_of: 2031-01-01 lies after the last closed day, 2022-06-01.",
        [
            {
                "field": "as_of",
                "code": "future",
                "message": "2031-01-01 lies after the last closed day, 2022-06-01.",
            }
        ],
    ),
    401: (
        "No key, or not a valid one.",
        "not_authenticated",
        "Authentication credentials were not provided.",
        [],
    ),
    403: (
        "The key lacks a scope, or the plan does not include it.",
        "scope_required",
        "This key lacks the scope 'trade'. Nothing was done. Make a key that has it.",
        [],
    ),
    404: ("There is no such thing, or it is not yours.", "not_found", "There is no index 'global-1000'.", []),
    409: (
        "The state of your account does not allow it.",
        "insufficient_funds",
        "Nothing was moved. You asked for 100.00 USD and 40.00 USD are free.",
        [{"field": "amount", "code": "insufficient_funds", "message": "40.00 USD are free."}],
    ),
    413: (
        "The body is too large.",
        "body_too_large",
        "The body is larger than 65536 bytes. Nothing was done.",
        [],
    ),
    415: (
        "The body is not JSON.",
        "unsupported_media_type",
        'Unsupported media type "text/plain" in request.',
        [],
    ),
    422: (
        "The Idempotency-Key was used for another request.",
        "idempotency_mismatch",
        "Nothing was done. This Idempotency-Key was used for another request. Use a new one.",
        [],
    ),
    429: (
        "More requests than the plan allows.",
        "throttled",
        "Request was throttled. Expected available in 31 seconds.",
        [],
    ),
}

RATE_HEADERS = [
    OpenApiParameter(name, int, OpenApiParameter.HEADER, description=text, response=True)
    for name, text in (
        ("RateLimit-Limit", "Requests a minute that the plan allows."),
        ("RateLimit-Remaining", "Requests left in the present window."),
        ("RateLimit-Reset", "Seconds until the window ends."),
    )
]
RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, description="Seconds to wait.", response=[429]
)


class ProblemAwareSchema(AutoSchema):
    """Adds to every operation the problems it can answer with, an example of each, and the headers."""

    def get_override_parameters(self) -> list[Any]:
        return [*super().get_override_parameters(), *RATE_HEADERS, RETRY_AFTER]

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code in sorted(self._codes()):
            if str(code) not in bodies:
                bodies[str(code)] = self._get_response_for_code(
                    _documented(code, self.path), str(code), [CONTENT_TYPE], direction
                )
        return bodies

    def get_auth(self) -> list[Any]:
        """The ways to sign in as alternatives: one header is enough."""
        alternatives: list[Any] = []
        for way in super().get_auth():
            alternatives += [{name: scopes} for name, scopes in way.items()] or [{}]
        return alternatives

    def _codes(self) -> set[int]:
        codes = {400, 401, 429}
        if "{" in self.path:
            codes |= {404}
        if not any(isinstance(permission, AllowAny) for permission in self.view.get_permissions()):
            codes |= {403}
        if self.method in WRITES:
            codes |= {403, 409, 413, 415, 422}
        return codes


def _documented(code: int, path: str) -> OpenApiResponse:
    description, name, detail, errors = PROBLEMS[code]
    example = problem(status=code, code=name, detail=detail, instance=path, errors=errors)
    return OpenApiResponse(
        response=ProblemSerializer,
        description=description,
        examples=[
            OpenApiExample(
                name, value=example, media_type=CONTENT_TYPE, response_only=True, status_codes=[str(code)]
            )
        ],
    )


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "portfolios.authentication.ApiKeyAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key."},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
        ]


_lock = threading.Lock()


def schema_bytes() -> bytes:
    """The OpenAPI document as JSON. Made once per process: the generator is not safe under threads."""
    with _lock:
        return _generated()


@functools.cache
def _generated() -> bytes:
    return orjson.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str)
