"""What every read of the market shares: its parameters, strictly, and how long the answer keeps."""

from __future__ import annotations

from datetime import date
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from signals import selectors

# The close of the last day changes only with the market clock; an ETag makes asking again cheap.
PUBLIC = {"Cache-Control": "public, max-age=30"}


class StrictQuery(serializers.Serializer[Any]):
    """Parameters of a read; one that is not declared is refused, so that a typo cannot change the answer."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"Unknown parameter. Known are: {known}."] for name in unknown},
                code="unknown_parameter",
            )
        return attrs

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The parameters of `request`. Raises ValidationError naming the parameter at fault."""
        query = cls(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


class MarketQuery(StrictQuery):
    """Parameters of a market read."""

    as_of = serializers.DateField(
        required=False, help_text="A closed day, UTC. Default: the last closed day of the market clock."
    )

    def validate_as_of(self, value: date) -> date:
        last = selectors.last_closed_day()
        if value > last:
            raise serializers.ValidationError(
                f"{value} lies after the last closed day, {last}.", code="future"
            )
        return value

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The parameters of `request`, `as_of` filled in. Raises ValidationError naming the parameter at fault."""
        values = super().read(request)
        if "as_of" not in values:
            values["as_of"] = selectors.last_closed_day()
        return values
