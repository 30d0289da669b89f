"""The market's regime over the API. Public, point in time."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
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


class RegimeHistoryQuery(MarketQuery):
    start = serializers.DateField(required=False, help_text="First day wanted. Default: the first there is.")
    end = serializers.DateField(required=False, help_text="Last day wanted. Default: `as_of`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        last = attrs.get("as_of") or selectors.last_closed_day()
        end = attrs.setdefault("end", last)
        if end > last:
            raise serializers.ValidationError({"end": [f"{end} lies after {last}."]}, code="future")
        if attrs.get("start", end) > end:
            raise serializers.ValidationError(
                {"start": [f"{attrs['start']} lies after the end, {end}."]}, code="order"
            )
        return attrs


class RegimeSerializer(serializers.Serializer[Any]):
    """The regime at the close of `day`: how much of an index with the overlay stands in the market."""

    as_of = serializers.DateField()
    day = serializers.DateField(help_text="The last published day at or before `as_of`.")
    risk_share = serializers.FloatField(help_text="0, 0.25, 0.5, 0.75 or 1.")
    wanted = serializers.FloatField(
        allow_null=True, help_text="Before rounding and hysteresis; null where too little is known."
    )
    moved_on = serializers.DateField(
        allow_null=True, help_text="Day of the last move; null before the first."
    )
    leader = serializers.CharField(help_text="The largest token of the day; empty where there is none.")
    readings = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="What the market read that day. `trend_N`, `leader_N`: market and largest token against their mean "
        "of N days (fraction); `breadth` (share of tokens above their own mean); `volatility` (per year); "
        "`correlation`, `stablecoin_flow`, `leader_mvrv`, `leader_funding` (per 8 h) and `fear_greed` have no vote. "
        "Null is unknown.",
    )
    ledger = serializers.DictField(
        child=serializers.FloatField(allow_null=True),
        help_text="Running totals since the first day of following it, after cost, against staying in the market: "
        "`drawdown_avoided`, `loss_avoided`, `upside_missed`, `cash` (fractions), `switches`, `cost` and the sums "
        "behind them.",
    )


class RegimePointSerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    risk_share = serializers.FloatField()
    market = serializers.FloatField(
        help_text="What 1 in the market had become since the first published day."
    )
    followed = serializers.FloatField(help_text="The same with the regime, after cost.")


class RegimeHistorySerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField()
    start = serializers.DateField(allow_null=True)
    end = serializers.DateField()
    results = RegimePointSerializer(many=True)


class RegimeView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="regime_retrieve",
        summary="The market's regime: risk share, readings, and what it saved and cost so far",
        tags=["Regime"],
        parameters=[MarketQuery],
        responses=RegimeSerializer,
    )
    def get(self, request: Request) -> Response:
        as_of = MarketQuery.read(request)["as_of"]
        found = selectors.regime_day(as_of=as_of)
        if found is None:
            raise NotFound(f"No regime was published at or before {as_of}.")
        body = {
            "as_of": as_of,
            "day": found.day,
            "risk_share": found.risk_share / 100,
            "wanted": found.wanted,
            "moved_on": found.moved_on,
            "leader": found.leader,
            "readings": found.readings,
            "ledger": found.ledger,
        }
        return Response(body, headers=PUBLIC)


class RegimeHistoryView(APIView):
    """A whole range in one answer, as the levels of an index."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="regime_history",
        summary="The regime day by day, oldest first",
        tags=["Regime"],
        parameters=[RegimeHistoryQuery],
        responses={(200, "application/json"): RegimeHistorySerializer},
    )
    def get(self, request: Request) -> Response:
        query = RegimeHistoryQuery.read(request)
        start: date | None = query.get("start")
        rows = [
            {
                "date": point.day,
                "risk_share": point.risk_share / 100,
                "market": point.passive,
                "followed": point.followed,
            }
            for point in selectors.regime_points(as_of=query["end"], start=start)
        ]
        body = {"as_of": query["as_of"], "start": start, "end": query["end"], "results": rows}
        return Response(orjson.dumps(body), headers=PUBLIC)


urlpatterns = [
    path("regime/", RegimeView.as_view(), name="regime"),
    path("regime/history/", RegimeHistoryView.as_view(), name="regime-history"),
]
