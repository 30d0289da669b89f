"""Switches: one wish, two orders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.orders import SwitchSerializer
from portfolios.models import Switch, User
from portfolios.selectors.orders import switch, switch_queryset, switch_row
from portfolios.services import investing
from portfolios.services.idempotency import Answer


class SwitchesView(GenericAPIView[Switch], AccountView):
    """The caller's switches, newest first. They are placed at `/api/v1/orders/`."""

    cursor_ordering = ("-created_at", "-id")
    serializer_class = SwitchSerializer

    def get_queryset(self) -> QuerySet[Switch]:
        return switch_queryset(caller(self.request))

    @extend_schema(
        operation_id="switches_list",
        summary="The caller's switches, newest first",
        tags=["Orders"],
        responses={(200, "application/json"): SwitchSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(
            SwitchSerializer([switch_row(row) for row in page or []], many=True).data
        )


class SwitchView(AccountView):
    """One switch of the caller's."""

    @extend_schema(
        operation_id="switches_retrieve", summary="One switch", tags=["Orders"], responses=SwitchSerializer
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        return Response(_written(caller(request), id))

    @extend_schema(
        operation_id="switches_cancel",
        summary="Cancel a switch while no dealing has taken up its leg",
        description="Before the units are sold they are free again; between the legs the money stays as cash.",
        tags=["Orders"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): SwitchSerializer},
    )
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        user = caller(request)
        return self.answered(request, lambda: _cancelled(user, id))


def _cancelled(user: User, switch_id: UUID) -> Answer:
    investing.switch_cancel(user, switch_id)
    return Answer(200, _written(user, switch_id))


def _written(user: User, switch_id: UUID) -> dict[str, Any]:
    row = switch(user, switch_id)
    if row is None:
        raise NotFound(f"You have no switch {switch_id}.")
    return dict(SwitchSerializer(row).data)
