"""What sources said of one token beside its price, as it was known at a moment. Public."""

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

FAMILIES = ("onchain", "derivatives", "sentiment")


class ObservationsQuery(MarketQuery):
    known_at = serializers.DateTimeField(
        required=False,
        help_text="A moment, UTC: of every day the version that was known then. Default: the close of `as_of`, "
        "which is what features were made from. A later moment shows what was revised since.",
    )
    family = serializers.ChoiceField(required=False, choices=FAMILIES)
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=400,
        default=30,
        help_text="Calendar days up to and with `as_of`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        now = selectors.market_time()
        if "known_at" in attrs and attrs["known_at"] > now:
            raise serializers.ValidationError(
                {"known_at": [f"Lies after market time, {now.isoformat()}."]}, code="future"
            )
        return attrs


class ObservationSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="The UTC day that the values speak of.")
    family = serializers.ChoiceField(choices=FAMILIES)
    origin = serializers.CharField(source="source", help_text="Who said so.")
    known_at = serializers.DateTimeField(help_text="From when on this version could be known.")
    values = serializers.DictField(
        child=serializers.FloatField(), help_text="Metric -> number; what is not known is left out."
    )


class ObservationsSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    as_of = serializers.DateField()
    results = ObservationSerializer(many=True)


class TokenObservationsView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_observations",
        summary="On-chain, derivatives and news figures of one token, as known at a moment; oldest first",
        tags=["Tokens"],
        parameters=[ObservationsQuery],
        responses={(200, "application/json"): ObservationsSerializer},
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        query = ObservationsQuery.read(request)
        if not selectors.assets_by_slug([id]):
            raise NotFound(f"There is no token '{id}'.")
        rows = selectors.observations(
            as_of=query["as_of"],
            known_at=query.get("known_at"),
            family=query.get("family"),
            days=query["days"],
            assets=[id],
        )
        body = {"token": id, "as_of": query["as_of"], "results": sorted(rows, key=lambda row: row.day)}
        return Response(ObservationsSerializer(body).data, headers=PUBLIC)


urlpatterns = [
    path("tokens/<slug:id>/observations/", TokenObservationsView.as_view(), name="token-observations")
]
