"""Money in and out over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.confirming import confirmed
from portfolios.api.fields import AmountField, BodySerializer, UsdField
from portfolios.models import Payment, User
from portfolios.selectors.payments import payment_of, payment_queryset
from portfolios.services import payments
from portfolios.services.idempotency import Answer

EXAMPLE = OpenApiExample(
    "500 dollars", value={"amount": "500.00", "currency": "USD", "method": "sandbox"}, request_only=True
)
TO_AN_ADDRESS = OpenApiExample(
    "To an address on your list",
    value={"amount": "500.00", "destination": "8f0e2c1a-5d0b-4a53-9f0e-6a2f7f0c9a11", "code": "123456"},
    request_only=True,
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


class WithdrawalBody(PaymentBody):
    """Without `destination` play money goes out at once. With one, `code` or the scope `withdraw` is needed."""

    destination = serializers.UUIDField(
        required=False, help_text="Id of an address on your list; it decides the method."
    )
    code = serializers.CharField(
        required=False,
        max_length=12,
        help_text="A fresh code of your authenticator app, where your account has one.",
    )


class PaymentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    direction = serializers.CharField()
    method = serializers.CharField()
    currency = serializers.CharField()
    amount = UsdField()
    status = serializers.CharField(
        help_text="Deposits: pending, completed, failed, expired, disputed, reversed. Withdrawals: held, "
        "awaiting_approval, sending, completed, failed, expired, cancelled."
    )
    reason = serializers.CharField(help_text="Why it failed or ended; may be empty.")
    destination = serializers.UUIDField(source="destination_id", allow_null=True)
    refunded = UsdField(help_text="Of a deposit: what went back to the card.")
    disputed = UsdField(help_text="Of a deposit: what the cardholder's bank has taken back.")
    page = serializers.SerializerMethodField(
        help_text="Path on this site where the person sees it, and pays a pending deposit."
    )
    created_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)

    def get_page(self, row: Payment) -> str:
        return reverse("portfolios:payment", args=[row.pk])


def written(payment: Payment) -> Answer:
    """201 for money that has moved, 202 for money on its way."""
    is_final = payment.status == Payment.Status.COMPLETED
    return Answer(201 if is_final else 202, dict(PaymentSerializer(payment).data))


class PaymentView(GenericAPIView[Payment], AccountView):
    """Money between the caller's cash and the outside world: the list, newest first, and the write that moves it."""

    direction: str
    cursor_ordering = ("-created_at", "-id")
    serializer_class = PaymentSerializer

    def get_queryset(self) -> QuerySet[Payment]:
        return payment_queryset(caller(self.request), self.direction)

    def listed(self) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(PaymentSerializer(page or [], many=True).data)


class DepositsView(PaymentView):
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
        description="A card is paid by a person: the answer is 202, pending, and `page` is where they pay.",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=PaymentBody,
        responses={201: PaymentSerializer, 202: PaymentSerializer},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        body, user = self.body(request, PaymentBody), caller(request)

        def act() -> Answer:
            return written(payments.deposit(user, body["amount"], body["method"], f"api:{uuid4()}"))

        return self.answered(request, act)


class WithdrawalsView(PaymentView):
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
        description="201: it was paid out. 202: it is set aside and sent by itself; it can be cancelled until then.",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=WithdrawalBody,
        responses={201: PaymentSerializer, 202: PaymentSerializer},
        examples=[EXAMPLE, TO_AN_ADDRESS],
    )
    def post(self, request: Request) -> Response:
        body, user = self.body(request, WithdrawalBody), caller(request)
        destination = body.get("destination")

        def act() -> Answer:
            if destination is not None:
                confirmed(request, body.get("code", ""))
            paid = payments.withdraw(
                user, body["amount"], body["method"], f"api:{uuid4()}", destination=destination
            )
            return written(paid)

        return self.answered(request, act, apart=("code",))


class DepositView(AccountView):
    """One deposit of the caller's."""

    @extend_schema(
        operation_id="deposits_retrieve", summary="One deposit", tags=["Money"], responses=PaymentSerializer
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        return Response(_own(caller(request), id, "deposit"))


class WithdrawalView(AccountView):
    """One withdrawal of the caller's. Somebody else's does not exist."""

    @extend_schema(
        operation_id="withdrawals_retrieve",
        summary="One withdrawal",
        tags=["Money"],
        responses=PaymentSerializer,
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        return Response(_own(caller(request), id, "withdrawal"))

    @extend_schema(
        operation_id="withdrawals_cancel",
        summary="Cancel a withdrawal that has not been sent",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): PaymentSerializer},
    )
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        user = caller(request)

        def act() -> Answer:
            _own(user, id, "withdrawal")
            return Answer(200, dict(PaymentSerializer(payments.withdrawal_cancel(user, id)).data))

        return self.answered(request, act)


def _own(user: User, payment_id: UUID, direction: str) -> dict[str, Any]:
    found = payment_of(user, payment_id)
    if found is None or found.direction != direction:
        raise NotFound(f"You have no {direction} {payment_id}.")
    return dict(PaymentSerializer(found).data)
