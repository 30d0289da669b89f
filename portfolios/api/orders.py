"""Orders: invest in an index, redeem units of it, switch to another, see what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller, refuse
from portfolios.api.fields import AmountField, BodySerializer, ExactField, UsdField
from portfolios.models import Order, User
from portfolios.selectors.orders import order, order_queryset, order_row
from portfolios.services import investing
from portfolios.services.idempotency import Answer

SIZES = ("amount", "units", "percent", "all")


class OrderBody(BodySerializer):
    """`invest` takes `amount`; `redeem` and `switch` take one of `amount`, `units`, `percent` and `all`."""

    index = serializers.CharField(max_length=64, help_text="Slug of the index.")
    side = serializers.ChoiceField(choices=["invest", "redeem", "switch"])
    into = serializers.CharField(
        max_length=64, required=False, help_text="Of a switch: slug of the index that is bought."
    )
    amount = AmountField(required=False, help_text="US dollars, at most two decimals.")
    units = AmountField(required=False, help_text="Units to redeem.")
    percent = AmountField(required=False, help_text="Of the free units, above 0 and up to 100.")
    all = serializers.BooleanField(required=False, help_text="True redeems every unit.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        sizes = [name for name in SIZES if attrs.get(name) not in (None, False)]
        if attrs["side"] == "invest" and sizes != ["amount"]:
            field = next((name for name in sizes if name != "amount"), "amount")
            refuse(
                field,
                "To invest, send `amount` and nothing else of amount, units, percent, all.",
                "invalid_size",
            )
        if attrs["side"] != "invest" and len(sizes) != 1:
            refuse(
                sizes[-1] if sizes else "amount",
                f"To {attrs['side']}, send one of amount, units, percent, all.",
                "invalid_size",
            )
        if (attrs["side"] == "switch") != ("into" in attrs):
            refuse("into", "A switch needs the index to go into; nothing else takes one.", "invalid_into")
        return attrs


class SwitchSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.CharField(
        help_text="selling, buying, done, cancelled or stopped (the money is cash)"
    )
    index = serializers.CharField(source="index_slug", help_text="Slug of the index that is redeemed.")
    into = serializers.CharField(source="into_slug", help_text="Slug of the index that is bought.")
    redeem_order = serializers.UUIDField(source="redeem_id")
    invest_order = serializers.UUIDField(
        source="invest_id", allow_null=True, help_text="Null until the first leg is settled."
    )
    proceeds_usd = UsdField(source="proceeds", allow_null=True, help_text="What went from leg to leg.")
    cost_usd = UsdField(help_text="Trading cost of both legs so far.")
    cancellable = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why it stopped or was cancelled; may be empty.")
    created_at = serializers.DateTimeField(help_text="Wall clock, UTC.")
    finished_at = serializers.DateTimeField(allow_null=True, help_text="Wall clock, UTC.")


class OrderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    index = serializers.CharField(source="index_slug")
    name = serializers.CharField(source="index_name")
    side = serializers.CharField(help_text="invest or redeem")
    status = serializers.CharField(help_text="accepted, dealing, settled or cancelled")
    amount = UsdField(allow_null=True, help_text="US dollars asked for.")
    percent = ExactField(allow_null=True, help_text="Per cent of the free units asked for.")
    units = ExactField(allow_null=True, help_text="Units issued, or to be redeemed.")
    unit_price_usd = UsdField(source="unit_price", allow_null=True)
    proceeds_usd = UsdField(source="proceeds", allow_null=True, help_text="Paid out by a redemption.")
    cost_usd = UsdField(
        help_text="This order's share of the real trading cost; it is inside amount and proceeds."
    )
    reason = serializers.CharField(help_text="Why it was cancelled or is waiting; may be empty.")
    stage = serializers.CharField(help_text="How far it is, in words.")
    progress = ExactField(help_text="How far it is, as a fraction.")
    cancellable = serializers.BooleanField()
    switch = SwitchSerializer(allow_null=True, help_text="The switch that it is a leg of.")
    created_at = serializers.DateTimeField(help_text="Wall clock, UTC.")
    placed_at = serializers.DateTimeField(help_text="Market time, UTC.")
    settled_at = serializers.DateTimeField(allow_null=True, help_text="Market time, UTC.")


class OrdersView(GenericAPIView[Order], AccountView):
    """The caller's orders, newest first."""

    cursor_ordering = ("-created_at", "-id")
    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        return order_queryset(caller(self.request))

    @extend_schema(
        operation_id="orders_list",
        summary="The caller's orders, newest first",
        tags=["Orders"],
        responses={(200, "application/json"): OrderSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(
            OrderSerializer([order_row(row) for row in page or []], many=True).data
        )

    @extend_schema(
        operation_id="orders_create",
        summary="Invest in an index, redeem units, or switch to another index",
        description="Answers 202: the money or the units are set aside, and the order joins the next dealing. "
        "Follow it at `/api/v1/orders/{id}/`. A switch answers with its first leg, and is one thing at "
        "`/api/v1/switches/{id}/`. What it would do and cost is told by `/api/v1/orders/preview/`.",
        tags=["Orders"],
        parameters=[IDEMPOTENCY_KEY],
        request=OrderBody,
        responses={202: OrderSerializer},
        examples=[
            OpenApiExample(
                "Invest",
                value={"index": "global-100", "side": "invest", "amount": "100.00"},
                request_only=True,
            ),
            OpenApiExample(
                "A quarter into another index",
                value={"index": "global-100", "side": "switch", "into": "top-10", "percent": "25"},
                request_only=True,
            ),
            OpenApiExample(
                "Redeem all", value={"index": "global-100", "side": "redeem", "all": True}, request_only=True
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request, OrderBody)
        user = caller(request)
        response = self.answered(request, lambda: Answer(202, _written(user, _placed(user, body))))
        response.headers["Location"] = reverse("api-v1:order", args=[response.data["id"]])
        return response


class OrderView(AccountView):
    """One order of the caller's. Somebody else's does not exist."""

    @extend_schema(
        operation_id="orders_retrieve", summary="One order", tags=["Orders"], responses=OrderSerializer
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        return Response(_written(caller(request), id))

    @extend_schema(
        operation_id="orders_cancel",
        summary="Cancel an order that no dealing has taken up yet",
        tags=["Orders"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): OrderSerializer},
    )
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        user = caller(request)
        return self.answered(request, lambda: _cancelled(user, id))


def _placed(user: User, body: dict[str, Any]) -> UUID:
    if body["side"] == "invest":
        return investing.invest(user, body["index"], body["amount"]).pk
    size = {name: body[name] for name in SIZES if body.get(name)}
    if body["side"] == "switch":
        return investing.switch(user, body["index"], body["into"], **size).redeem_id
    return investing.redeem(user, body["index"], **size).pk


def _cancelled(user: User, order_id: UUID) -> Answer:
    _written(user, order_id)
    investing.order_cancel(user, order_id)
    return Answer(200, _written(user, order_id))


def _written(user: User, order_id: UUID) -> dict[str, Any]:
    row = order(user, order_id)
    if row is None:
        raise NotFound(f"You have no order {order_id}.")
    return dict(OrderSerializer(row).data)
