"""What every account route shares: refusals of the money services as problems, and one effect per Idempotency-Key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolios.api.fields import BodySerializer
from portfolios.errors import MoneyError
from portfolios.models import User
from portfolios.services.idempotency import Answer, IdempotencyMismatchError, answer_once, fingerprint

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="1 to 128 visible ASCII characters of your choice, unique per request you mean. Sent again with the "
    "same body it returns the first answer and does nothing more.",
)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")

STATUSES = {
    "invalid_amount": 400,
    "below_minimum": 400,
    "unknown_index": 400,
    "unknown_plan": 400,
    "unknown_method": 400,
    "plan_required": 403,
    "unknown_order": 404,
    "unknown_switch": 404,
    "invalid_schedule": 400,
    "unknown_recurring": 404,
    "unknown_payment": 404,
    "unknown_destination": 404,
    "invalid_address": 400,
    "destination_required": 400,
    "payments_down": 503,
    "no_proof": 404,
    "address_unavailable": 503,
    "unknown_notice": 404,
    "invalid_preference": 400,
    "unknown_custom_index": 404,
    "invalid_rules": 400,
    "invalid_settings": 400,
    "unknown_personal": 404,
    "invalid_name": 400,
    "custom_index_limit": 403,
    "invalid_lots": 400,
}


class MoneyRefused(APIException):
    """A MoneyError as a problem: the caller's mistake is a 400, the state of the account a 409."""

    def __init__(self, error: MoneyError) -> None:
        super().__init__(error.message, error.code)
        self.status_code = STATUSES.get(error.code, 409)
        self.errors = [{"field": error.field, "code": error.code, "message": error.message}]


class KeyReused(APIException):
    status_code = 422
    default_code = "idempotency_mismatch"
    default_detail = "Nothing was done. This Idempotency-Key was used for another request. Use a new one."


class AccountView(APIView):
    """A route about the caller's own account. It counts against the account allowance, not that of market data."""

    rate_bucket = "account"

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, MoneyError):
            exc = MoneyRefused(exc)
        elif isinstance(exc, IdempotencyMismatchError):
            exc = KeyReused()
        return super().handle_exception(exc)

    def body(self, request: Request, serializer: type[BodySerializer]) -> dict[str, Any]:
        """The validated body. Raises ValidationError naming the field at fault; nothing has happened by then."""
        read = serializer(data=request.data)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)

    def answered(
        self, request: Request, act: Callable[[], Answer], *, apart: tuple[str, ...] = ()
    ) -> Response:
        """The response for `act()`; with an Idempotency-Key its effect happens once and its answer is kept.

        Fields of the body named in `apart` do not make it another request: a code that is fresh each time.
        """
        key = request.headers.get("Idempotency-Key")
        if key is None:
            answer = act()
        elif not _KEY.fullmatch(key):
            raise ValidationError(
                {"Idempotency-Key": ["Send 1 to 128 visible ASCII characters without spaces."]}
            )
        else:
            said = {name: value for name, value in dict(request.data).items() if name not in apart}
            mark = fingerprint(str(request.method), request.path, said)
            answer = answer_once(caller(request), key, mark, act)
        headers = {"Idempotent-Replayed": "true"} if answer.is_replay else None
        return Response(answer.body or None, status=answer.status, headers=headers)


def caller(request: Request) -> User:
    """The person behind the key or the session; the permission class has seen to it that there is one."""
    if not isinstance(request.user, User):
        raise TypeError("an account route was reached without a user")
    return request.user


def refuse(field: str, message: str, code: str) -> NoReturn:
    """Raise the 400 that names `field`."""
    raise ValidationError({field: [message]}, code=code)
