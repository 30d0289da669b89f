"""What the house has taken from the caller."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios import selectors
from portfolios.api.base import AccountView, caller
from portfolios.api.fields import ExactField, UsdField
from portfolios.selectors.fees import fee_lines, holding_terms
from signals import selectors as signal_selectors


class FeesQuery(serializers.Serializer[Any]):
    start = serializers.DateField(required=False, help_text="First day, this one included.")
    end = serializers.DateField(required=False, help_text="Last day, this one included.")


class FeeLineSerializer(serializers.Serializer[Any]):
    """units = units_to_house x units_held / units_issued; usd = units x unit_price_usd."""

    day = serializers.DateField()
    index = serializers.CharField(source="index_slug")
    kind = serializers.ChoiceField(choices=["management", "performance"])
    rate = ExactField(help_text="Fraction a year (management) or of the gain (performance).")
    units_held = ExactField(source="held")
    units_issued = ExactField(source="issued")
    units_to_house = ExactField(source="issued_to_house")
    units = ExactField(help_text="The caller's part of `units_to_house`.")
    unit_price_usd = ExactField(source="unit_price")
    usd = UsdField()


class FeeTermsSerializer(serializers.Serializer[Any]):
    index = serializers.CharField(source="index_slug")
    management_rate = ExactField(source="terms.management_rate", help_text="Fraction a year.")
    performance_rate = ExactField(
        source="terms.performance_rate", help_text="Fraction of the gain; 0 is off."
    )
    later_from = serializers.DateField(
        source="terms.later.effective_from",
        default=None,
        allow_null=True,
        help_text="When announced ones apply.",
    )


class FeesSerializer(serializers.Serializer[Any]):
    total_usd = UsdField()
    terms = FeeTermsSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Always null: bound the days instead.")
    results = FeeLineSerializer(many=True)


class FeesView(AccountView):
    @extend_schema(
        operation_id="fees_list",
        summary="Every fee of every day that the caller's units have borne, with its arithmetic",
        tags=["Account"],
        parameters=[FeesQuery],
        responses={(200, "application/json"): FeesSerializer},
    )
    def get(self, request: Request) -> Response:
        query = FeesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        user = caller(request)
        lines = fee_lines(user, **query.validated_data)
        body = {
            "total_usd": sum((line.usd for line in lines), Decimal(0)),
            "terms": holding_terms(selectors.holdings(user), signal_selectors.last_closed_day()),
            "next": None,
            "results": lines,
        }
        return Response(FeesSerializer(body).data)
