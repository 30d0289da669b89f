"""The features over the API. Public."""

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
from signals.core import clock, features


class FeatureSerializer(serializers.Serializer[Any]):
    """One data point per token and day, made from data at or before that day."""

    name = serializers.CharField()
    category = serializers.ChoiceField(choices=list(features.CATEGORIES))
    inputs = serializers.ListField(child=serializers.ChoiceField(choices=list(features.INPUTS)))
    window_days = serializers.IntegerField(source="window", help_text="Days read, the day itself included.")
    unit = serializers.CharField()
    shared = serializers.BooleanField(help_text="One value per day for all tokens.")
    needs = serializers.ListField(
        child=serializers.CharField(),
        help_text="Observations beside the candles that it is made from; empty where candles are enough.",
    )
    formula = serializers.CharField()
    origin = serializers.CharField(source="source", help_text="Who published it.")


class CatalogueSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="How many candles alone allow.")
    per_token = serializers.IntegerField(help_text="How many of these are a token's own, not shared by all.")
    observed = serializers.IntegerField(help_text="How many more there are where a token is observed.")
    results = FeatureSerializer(many=True)


class FeatureCatalogueView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="features_catalogue",
        summary="Every feature: formula, inputs, window, unit and source",
        tags=["Features"],
        responses={(200, "application/json"): CatalogueSerializer},
    )
    def get(self, request: Request) -> Response:
        found = features.catalogue()
        candles = [feature for feature in found if not feature.needs]
        own = sum(not feature.shared for feature in candles)
        body = {
            "count": len(candles),
            "per_token": own,
            "observed": len(found) - len(candles),
            "results": found,
        }
        return Response(CatalogueSerializer(body).data, headers=PUBLIC)


class TokenFeaturesQuery(MarketQuery):
    known_at = serializers.DateTimeField(
        required=False,
        help_text="A moment, UTC, from the close of `as_of` on: what was known then. The values of a day are stored "
        "once, from what was known at its close; a source that corrects itself changes later days only. Every "
        "moment gets the same answer.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        as_of = attrs.get("as_of") or selectors.last_closed_day()
        if "known_at" in attrs and attrs["known_at"] < clock.end_of_day(as_of):
            raise serializers.ValidationError(
                {"known_at": [f"The close of {as_of} was not known then; ask from the end of that day on."]},
                code="not_yet_known",
            )
        return attrs


class FeatureValueSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(source="feature.name")
    category = serializers.ChoiceField(source="feature.category", choices=list(features.CATEGORIES))
    unit = serializers.CharField(source="feature.unit")
    shared = serializers.BooleanField(source="feature.shared", help_text="One value for all tokens.")
    value = serializers.FloatField(allow_null=True, help_text="Null: missing.")


class CoverageSerializer(serializers.Serializer[Any]):
    known = serializers.IntegerField(help_text="Of the token's own features that candles allow.")
    possible = serializers.IntegerField(help_text="How many of these there are.")
    share = serializers.FloatField(help_text="known / possible.")
    observed = serializers.IntegerField(help_text="Known besides, from on-chain, derivatives or news data.")


class TokenFeaturesSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    as_of = serializers.DateField()
    day = serializers.DateField(help_text="The close they were made from, at most 8 days before `as_of`.")
    set_version = serializers.CharField(help_text="Digest of the names and their order.")
    coverage = CoverageSerializer()
    results = FeatureValueSerializer(many=True)


class TokenFeaturesView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="tokens_features",
        summary="All features of one token at a day; null is missing",
        tags=["Features"],
        parameters=[TokenFeaturesQuery],
        responses={(200, "application/json"): TokenFeaturesSerializer},
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 - the name in the path
        as_of = TokenFeaturesQuery.read(request)["as_of"]
        if not selectors.assets_by_slug([id]):
            raise NotFound(f"There is no token '{id}'.")
        sheet = selectors.feature_sheet(id, as_of=as_of)
        if sheet is None:
            since = selectors.features_since()
            kept = f"the first day that has any is {since}" if since else "no day has any yet"
            raise NotFound(f"No features of '{id}' are stored for the week up to {as_of}; {kept}.")
        body = {
            "token": id,
            "as_of": as_of,
            "day": sheet.day,
            "set_version": sheet.set_version,
            "coverage": {
                "known": sheet.known,
                "possible": sheet.possible,
                "share": sheet.coverage,
                "observed": sheet.observed,
            },
            "results": [line for group in sheet.groups for line in group.lines],
        }
        return Response(TokenFeaturesSerializer(body).data, headers=PUBLIC)


urlpatterns = [
    path("tokens/<slug:id>/features/", TokenFeaturesView.as_view(), name="token-features"),
    path("features/catalogue/", FeatureCatalogueView.as_view(), name="features-catalogue"),
]
