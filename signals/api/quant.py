"""The quant figures of one token over the API. Public."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from signals import selectors
from signals.api.asking import PUBLIC, MarketQuery


class FigureSerializer(serializers.Serializer[Any]):
    """One figure. `value` is null where it cannot be told, and `reason` says why."""

    name = serializers.CharField(
        help_text="return_1m, 3m, 6m, 12m and all, cagr, volatility, sharpe, sortino, calmar, max_drawdown, "
        "max_drawdown_all, var_95, cvar_95, daily_mean, daily_deviation, skew, kurtosis, tail_ratio, profit_factor"
    )
    title = serializers.CharField()
    unit = serializers.ChoiceField(choices=["fraction", "ratio"], help_text="A fraction of 0.05 is 5 %.")
    days = serializers.IntegerField(help_text="Days it was made from.")
    value = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    formula = serializers.CharField()


class RelationSerializer(serializers.Serializer[Any]):
    """Correlation and beta of daily returns over the last year."""

    name = serializers.CharField(
        help_text="`market`, or the id of a token: bitcoin and ether where they are."
    )
    days = serializers.IntegerField(help_text="Common days.")
    correlation = serializers.FloatField(allow_null=True)
    beta = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class PriceLevelSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["support", "resistance"])
    price_usd = serializers.FloatField(source="price")
    touches = serializers.IntegerField(help_text="Turning points that agree.")
    last_touch = serializers.DateField()
    distance = serializers.FloatField(help_text="Price / close - 1.")


class ScenarioSerializer(serializers.Serializer[Any]):
    """What the token would be worth. Arithmetic, not a forecast."""

    title = serializers.CharField()
    total_market_cap_usd = serializers.FloatField(source="total_cap")
    change = serializers.FloatField(help_text="Of the whole market, against today.")
    price_at_half_share_usd = serializers.SerializerMethodField()
    price_at_same_share_usd = serializers.SerializerMethodField()
    price_at_double_share_usd = serializers.SerializerMethodField()

    def get_price_at_half_share_usd(self, row: Any) -> float:
        return float(row.prices[0])

    def get_price_at_same_share_usd(self, row: Any) -> float:
        return float(row.prices[1])

    def get_price_at_double_share_usd(self, row: Any) -> float:
        return float(row.prices[2])


class FallSerializer(serializers.Serializer[Any]):
    """What the token did in a fall of the reference."""

    start = serializers.DateField()
    end = serializers.DateField()
    reference_change = serializers.FloatField(source="reference")
    change = serializers.FloatField(source="own", allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    is_open = serializers.BooleanField(help_text="May go deeper yet.")


class MethodsSerializer(serializers.Serializer[Any]):
    correlation = serializers.CharField()
    beta = serializers.CharField()
    levels = serializers.CharField()
    scenarios = serializers.CharField()
    falls = serializers.CharField()


class QuantSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(source="slug")
    as_of = serializers.DateField()
    day = serializers.DateField(help_text="The last close, at most 6 days before `as_of`.")
    first_day = serializers.DateField(help_text="The first close that is known.")
    price_usd = serializers.FloatField(source="price")
    market_cap_usd = serializers.FloatField(source="market_cap", allow_null=True)
    figures = FigureSerializer(many=True)
    relations = RelationSerializer(many=True)
    levels = PriceLevelSerializer(many=True)
    scenarios = ScenarioSerializer(many=True)
    scenarios_reason = serializers.CharField(allow_blank=True, help_text="Why there are no scenarios.")
    falls_of = serializers.CharField(source="reference", help_text="Whose falls; the id of a token.")
    falls = FallSerializer(many=True)
    methods = MethodsSerializer()


class TokenQuantView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_quant",
        summary="Return, risk, correlations, support and resistance, and what-ifs of one token",
        tags=["Tokens"],
        parameters=[MarketQuery],
        responses=QuantSerializer,
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        as_of = MarketQuery.read(request)["as_of"]
        if not selectors.assets_by_slug([id]):
            raise NotFound(f"There is no token '{id}'.")
        try:
            found = selectors.quant(id, as_of=as_of)
        except selectors.NoRecentClose as error:
            raise NotFound(str(error)) from error
        return Response(QuantSerializer(found).data, headers=PUBLIC)


urlpatterns = [path("tokens/<slug:id>/quant/", TokenQuantView.as_view(), name="token-quant")]
