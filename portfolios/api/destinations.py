"""The addresses to which the caller's money may go."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.confirming import confirmed
from portfolios.api.fields import BodySerializer
from portfolios.models import WithdrawalDestination
from portfolios.selectors.payments import destination_queryset
from portfolios.services import payments
from portfolios.services.idempotency import Answer

EXAMPLE = OpenApiExample(
    "A bank account",
    value={"method": "sandbox", "address": "DE89 3704 0044 0532 0130 00", "name": "Savings"},
    request_only=True,
)


class DestinationBody(BodySerializer):
    method = serializers.CharField(max_length=16)
    address = serializers.CharField(max_length=160)
    name = serializers.CharField(required=False, default="", allow_blank=True, max_length=80)
    code = serializers.CharField(
        required=False,
        max_length=12,
        help_text="A fresh code of your authenticator app, where your account has one.",
    )


class DestinationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    method = serializers.CharField()
    address = serializers.CharField()
    name = serializers.CharField(source="label", help_text="What its owner calls it; may be empty.")
    created_at = serializers.DateTimeField()
    usable_from = serializers.DateTimeField(help_text="A new address waits for a day.")
    is_usable = serializers.SerializerMethodField()

    def get_is_usable(self, row: WithdrawalDestination) -> bool:
        now: datetime = self.context["now"]
        return row.usable_from <= now


class DestinationsView(GenericAPIView[WithdrawalDestination], AccountView):
    """The caller's addresses, newest first."""

    cursor_ordering = ("-created_at", "-id")
    serializer_class = DestinationSerializer

    def get_queryset(self) -> QuerySet[WithdrawalDestination]:
        return destination_queryset(caller(self.request))

    @extend_schema(
        operation_id="withdrawal_destinations_list",
        summary="The addresses to which the caller's money may go",
        tags=["Money"],
        responses={(200, "application/json"): DestinationSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(
            DestinationSerializer(page or [], many=True, context={"now": timezone.now()}).data
        )

    @extend_schema(
        operation_id="withdrawal_destinations_create",
        summary="Add an address, usable after a day",
        description="Needs `code` where the account has an authenticator app, else a key with the scope `withdraw`.",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=DestinationBody,
        responses={201: DestinationSerializer},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        body, user = self.body(request, DestinationBody), caller(request)

        def act() -> Answer:
            confirmed(request, body.get("code", ""))
            added = payments.destination_add(
                user, method=body["method"], address=body["address"], label=body["name"]
            )
            return Answer(201, dict(DestinationSerializer(added, context={"now": timezone.now()}).data))

        return self.answered(request, act, apart=("code",))


class DestinationView(AccountView):
    """One address of the caller's."""

    @extend_schema(
        operation_id="withdrawal_destinations_remove",
        summary="Remove an address and cancel what was set aside for it",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        user = caller(request)

        def act() -> Answer:
            payments.destination_remove(user, id)
            return Answer(204, {})

        return self.answered(request, act)
