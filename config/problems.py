"""Every error of the API as one shape: an RFC 9457 problem document."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from portfolios.selectors.plans import PlansNotReady
from signals import selectors as signal_selectors

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

TITLES = {
    "validation_error": "The request is not valid",
    "parse_error": "The body could not be read",
    "not_authenticated": "A key or a login is needed",
    "authentication_failed": "The key is not valid",
    "permission_denied": "Not allowed",
    "scope_required": "The key lacks a scope",
    "plan_required": "Your plan does not include this",
    "not_found": "There is nothing here",
    "method_not_allowed": "This method is not allowed here",
    "not_acceptable": "Only JSON is spoken here",
    "unsupported_media_type": "Send JSON",
    "throttled": "Too many requests",
    "insufficient_funds": "Not enough money",
    "insufficient_units": "Not enough units",
    "invalid_amount": "The amount is not valid",
    "below_minimum": "The amount is too small",
    "unknown_index": "There is no such index",
    "index_not_ready": "The index cannot be bought yet",
    "invalid_rules": "The rules are not valid",
    "unknown_custom_index": "You have no such index",
    "custom_index_limit": "Your plan keeps no more indices",
    "custom_index_in_use": "The index is in use",
    "invalid_settings": "The settings are not valid",
    "unknown_personal": "You have no such portfolio",
    "nothing_held": "There is nothing to sell",
    "unknown_plan": "There is no such plan",
    "plan_unchanged": "You are on this plan already",
    "unknown_method": "There is no such payment method",
    "payment_declined": "The payment was declined",
    "unknown_order": "There is no such order",
    "unknown_notice": "You have no such notice",
    "invalid_preference": "Notices cannot be sent that way",
    "invalid_schedule": "The days are not valid",
    "unknown_recurring": "You have no such plan",
    "plan_over": "The plan is over",
    "unknown_switch": "You have no such switch",
    "not_cancellable": "It is too late to cancel",
    "invalid_pause": "Nothing was paused or ended",
    "address_unavailable": "There is no deposit address",
    "invalid_transfer": "The transfer cannot be let through",
    "no_proof": "There is no proof to show",
    "unknown_payment": "There is no such payment",
    "payments_down": "The payment provider does not answer",
    "daily_limit": "The limit of the day is reached",
    "receivable_open": "Money is owed",
    "invalid_address": "The address is not valid",
    "destination_listed": "The address is on your list",
    "unknown_destination": "The address is not on your list",
    "destination_required": "An address is needed",
    "destination_not_yet": "The address cannot be used yet",
    "approval_refused": "You may not decide this",
    "code_required": "A fresh code is needed",
    "reauthentication_required": "Say again who you are",
    "fee_refused": "The fee was left as it is",
    "invalid_lots": "The lots are not valid",
    "tax_year_closed": "The tax year is closed",
    "tax_year_open": "The tax year is not over",
    "conflict": "The reference was used for something else",
    "money_error": "No money was moved",
    "idempotency_mismatch": "This Idempotency-Key was used for another request",
    "body_too_large": "The body is too large",
    "market_not_loaded": "There is no market data yet",
    "server_error": "Something broke on our side",
}


class MarketNotReady(exceptions.APIException):
    status_code = 503
    default_code = "market_not_loaded"
    default_detail = (
        "No market data has been loaded yet. Try again when the platform has finished setting up."
    )


class PermanentRedirect(HttpResponseRedirect):
    """308: unlike 301 it keeps the method and the body."""

    status_code = 308


def problem(
    *, status: int, code: str, detail: str, instance: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The body of one problem document. `errors` lists what is wrong field by field and may be empty."""
    return {
        "type": f"urn:bellwether:problem:{code}",
        "title": TITLES.get(code) or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        "errors": errors or [],
    }


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler: answers any exception of an API view with a problem document.

    What nobody foresaw is logged with its traceback and answered 500 without detail.
    """
    request = context["request"]
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, signal_selectors.MarketNotLoaded | PlansNotReady):
        error = MarketNotReady()
    elif isinstance(error, signal_selectors.NotYetKnown):
        error = exceptions.ValidationError({"as_of": [str(error).removeprefix("as_of: ")]}, code="future")
    set_rollback()
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.APIException):
        body = _described(error, request.path)
        if header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = header
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = str(int(wait))
    else:
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
        body = problem(
            status=500,
            code="server_error",
            detail="The request was not completed; what it had begun was undone. Try again with the same "
            "Idempotency-Key, and tell us if it goes on.",
            instance=request.path,
        )
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _described(error: exceptions.APIException, instance: str) -> dict[str, Any]:
    errors = list(_flat(error.get_full_details()))
    if isinstance(error, exceptions.ValidationError):
        code = "validation_error"
        detail = " ".join(
            f"{line['field']}: {line['message']}" if line["field"] else line["message"] for line in errors
        )
    else:
        code = errors[0]["code"] if errors else error.default_code
        detail = " ".join(line["message"] for line in errors)
        errors = getattr(error, "errors", [])
    return problem(status=error.status_code, code=code, detail=detail, instance=instance, errors=errors)


def _flat(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested details as lines of field (dotted path), code and message."""
    if (
        isinstance(details, Mapping)
        and set(details) == {"message", "code"}
        and isinstance(details["message"], str)
    ):
        field = "" if path == "non_field_errors" else path
        yield {"field": field, "code": str(details["code"]), "message": str(details["message"])}
    elif isinstance(details, Mapping):
        for name, value in details.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(details, list):
        for value in details:
            yield from _flat(value, path)


def api_not_found(request: HttpRequest, path: str = "") -> HttpResponse:
    """Any path under /api/ that nothing else answers: a redirect where only the last slash is missing, else a 404
    problem document."""
    if not request.path.endswith("/") and _known(request.path + "/"):
        query = request.META.get("QUERY_STRING", "")
        return PermanentRedirect(request.path + "/" + (f"?{query}" if query else ""))
    body = problem(
        status=404,
        code="not_found",
        detail=f"Nothing answers at {request.path}. The API is described at /api/v1/schema/.",
        instance=request.path,
    )
    response = JsonResponse(body, status=404, content_type=CONTENT_TYPE)
    patch_vary_headers(response, ["Accept"])
    return response


def _known(path: str) -> bool:
    try:
        return resolve(path).func is not api_not_found
    except Resolver404:
        return False
