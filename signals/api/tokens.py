"""Tokens and what was known of them at a day. Public."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from signals import selectors
from signals.api.asking import PUBLIC, MarketQuery

ORDERS = (
    "-market_cap",
    "market_cap",
    "-volume",
    "volume",
    "-change_1d",
    "-change_7d",
    "-change_30d",
    "name",
    "slug",
    "-trader_grade",
    "trader_grade",
    "-investor_grade",
    "investor_grade",
    "-signal",
    "signal",
)
SIGNALS = (1, 0, -1)


class TokenListQuery(MarketQuery):
    search = serializers.CharField(
        required=False, max_length=64, default="", help_text="Part of name, symbol or id."
    )
    category = serializers.CharField(required=False, max_length=64, default="", help_text="A category slug.")
    signal = serializers.ChoiceField(
        required=False, choices=SIGNALS, help_text="Only tokens with this signal: 1, 0 or -1."
    )
    min_volume_usd = serializers.FloatField(
        required=False, min_value=0, help_text="Only tokens that traded at least so much on their last day."
    )
    order = serializers.ChoiceField(
        required=False,
        choices=ORDERS,
        default="-market_cap",
        help_text="A minus is descending. Unknown values come last either way.",
    )
    cursor = serializers.CharField(required=False, max_length=512, help_text="From `next`; opaque.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class TokenSerializer(serializers.Serializer[Any]):
    """A token and its last close at or before `as_of`. USD; changes are fractions; null is unknown."""

    id = serializers.CharField(
        help_text="The slug, which never changes. Symbols collide: do not use them as keys."
    )
    symbol = serializers.CharField()
    name = serializers.CharField()
    categories = serializers.ListField(child=serializers.CharField())
    day = serializers.DateField(help_text="The day of the close.")
    price_usd = serializers.FloatField()
    market_cap_usd = serializers.FloatField(allow_null=True)
    volume_usd = serializers.FloatField(allow_null=True)
    change_1d = serializers.FloatField(allow_null=True)
    change_7d = serializers.FloatField(allow_null=True)
    change_30d = serializers.FloatField(allow_null=True)
    trader_grade = serializers.FloatField(
        allow_null=True,
        help_text="0-100: of tokens graded like this, how many in 100 did better than the median in the next week.",
    )
    investor_grade = serializers.FloatField(allow_null=True, help_text="The same over the next four weeks.")
    signal = serializers.ChoiceField(choices=SIGNALS, allow_null=True, help_text="From both grades.")
    confidence = serializers.FloatField(allow_null=True, help_text="0 to 1.")
    graded_on = serializers.DateField(
        allow_null=True, help_text="The day of the grades, at most 8 days before `as_of`; null: not graded."
    )


class TokenPageSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField()
    next = serializers.URLField(allow_null=True)
    results = TokenSerializer(many=True)


class TokenDetailSerializer(TokenSerializer):
    as_of = serializers.DateField()


class TokenListView(APIView):
    """The page is pinned to its `as_of` and order by the cursor: rows neither repeat nor go missing on the way."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_list",
        summary="Tokens with a close in the week up to `as_of`",
        tags=["Tokens"],
        parameters=[TokenListQuery],
        responses=TokenPageSerializer,
    )
    def get(self, request: Request) -> Response:
        query = TokenListQuery.read(request)
        size = query["page_size"]
        offset = 0
        if "cursor" in query:
            query["as_of"], query["order"], offset = _cursor_read(query["cursor"])
        rows = selectors.asset_list(
            as_of=query["as_of"],
            search=query["search"],
            category=query["category"],
            signal=query.get("signal"),
            min_volume=query.get("min_volume_usd"),
            order=query["order"],
            limit=size + 1,
            offset=offset,
        )
        following = None
        if len(rows) > size:
            cursor = _cursor_written(query["as_of"], query["order"], offset + size)
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        body = {"as_of": query["as_of"], "next": following, "results": [_token(row) for row in rows[:size]]}
        return Response(body, headers=PUBLIC)


class TokenView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_retrieve",
        summary="One token at `as_of`",
        tags=["Tokens"],
        parameters=[MarketQuery],
        responses=TokenDetailSerializer,
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        as_of = MarketQuery.read(request)["as_of"]
        row = selectors.asset_row(id, as_of=as_of)
        if row is None:
            raise NotFound(f"There is no token '{id}' with a close in the week up to {as_of}.")
        return Response({**_token(row), "as_of": as_of}, headers=PUBLIC)


class PriceQuery(MarketQuery):
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=10_000,
        default=365,
        help_text="Calendar days up to and with `as_of`.",
    )
    known_at = serializers.DateTimeField(
        required=False,
        help_text="Wall clock, UTC: the closes as they were held at that moment, before later corrections.",
    )


class PriceSerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    close_usd = serializers.FloatField()


class PricesSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    as_of = serializers.DateField()
    results = PriceSerializer(many=True)


class TokenPricesView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_prices",
        summary="Daily closes of one token, oldest first; days without a close are left out",
        tags=["Tokens"],
        parameters=[PriceQuery],
        responses={(200, "application/json"): PricesSerializer},
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        query = PriceQuery.read(request)
        if not selectors.assets_by_slug([id]):
            raise NotFound(f"There is no token '{id}'.")
        history = selectors.price_history(
            id, as_of=query["as_of"], days=query["days"], known_at=query.get("known_at")
        )
        rows = [{"date": day, "close_usd": close} for day, close in history]
        return Response({"token": id, "as_of": query["as_of"], "results": rows}, headers=PUBLIC)


def _token(row: selectors.AssetRow) -> dict[str, Any]:
    return {
        "id": row.slug,
        "symbol": row.symbol,
        "name": row.name,
        "categories": row.categories,
        "day": row.day,
        "price_usd": row.price,
        "market_cap_usd": row.market_cap,
        "volume_usd": row.volume,
        "change_1d": row.change_1d,
        "change_7d": row.change_7d,
        "change_30d": row.change_30d,
        "trader_grade": row.trader_grade,
        "investor_grade": row.investor_grade,
        "signal": row.signal,
        "confidence": row.confidence,
        "graded_on": row.graded_on,
    }


def _cursor_written(as_of: date, order: str, offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([as_of.isoformat(), order, offset]).encode()).decode()


def _cursor_read(cursor: str) -> tuple[date, str, int]:
    try:
        day, order, offset = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        as_of = date.fromisoformat(day)
        if order not in ORDERS or type(offset) is not int or not 0 <= offset < 10**7:
            raise ValueError("cursor: not one of ours")
    except (ValueError, TypeError) as error:
        message = {"cursor": ["Take the cursor from `next` as it is."]}
        raise serializers.ValidationError(message, code="invalid_cursor") from error
    return as_of, order, offset


urlpatterns = [
    path("tokens/", TokenListView.as_view(), name="tokens"),
    path("tokens/<slug:id>/", TokenView.as_view(), name="token"),
    path("tokens/<slug:id>/prices/", TokenPricesView.as_view(), name="token-prices"),
]
