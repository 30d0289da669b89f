"""The list of indices and one index with its rules."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from indices import selectors
from indices.api.asking import PUBLIC, IndexQuery, PublicView, published_index
from indices.models import Index
from indices.selectors.indices import version_in_force


class IndexSerializer(serializers.Serializer[Any]):
    """An index and its figures at `as_of`. Changes are fractions; null where the index is younger."""

    slug = serializers.CharField()
    name = serializers.CharField()
    family = serializers.CharField()
    summary = serializers.CharField()
    level = serializers.FloatField(allow_null=True, help_text="Base 1000, chain-linked, net of costs.")
    change_1d = serializers.FloatField(allow_null=True)
    change_7d = serializers.FloatField(allow_null=True)
    change_30d = serializers.FloatField(allow_null=True)
    change_1y = serializers.FloatField(allow_null=True)
    change_since_base = serializers.FloatField(allow_null=True)
    max_drawdown = serializers.FloatField(allow_null=True, help_text="Worst fall from a peak; negative.")


class IndexListSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField()
    next = serializers.URLField(allow_null=True, help_text="Always null: indices come whole.")
    results = IndexSerializer(many=True)


class RulebookSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of the canonical JSON.")
    body = serializers.DictField(help_text="The rules that the engine runs.")


class IndexDetailSerializer(IndexSerializer):
    as_of = serializers.DateField()
    rulebook = RulebookSerializer()


class IndexListView(PublicView):
    @extend_schema(
        operation_id="indices_list",
        summary="Every index with its figures",
        tags=["Indices"],
        parameters=[IndexQuery],
        responses={(200, "application/json"): IndexListSerializer},
    )
    def get(self, request: Request) -> Response:
        as_of = IndexQuery.read(request)["as_of"]
        rows = [_figures(index, as_of) for index in selectors.index_list()]
        return Response({"as_of": as_of, "next": None, "results": rows}, headers=PUBLIC)


class IndexView(PublicView):
    @extend_schema(
        operation_id="indices_retrieve",
        summary="One index, its figures and its rules",
        tags=["Indices"],
        parameters=[IndexQuery],
        responses=IndexDetailSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        as_of = IndexQuery.read(request)["as_of"]
        index = published_index(slug)
        version = version_in_force(index)
        rulebook = {"version": version.version, "digest": version.digest, "body": version.body}
        return Response({**_figures(index, as_of), "as_of": as_of, "rulebook": rulebook}, headers=PUBLIC)


def _figures(index: Index, as_of: date) -> dict[str, Any]:
    performance = selectors.performance(index, as_of=as_of)
    names = (
        "level",
        "change_1d",
        "change_7d",
        "change_30d",
        "change_1y",
        "change_since_base",
        "max_drawdown",
    )
    return {
        "slug": index.slug,
        "name": index.name,
        "family": index.family,
        "summary": index.summary,
        **{name: getattr(performance, name) if performance else None for name in names},
    }


urlpatterns = [
    path("indices/", IndexListView.as_view(), name="indices"),
    path("indices/<slug:slug>/", IndexView.as_view(), name="index"),
]
