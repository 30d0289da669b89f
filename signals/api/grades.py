"""The grades of one token over the API: those in force, why, and their history. Public."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
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

SIGNALS = (1, 0, -1)
WHOLE = 36_500
"""Days: all of the history."""


class GradesQuery(MarketQuery):
    start = serializers.DateField(
        required=False, help_text="First day of the history. Default: the first one graded."
    )
    end = serializers.DateField(required=False, help_text="Last day of the history. Default: `as_of`.")
    cursor = serializers.CharField(required=False, max_length=512, help_text="From `next`; opaque.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        last = attrs.get("as_of") or selectors.last_closed_day()
        if attrs.get("end", last) > last:
            raise serializers.ValidationError(
                {"end": [f"{attrs['end']} lies after {last}, the day that is asked at."]}, code="future"
            )
        if "start" in attrs and attrs["start"] > attrs.get("end", last):
            raise serializers.ValidationError({"start": ["Must not lie after the end."]}, code="order")
        return attrs


class ContributionSerializer(serializers.Serializer[Any]):
    """What one feature did to the grade."""

    feature = serializers.CharField(help_text="A name of the catalogue.")
    rank = serializers.FloatField(
        allow_null=True, help_text="The token among all graded ones: -0.5 the lowest, 0.5 the highest."
    )
    contribution = serializers.FloatField(help_text="Part of the score; above 0 it raised the grade.")


class GradesInForceSerializer(serializers.Serializer[Any]):
    """Grades are hit rates: 58 means that of tokens graded so, 58 in 100 did better than the median token."""

    day = serializers.DateField(help_text="The close they were made from, at most 8 days before `as_of`.")
    trader_grade = serializers.FloatField(help_text="Over the next week.")
    investor_grade = serializers.FloatField(help_text="Over the next four weeks.")
    signal = serializers.ChoiceField(choices=SIGNALS)
    confidence = serializers.FloatField(help_text="0 to 1.")
    coverage = serializers.FloatField(help_text="Share of the model's features that are known, 0 to 1.")
    trader_grade_change_1d = serializers.FloatField(allow_null=True, help_text="Points since the day before.")
    trader_grade_change_7d = serializers.FloatField(allow_null=True, help_text="Points since a week before.")
    investor_grade_change_1d = serializers.FloatField(allow_null=True)
    investor_grade_change_7d = serializers.FloatField(allow_null=True)
    sentences = serializers.ListField(child=serializers.CharField(), help_text="Why, in plain words.")
    contributions = ContributionSerializer(many=True)
    trained_through = serializers.DateField(help_text="The model read nothing after this day.")


class GradePointSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    trader_grade = serializers.FloatField()
    investor_grade = serializers.FloatField()
    signal = serializers.ChoiceField(choices=SIGNALS)
    confidence = serializers.FloatField()


class GradesSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    as_of = serializers.DateField()
    grades = GradesInForceSerializer(allow_null=True, help_text="In force at `as_of`; null: not graded then.")
    next = serializers.URLField(allow_null=True)
    results = GradePointSerializer(many=True, help_text="History, newest first.")


class TokenGradesView(APIView):
    """The cursor pins `as_of`, so that a page never skips a day that is published meanwhile."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_grades",
        summary="Grades of one token: in force at `as_of`, why, and their history",
        tags=["Tokens"],
        parameters=[GradesQuery],
        responses={(200, "application/json"): GradesSerializer},
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        query = GradesQuery.read(request)
        if not selectors.assets_by_slug([id]):
            raise NotFound(f"There is no token '{id}'.")
        end = query.get("end", query["as_of"])
        if "cursor" in query:
            query["as_of"], end = _cursor_read(query["cursor"])
        start = query.get("start")
        days = (end - start).days + 1 if start is not None else WHOLE
        history = selectors.grade_history(id, as_of=end, days=days) if days > 0 else []
        page = history[-query["page_size"] :][::-1]
        following = None
        if len(history) > len(page):
            cursor = _cursor_written(query["as_of"], page[-1].as_of - timedelta(days=1))
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        body = {
            "token": id,
            "as_of": query["as_of"],
            "grades": _in_force(selectors.grade_asof(id, as_of=query["as_of"])),
            "next": following,
            "results": [_point(point) for point in page],
        }
        return Response(body, headers=PUBLIC)


def _in_force(row: selectors.GradeRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "day": row.as_of,
        "trader_grade": row.trader_grade,
        "investor_grade": row.investor_grade,
        "signal": row.signal,
        "confidence": row.confidence,
        "coverage": row.coverage,
        "trader_grade_change_1d": row.trader_change_1d,
        "trader_grade_change_7d": row.trader_change_7d,
        "investor_grade_change_1d": row.investor_change_1d,
        "investor_grade_change_7d": row.investor_change_7d,
        "sentences": row.sentences,
        "contributions": [
            {"feature": name, "rank": rank, "contribution": part} for name, rank, part in row.contributions
        ],
        "trained_through": row.trained_through,
    }


def _point(point: selectors.GradePoint) -> dict[str, Any]:
    return {
        "day": point.as_of,
        "trader_grade": point.trader_grade,
        "investor_grade": point.investor_grade,
        "signal": point.signal,
        "confidence": point.confidence,
    }


def _cursor_written(as_of: date, end: date) -> str:
    return base64.urlsafe_b64encode(json.dumps([as_of.isoformat(), end.isoformat()]).encode()).decode()


def _cursor_read(cursor: str) -> tuple[date, date]:
    try:
        as_of, end = (
            date.fromisoformat(day) for day in json.loads(base64.urlsafe_b64decode(cursor.encode()))
        )
        if not end <= as_of <= selectors.last_closed_day():
            raise ValueError("cursor: not one of ours")
    except (ValueError, TypeError) as error:
        message = {"cursor": ["Take the cursor from `next` as it is."]}
        raise serializers.ValidationError(message, code="invalid_cursor") from error
    return as_of, end


urlpatterns = [path("tokens/<slug:id>/grades/", TokenGradesView.as_view(), name="token-grades")]
