"""Corrections of prices, and candles as they were known at a moment. Public."""

from __future__ import annotations

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
from signals.api.asking import PUBLIC, MarketQuery, StrictQuery


class RestatementListQuery(StrictQuery):
    token = serializers.CharField(required=False, max_length=96, default="", help_text="Only of this token.")
    cursor = serializers.IntegerField(
        required=False, min_value=0, max_value=10**7, default=0, help_text="From `next`."
    )
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class RestatementSerializer(serializers.Serializer[Any]):
    """One correction. Values are field -> USD."""

    id = serializers.IntegerField()
    token = serializers.CharField()
    day = serializers.DateField(help_text="The UTC day of the candle.")
    source = serializers.CharField()  # type: ignore[assignment]  # a field of that name, not the option of one
    old = serializers.DictField(child=serializers.FloatField(allow_null=True))
    new = serializers.DictField(child=serializers.FloatField())
    reason = serializers.CharField()
    evidence_url = serializers.URLField()
    is_restated = serializers.BooleanField(
        help_text="True where the candle and levels were corrected; false where this is only a notice."
    )
    treatment_reason = serializers.CharField(help_text="Why it was treated otherwise than by the policy.")
    applied_at = serializers.DateTimeField(
        help_text="Wall clock, UTC. From then on the new values are known."
    )
    effects = serializers.DictField(help_text="What changed, by index: levels, and decisions that stand.")


class RestatementPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = RestatementSerializer(many=True)


class RestatementListView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="restatements_list",
        summary="Corrections of prices that were published, the newest first",
        tags=["Tokens"],
        parameters=[RestatementListQuery],
        responses=RestatementPageSerializer,
    )
    def get(self, request: Request) -> Response:
        query = RestatementListQuery.read(request)
        size, offset = query["page_size"], query["cursor"]
        rows = selectors.notices(slug=query["token"], limit=size + 1, offset=offset)
        following = None
        if len(rows) > size:
            following = replace_query_param(request.build_absolute_uri(), "cursor", offset + size)
        return Response({"next": following, "results": [_row(row) for row in rows[:size]]}, headers=PUBLIC)


class RestatementView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="restatements_retrieve",
        summary="One correction",
        tags=["Tokens"],
        responses=RestatementSerializer,
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - the name in the path
        found = selectors.notices(ids=[id])
        if not found:
            raise NotFound(f"There is no published correction {id}.")
        return Response(_row(found[0]), headers=PUBLIC)


class CandleQuery(MarketQuery):
    days = serializers.IntegerField(
        required=False, min_value=1, max_value=10_000, default=365, help_text="Calendar days up to `as_of`."
    )
    known_at = serializers.DateTimeField(
        required=False,
        help_text="Wall clock, UTC: the candles as they were held at that moment, before later corrections. "
        "Default: as they are now.",
    )


class CandleSerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    open_usd = serializers.FloatField(allow_null=True)
    high_usd = serializers.FloatField(allow_null=True)
    low_usd = serializers.FloatField(allow_null=True)
    close_usd = serializers.FloatField()
    volume_usd = serializers.FloatField(allow_null=True)
    market_cap_usd = serializers.FloatField(allow_null=True)
    known_from = serializers.DateTimeField(
        allow_null=True,
        help_text="Since when these values are held; null: since the candle was first stored.",
    )


class CandlesSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    as_of = serializers.DateField()
    known_at = serializers.DateTimeField(allow_null=True)
    results = CandleSerializer(many=True)


class TokenCandlesView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_candles",
        summary="Daily candles of one token as they are known now, or were known at a moment; oldest first",
        tags=["Tokens"],
        parameters=[CandleQuery],
        responses={(200, "application/json"): CandlesSerializer},
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        query = CandleQuery.read(request)
        if not selectors.assets_by_slug([id]):
            raise NotFound(f"There is no token '{id}'.")
        known_at = query.get("known_at")
        bars = selectors.candle_history(id, as_of=query["as_of"], days=query["days"], known_at=known_at)
        rows = [
            {
                "date": bar.day,
                "open_usd": bar.open,
                "high_usd": bar.high,
                "low_usd": bar.low,
                "close_usd": bar.close,
                "volume_usd": bar.volume,
                "market_cap_usd": bar.market_cap,
                "known_from": bar.known_from,
            }
            for bar in bars
        ]
        body = {"token": id, "as_of": query["as_of"], "known_at": known_at, "results": rows}
        return Response(body, headers=PUBLIC)


def _row(row: selectors.Notice) -> dict[str, Any]:
    indices = [entry for entry in row.effects.get("indices", []) if entry.get("kind") != "custom"]
    return {
        "id": row.id,
        "token": row.slug,
        "day": row.day,
        "source": row.source,
        "old": row.old,
        "new": row.new,
        "reason": row.reason,
        "evidence_url": row.evidence_url,
        "is_restated": row.is_restated,
        "treatment_reason": row.treatment_reason,
        "applied_at": row.applied_at,
        "effects": {**row.effects, "indices": indices},
    }


urlpatterns = [
    path("restatements/", RestatementListView.as_view(), name="restatements"),
    path("restatements/<int:id>/", RestatementView.as_view(), name="restatement"),
    path("tokens/<slug:id>/candles/", TokenCandlesView.as_view(), name="token-candles"),
]
