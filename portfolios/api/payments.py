"""Money in and out over the API."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.fields import AmountField, BodySerializer, UsdField
from portfolios.models import Payment, User
from portfolios.selectors.payments import payment_queryset
from portfolios.services import payments
from portfolios.services.idempotency import Answer

EXAMPLE = OpenApiExample(
    "500 dollars", value={"amount": "500.00", "currency": "USD", "method": "sandbox"}, request_only=True
)


class PaymentBody(BodySerializer):
    amount = AmountField()
    currency = serializers.CharField(default="USD", max_length=8, help_text="USD.")
    method = serializers.CharField(default="sandbox", max_length=16)

    def validate_currency(self, value: str) -> str:
        if value != "USD":
            raise serializers.ValidationError(
                "Nothing was moved. Only USD is taken.", code="unknown_currency"
            )
        return value


class PaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    direction = serializers.CharField()
    method = serializers.CharField()
    currency = serializers.CharField()
    amount = UsdField()
    status = serializers.CharField(help_text="pending, completed or failed")
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


class PaymentView(GenericAPIView[Payment], AccountView):
    """Money between the caller's cash and the outside world: the list, newest first, and the write that moves it."""

    move: Callable[..., Payment]
    direction: str
    cursor_ordering = ("-created_at", "-id")
    serializer_class = PaymentSerializer

    def get_queryset(self) -> QuerySet[Payment]:
        return payment_queryset(caller(self.request), self.direction)

    def listed(self) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(PaymentSerializer(page or [], many=True).data)

    def moved(self, request: Request) -> Response:
        body = self.body(request, PaymentBody)
        user = caller(request)
        return self.answered(request, lambda: self._answer(user, body["amount"], body["method"]))

    def _answer(self, user: User, amount: Decimal, method: str) -> Answer:
        payment = type(self).move(user, amount, method, f"api:{uuid4()}")
        return Answer(201, dict(PaymentSerializer(payment).data))


class DepositsView(PaymentView):
    move = staticmethod(payments.deposit)
    direction = "deposit"

    @extend_schema(
        operation_id="deposits_list",
        summary="The caller's deposits, newest first",
        tags=["Money"],
        responses={(200, "application/json"): PaymentSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        return self.listed()

    @extend_schema(
        operation_id="deposits_create",
        summary="Put money in",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=PaymentBody,
        responses={201: PaymentSerializer},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        return self.moved(request)


class WithdrawalsView(PaymentView):
    move = staticmethod(payments.withdraw)
    direction = "withdrawal"

    @extend_schema(
        operation_id="withdrawals_list",
        summary="The caller's withdrawals, newest first",
        tags=["Money"],
        responses={(200, "application/json"): PaymentSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        return self.listed()

    @extend_schema(
        operation_id="withdrawals_create",
        summary="Take money out",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=PaymentBody,
        responses={201: PaymentSerializer},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        return self.moved(request)
