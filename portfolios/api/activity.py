"""Everything that happened to the caller's money, line by line."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import AccountView, caller
from portfolios.api.fields import ExactField, UsdField
from portfolios.selectors.activity import KINDS, ActivityFilter, history_page


class CostSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="trading_fee, spread, trading (both together), rounding, management_fee, performance_fee or plan"
    )
    title = serializers.CharField()
    usd = UsdField()


class ActivityLineSerializer(serializers.Serializer[Any]):
    """Over all lines the changes sum to the balances: free, set aside, and owed (negative)."""

    key = serializers.CharField(help_text="Names the line for good.")
    at = serializers.DateTimeField(help_text="Market time, UTC.")
    recorded_at = serializers.DateTimeField(help_text="Wall clock, UTC.")
    kind = serializers.ChoiceField(choices=list(KINDS))
    status = serializers.CharField()
    index = serializers.CharField(source="index_slug", help_text="Empty where no index is concerned.")
    title = serializers.CharField()
    detail = serializers.CharField()
    gross_usd = UsdField(allow_null=True, help_text="Before costs.")
    costs = CostSerializer(many=True)
    after_costs_usd = UsdField(allow_null=True, help_text="What went into units, or was paid out of them.")
    free_change_usd = UsdField(source="free_usd")
    set_aside_change_usd = UsdField(source="set_aside_usd")
    owed_change_usd = UsdField(source="owed_usd")
    net_change_usd = UsdField(source="net_usd")
    dollars_after_usd = UsdField(help_text="Free, set aside and owed together, after this line.")
    units_change = ExactField(source="units", allow_null=True)
    reference = serializers.CharField()


class ActivityPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    results = ActivityLineSerializer(many=True)


class ActivityQuery(serializers.Serializer[Any]):
    kind = serializers.ListField(child=serializers.ChoiceField(choices=list(KINDS)), required=False)
    index = serializers.CharField(required=False, max_length=64)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)
    before = serializers.DateTimeField(required=False)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class ActivityView(AccountView):
    @extend_schema(
        operation_id="activity_list",
        summary="The caller's activity with each cost, newest first",
        tags=["Account"],
        parameters=[
            OpenApiParameter("kind", str, many=True, enum=list(KINDS), description="Only these kinds."),
            OpenApiParameter("index", str, description="Only this index, by slug."),
            OpenApiParameter("since", OpenApiTypes.DATE, description="First market day."),
            OpenApiParameter("until", OpenApiTypes.DATE, description="Last market day."),
            OpenApiParameter("before", OpenApiTypes.DATETIME, description="As `next` has it."),
            OpenApiParameter("limit", int, description="Lines a page, 50 by default, 200 at most."),
        ],
        responses={(200, "application/json"): ActivityPageSerializer},
    )
    def get(self, request: Request) -> Response:
        given: dict[str, Any] = {name: request.query_params[name] for name in request.query_params}
        if "kind" in given:
            given["kind"] = request.query_params.getlist("kind")
        query = ActivityQuery(data=given)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        wanted = ActivityFilter(
            frozenset(asked.get("kind", ())), asked.get("index", ""), asked.get("since"), asked.get("until")
        )
        lines, older = history_page(caller(request), wanted, limit=asked["limit"], before=asked.get("before"))
        body = {"next": _next(request, older), "results": lines}
        return Response(ActivityPageSerializer(body).data)


def _next(request: Request, older: datetime | None) -> str | None:
    if older is None:
        return None
    kept = [
        (name, value)
        for name in request.query_params
        if name != "before"
        for value in request.query_params.getlist(name)
    ]
    return request.build_absolute_uri(f"?{urlencode([*kept, ('before', older.isoformat())])}")
