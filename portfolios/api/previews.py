"""What an order would do, before it is placed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import AccountView, caller
from portfolios.api.fields import ExactField, UsdField
from portfolios.api.orders import OrderBody
from portfolios.models import User
from portfolios.selectors import OrderPreview, invest_preview, redeem_preview, switch_preview
from portfolios.selectors.admission import percent_checked
from portfolios.services.payments import checked_amount


class PreviewLegSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    name = serializers.CharField()
    symbol = serializers.CharField()
    side = serializers.CharField(help_text="buy or sell")
    amount_usd = UsdField(help_text="USD traded at the mark, costs included.")
    share = ExactField(help_text="Fraction of all legs.")
    half_spread_usd = UsdField()
    impact_usd = UsdField(help_text="What the trade is expected to move the price by its own size.")
    fee_usd = UsdField(help_text="The venue's fee.")
    cost_usd = UsdField(help_text="The three together.")


class CashLineSerializer(serializers.Serializer[Any]):
    why = serializers.CharField(help_text="no_target, nothing_lacking or too_small")
    usd = UsdField()
    words = serializers.CharField()


class PreviewProblemSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class LegOfSwitchSerializer(serializers.Serializer[Any]):
    side = serializers.CharField()
    index = serializers.CharField(source="index_slug")
    name = serializers.CharField(source="index_name")
    amount_usd = UsdField(source="amount", help_text="What goes in, or what the units are worth now.")
    minimum_usd = UsdField(source="minimum", allow_null=True, help_text="The least that can be invested.")
    units = ExactField(help_text="Units expected to be issued, or redeemed.")
    unit_price_usd = UsdField(source="unit_price")
    half_spread_usd = UsdField()
    impact_usd = UsdField()
    fee_usd = UsdField()
    cost_usd = UsdField(help_text="All trading costs; inside `amount_usd`. No netting is assumed.")
    proceeds_usd = UsdField(source="proceeds", allow_null=True, help_text="Expected to be paid out.")
    from_cash_usd = UsdField(source="from_cash", help_text="Of it, what needs no trade.")
    cash_left = CashLineSerializer(many=True, help_text="What would stay as cash, and why.")
    management_rate = ExactField(allow_null=True, help_text="Fraction of the holding a year.")
    performance_rate = ExactField(allow_null=True, help_text="Fraction of a gain above the high-water mark.")
    waits = serializers.CharField(help_text="Why it would wait; may be empty.")
    problems = PreviewProblemSerializer(many=True, help_text="Why it would be refused now.")
    legs = PreviewLegSerializer(many=True)


class OrderPreviewSerializer(LegOfSwitchSerializer):
    into = LegOfSwitchSerializer(allow_null=True, help_text="Of a switch: the second leg.")


class OrderPreviewView(AccountView):
    """Nothing is stored and nothing moves: a key that may only read may ask too."""

    stores_nothing = True

    @extend_schema(
        operation_id="orders_preview",
        summary="What an order would buy or sell, cost and leave, at marks of now",
        description="Takes the body of an order. Every leg has its costs: half the spread, the price moved by its own "
        "size, the venue's fee. Underweights are bought first and overweights sold first, as in a dealing. Others who "
        "come or go in the same dealing can only make it cheaper. Nothing is stored.",
        tags=["Orders"],
        request=OrderBody,
        responses={(200, "application/json"): OrderPreviewSerializer},
        examples=[
            OpenApiExample(
                "Invest",
                value={"index": "global-100", "side": "invest", "amount": "100.00"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request, OrderBody)
        return Response(OrderPreviewSerializer(_preview(caller(request), body)).data)


def _preview(user: User, body: dict[str, Any]) -> OrderPreview:
    amount = checked_amount(body["amount"]) if "amount" in body else None
    if body["side"] == "invest" and amount is not None:
        return invest_preview(user, body["index"], amount)
    size = {
        "amount": amount,
        "units": body.get("units"),
        "percent": percent_checked(body["percent"]) if "percent" in body else None,
    }
    if body["side"] == "switch":
        return switch_preview(user, body["index"], body["into"], **size)
    return redeem_preview(user, body["index"], **size)
