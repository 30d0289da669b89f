"""What a request for index data may ask, and the index that it asks about."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from indices import selectors
from indices.models import Index
from signals import selectors as signal_selectors

# Everything here is decided or measured once a day; an ETag makes asking again cheap.
PUBLIC = {"Cache-Control": "public, max-age=30"}


class IndexQuery(serializers.Serializer[Any]):
    """Parameters of an index read; one that is not declared is refused, so that a typo cannot change the answer."""

    as_of = serializers.DateField(
        required=False, help_text="A closed day, UTC. Default: the last closed day of the market clock."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"Unknown parameter. Known are: {known}."] for name in unknown},
                code="unknown_parameter",
            )
        return attrs

    def validate_as_of(self, value: date) -> date:
        last = signal_selectors.last_closed_day()
        if value > last:
            raise serializers.ValidationError(
                f"{value} lies after the last closed day, {last}.", code="future"
            )
        return value

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The parameters of `request`, `as_of` filled in. Raises ValidationError naming the parameter at fault."""
        query = cls(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        values = dict(query.validated_data)
        if "as_of" not in values:
            values["as_of"] = signal_selectors.last_closed_day()
        return values


class LevelQuery(IndexQuery):
    start = serializers.DateField(required=False, help_text="First day wanted. Default: the first there is.")
    end = serializers.DateField(required=False, help_text="Last day wanted. Default: `as_of`.")
    known_at = serializers.DateTimeField(
        required=False,
        help_text="Wall clock, UTC: levels as published at that moment, before later restatements.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        last = attrs.get("as_of") or signal_selectors.last_closed_day()
        end = attrs.setdefault("end", last)
        if end > last:
            raise serializers.ValidationError({"end": [f"{end} lies after {last}."]}, code="future")
        if attrs.get("start", end) > end:
            raise serializers.ValidationError(
                {"start": [f"{attrs['start']} lies after the end, {end}."]}, code="order"
            )
        return attrs


class RebalanceQuery(IndexQuery):
    cursor = serializers.CharField(required=False, max_length=64, help_text="From `next`; opaque.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class PublicView(APIView):
    permission_classes = [AllowAny]


def published_index(slug: str) -> Index:
    """The index `slug` if the public may see it; NotFound otherwise."""
    try:
        index = selectors.index(slug)
    except selectors.IndexNotFound as error:
        raise NotFound(f"There is no index '{slug}'.") from error
    if not index.is_published:
        raise NotFound(f"There is no index '{slug}'.")
    return index


def day_written(day: date) -> str:
    """`day` as an opaque cursor."""
    return base64.urlsafe_b64encode(day.isoformat().encode()).decode()


def day_read(cursor: str) -> date:
    """The day in a cursor. Raises ValidationError for one that we did not write."""
    try:
        return date.fromisoformat(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError as error:
        message = {"cursor": ["Take the cursor from `next` as it is."]}
        raise serializers.ValidationError(message, code="invalid_cursor") from error
