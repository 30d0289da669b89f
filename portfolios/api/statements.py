"""Monthly statements of the caller."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import AccountView, caller
from portfolios.api.fields import UsdField
from portfolios.api.sheets import SheetSerializer
from portfolios.core.statement import month_named
from portfolios.models import Statement
from portfolios.selectors.statements import statement, statement_queryset


class StatementQuery(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=32_767, help_text="An earlier version; the newest by default."
    )


class StatementSerializer(serializers.Serializer[Any]):
    """opening + deposits - withdrawals + other + gains - costs = closing, to the cent."""

    month = serializers.DateField(format="%Y-%m", help_text="Like 2026-01.")
    version = serializers.IntegerField()
    note = serializers.CharField(help_text="Why there is a further version; else empty.")
    opening_usd = UsdField(source="opening")
    deposits_usd = UsdField(source="deposits")
    withdrawals_usd = UsdField(source="withdrawals")
    other_usd = UsdField(source="other")
    gains_usd = UsdField(source="gains", help_text="Before costs; negative is a loss.")
    costs_usd = UsdField(source="costs")
    closing_usd = UsdField(source="closing")
    digest = serializers.CharField(help_text="SHA-256 of the sheet in its canonical form.")
    pdf_digest = serializers.CharField(help_text="SHA-256 of the PDF.")
    as_of = serializers.DateTimeField(help_text="Market time of issue, UTC.")
    issued_at = serializers.DateTimeField(help_text="Wall clock, UTC.")


class WholeStatementSerializer(StatementSerializer):
    sheet = SheetSerializer(source="body")


class StatementsView(GenericAPIView[Statement], AccountView):
    """The newest version of each month, newest month first."""

    cursor_ordering = ("-month", "-id")
    serializer_class = StatementSerializer

    def get_queryset(self) -> QuerySet[Statement]:
        return statement_queryset(caller(self.request))

    @extend_schema(
        operation_id="statements_list",
        summary="The caller's monthly statements, newest first",
        tags=["Account"],
        responses={(200, "application/json"): StatementSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(StatementSerializer(page or [], many=True).data)


class StatementView(AccountView):
    @extend_schema(
        operation_id="statements_retrieve",
        summary="One statement, cell by cell",
        tags=["Account"],
        parameters=[StatementQuery],
        responses=WholeStatementSerializer,
    )
    def get(self, request: Request, month: str) -> Response:
        query = StatementQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        try:
            first = month_named(month)
        except ValueError as error:
            raise NotFound(str(error)) from error
        row = statement(caller(request), first, **query.validated_data)
        if row is None:
            raise NotFound(f"You have no statement of {month}.")
        return Response(WholeStatementSerializer(row).data)
