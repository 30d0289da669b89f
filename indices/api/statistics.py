"""Figures of an index, its falls, months, and where the difference to its reference comes from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.urls import path, reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from indices import selectors
from indices.api.asking import PUBLIC, IndexQuery, PublicView, published_index
from indices.core.attribution import Attribution
from indices.core.formulas import FORMULAS
from indices.core.metrics import Figure, Period
from indices.models import Index
from signals import selectors as signal_selectors


class SpanQuery(IndexQuery):
    start = serializers.DateField(
        required=False, help_text="Figures count from the close of this day. Default: the first level."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        last = attrs.get("as_of") or signal_selectors.last_closed_day()
        if attrs.get("start", date.min) >= last:
            raise serializers.ValidationError(
                {"start": [f"{attrs['start']} must lie before {last}."]}, code="order"
            )
        return attrs


class IndexFigureSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Stable name.")
    name = serializers.CharField()
    unit = serializers.CharField(
        help_text="percent: a fraction, 0.1 is 10 %. ratio, days, count: as they are."
    )
    value = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(help_text="Why there is no value; empty where there is one.")
    formula = serializers.CharField(help_text="Where the formula is explained.")


class IndexColumnSerializer(serializers.Serializer[Any]):
    """One series over the same days. `against` are figures of the index against this series."""

    kind = serializers.ChoiceField(choices=["index", "twin", "market", "asset"])
    slug = serializers.CharField()
    name = serializers.CharField()
    figures = IndexFigureSerializer(many=True)
    against = IndexFigureSerializer(many=True)


class IndexCapacitySerializer(serializers.Serializer[Any]):
    limit_bps = serializers.IntegerField(help_text="A rebalance costs so many basis points of the index.")
    typical_usd = serializers.FloatField(
        allow_null=True, help_text="Median of the last twelve. Null: any size."
    )
    tightest_usd = serializers.FloatField(
        allow_null=True, help_text="Smallest of the last twelve. Null: any size."
    )


class IndexSpanSerializer(serializers.Serializer[Any]):
    index = serializers.CharField()
    first = serializers.DateField(help_text="Figures count from the close of this day.")
    as_of = serializers.DateField(help_text="The last day with a level.")


class IndexStatisticsSerializer(IndexSpanSerializer):
    days = serializers.IntegerField()
    columns = IndexColumnSerializer(many=True, help_text="The index, its reference, and bitcoin.")
    composition = IndexFigureSerializer(many=True)
    capacity = IndexCapacitySerializer(many=True)


class IndexFallSerializer(serializers.Serializer[Any]):
    depth = serializers.FloatField(help_text="Lowest level over the peak, less one; negative.")
    peak = serializers.DateField()
    trough = serializers.DateField()
    recovery = serializers.DateField(
        allow_null=True, help_text="First day back at the peak; null until then."
    )
    days = serializers.IntegerField(help_text="From the peak to the recovery, or until now.")


class IndexFallsSerializer(IndexSpanSerializer):
    results = IndexFallSerializer(many=True, help_text="The deepest first.")


class IndexPeriodSerializer(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    month = serializers.IntegerField(allow_null=True, help_text="Null for a year.")
    value = serializers.FloatField()
    is_whole = serializers.BooleanField(
        help_text="False where the span begins or ends inside; not annualised."
    )


class IndexMonthsSerializer(IndexSpanSerializer):
    months = IndexPeriodSerializer(many=True)
    years = IndexPeriodSerializer(many=True)


class IndexPartsSerializer(serializers.Serializer[Any]):
    """Fractions; `selection`, `weighting`, `overlay` and `cost` sum to `active`."""

    total = serializers.FloatField(help_text="Total return of the index.")
    reference = serializers.FloatField(help_text="Total return of the reference.")
    active = serializers.FloatField()
    selection = serializers.FloatField()
    weighting = serializers.FloatField()
    overlay = serializers.FloatField()
    cost = serializers.FloatField()


class IndexYearPartsSerializer(IndexPartsSerializer):
    year = serializers.IntegerField()


class IndexAttributionSerializer(IndexSpanSerializer):
    reference = serializers.CharField(help_text="Slug of the index or asset it is measured against.")
    reference_kind = serializers.ChoiceField(choices=["twin", "market", "asset"])
    whole = IndexPartsSerializer()
    years = IndexYearPartsSerializer(many=True)
    cost_share = serializers.FloatField(help_text="What trading costs took of the growth, fraction.")
    cash_share = serializers.FloatField(help_text="Mean share in stablecoins, fraction.")


class IndexStatisticsView(PublicView):
    @extend_schema(
        operation_id="indices_statistics",
        summary="Every figure of an index, its reference and bitcoin beside it over the same days",
        description="Nothing is stated per year under 365 days. Each figure names the place of its formula.",
        tags=["Indices"],
        parameters=[SpanQuery],
        responses={(200, "application/json"): IndexStatisticsSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        index, told = _told(request, slug)
        columns = [
            {
                "kind": column.kind,
                "slug": column.slug,
                "name": column.name,
                "figures": _figures(column.figures.values()),
                "against": _figures(column.against.values()),
            }
            for column in told.columns
        ]
        body = {
            **_span(told),
            "days": told.days,
            "columns": columns,
            "composition": _figures(told.composition.values()),
            "capacity": [
                {
                    "limit_bps": row.limit_bps,
                    "typical_usd": _finite(row.typical),
                    "tightest_usd": _finite(row.tightest),
                }
                for row in selectors.capacity(index, as_of=told.as_of)
            ],
        }
        return Response(body, headers=PUBLIC)


class IndexDrawdownsView(PublicView):
    @extend_schema(
        operation_id="indices_drawdowns",
        summary="Every fall from a peak, the deepest first",
        tags=["Indices"],
        parameters=[SpanQuery],
        responses={(200, "application/json"): IndexFallsSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        _, told = _told(request, slug)
        rows = [
            {
                "depth": fall.depth,
                "peak": fall.peak,
                "trough": fall.trough,
                "recovery": fall.recovery,
                "days": fall.days,
            }
            for fall in told.falls
        ]
        return Response({**_span(told), "results": rows}, headers=PUBLIC)


class IndexMonthlyView(PublicView):
    @extend_schema(
        operation_id="indices_monthly",
        summary="Returns by calendar month and year, oldest first",
        tags=["Indices"],
        parameters=[SpanQuery],
        responses={(200, "application/json"): IndexMonthsSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        _, told = _told(request, slug)
        body = {
            **_span(told),
            "months": [_period(period) for period in told.months],
            "years": [_period(period) for period in told.years],
        }
        return Response(body, headers=PUBLIC)


class IndexAttributionView(PublicView):
    @extend_schema(
        operation_id="indices_attribution",
        summary="Where the difference to the reference comes from: selection, weighting, overlay, cost",
        tags=["Indices"],
        parameters=[SpanQuery],
        responses={(200, "application/json"): IndexAttributionSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        query = SpanQuery.read(request)
        index = published_index(slug)
        found = selectors.attribution(index, as_of=query["as_of"], start=query.get("start"))
        if found is None:
            raise NotFound(f"{index.name} has no day in common with what it is measured against.")
        body = {
            "index": slug,
            "first": found.first,
            "as_of": found.as_of,
            "reference": found.against.slug,
            "reference_kind": found.against.kind,
            "whole": _parts(found.whole),
            "years": [{"year": year, **_parts(made)} for year, made in found.years],
            "cost_share": found.cost,
            "cash_share": found.cash,
        }
        return Response(body, headers=PUBLIC)


def _told(request: Request, slug: str) -> tuple[Index, selectors.Statistics]:
    query = SpanQuery.read(request)
    index = published_index(slug)
    told = selectors.statistics(index, as_of=query["as_of"], start=query.get("start"))
    if told is None:
        raise NotFound(f"{index.name} has no history on these days.")
    return index, told


def _span(told: selectors.Statistics) -> dict[str, Any]:
    return {"index": told.slug, "first": told.first, "as_of": told.as_of}


def _figures(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    page = reverse("indices:formulas")
    return [
        {
            "key": figure.key,
            "name": FORMULAS[figure.key].name,
            "unit": FORMULAS[figure.key].unit.replace("signed ", ""),
            "value": figure.value,
            "reason": figure.reason,
            "formula": f"{page}#{figure.key}",
        }
        for figure in figures
    ]


def _period(period: Period) -> dict[str, Any]:
    return {
        "year": period.year,
        "month": period.month or None,
        "value": period.value,
        "is_whole": period.is_whole,
    }


def _parts(made: Attribution) -> dict[str, float]:
    return {"total": made.total, "reference": made.reference, "active": made.active, **made.parts}


def _finite(value: float) -> float | None:
    return None if value == float("inf") else value


urlpatterns = [
    path("indices/<slug:slug>/statistics/", IndexStatisticsView.as_view(), name="index-statistics"),
    path("indices/<slug:slug>/drawdowns/", IndexDrawdownsView.as_view(), name="index-drawdowns"),
    path("indices/<slug:slug>/monthly/", IndexMonthlyView.as_view(), name="index-monthly"),
    path("indices/<slug:slug>/attribution/", IndexAttributionView.as_view(), name="index-attribution"),
]
