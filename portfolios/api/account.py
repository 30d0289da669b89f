"""Who the caller is here and what they hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios import selectors
from portfolios.api.base import AccountView, caller
from portfolios.api.fields import ExactField, UsdField
from portfolios.models import ApiKey
from signals import selectors as signal_selectors

ZERO = Decimal(0)


class MeSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()
    name = serializers.CharField()
    plan = serializers.CharField(help_text="Slug of the plan in force.")
    scopes = serializers.ListField(
        child=serializers.CharField(), help_text="What this key or session may do."
    )
    cash_usd = UsdField(help_text="Free to invest or withdraw.")
    reserved_usd = UsdField(help_text="Set aside for orders on their way.")
    market = serializers.CharField(help_text="Where prices come from: live, archived or simulated market.")
    market_time = serializers.DateTimeField(help_text="Market time, UTC.")


class PositionSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Token id, or `usd` for cash.")
    name = serializers.CharField()
    symbol = serializers.CharField()
    quantity = ExactField()
    price_usd = ExactField(
        source="price", allow_null=True, help_text="Null where the token has no price any more."
    )
    value_usd = UsdField()
    weight = ExactField(help_text="Fraction of the holding.")


class HoldingSerializer(serializers.Serializer[Any]):
    """Units of one index, and the tokens they stand for."""

    index = serializers.CharField(source="index_slug")
    name = serializers.CharField(source="index_name")
    personal = serializers.IntegerField(
        source="book_id",
        allow_null=True,
        help_text="Id of the personal portfolio it is: without units, else null.",
    )
    units = ExactField()
    reserved_units = ExactField(help_text="Part of `units` that a redemption has set aside.")
    unit_price_usd = UsdField(source="unit_price")
    value_usd = UsdField()
    invested_usd = UsdField(help_text="Average cost of the units still held.")
    gain_usd = UsdField(help_text="Value less cost; negative is a loss.")
    gain = ExactField(allow_null=True, help_text="`gain_usd` as a fraction of `invested_usd`.")
    positions = PositionSerializer(many=True)


class HoldingsSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(help_text="Market time of the prices, UTC.")
    value_usd = UsdField(help_text="All holdings together, cash not included.")
    next = serializers.URLField(allow_null=True, help_text="Always null: holdings come whole.")
    results = HoldingSerializer(many=True)


class MeView(AccountView):
    @extend_schema(
        operation_id="me_retrieve",
        summary="The caller, their plan and cash",
        tags=["Account"],
        responses=MeSerializer,
    )
    def get(self, request: Request) -> Response:
        user = caller(request)
        body = {
            "email": user.email,
            "name": user.name,
            "plan": selectors.plan_of(user).slug,
            "scopes": request.auth.scopes if isinstance(request.auth, ApiKey) else ["read", "trade"],
            "cash_usd": selectors.cash(user),
            "reserved_usd": selectors.reserved(user),
            "market": signal_selectors.market_label(),
            "market_time": signal_selectors.market_time(),
        }
        return Response(MeSerializer(body).data)


class HoldingsView(AccountView):
    @extend_schema(
        operation_id="holdings_list",
        summary="The caller's units of indices, looked through to the tokens",
        tags=["Account"],
        responses={(200, "application/json"): HoldingsSerializer},
    )
    def get(self, request: Request) -> Response:
        at = signal_selectors.market_time()
        held = selectors.holdings(caller(request), at=at)
        body = {
            "as_of": at,
            "value_usd": sum((row.value_usd for row in held), ZERO),
            "next": None,
            "results": held,
        }
        return Response(HoldingsSerializer(body).data)
