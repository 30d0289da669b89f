"""Tax lots of the caller by calendar year."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.fields import AmountField, BodySerializer, ExactField
from portfolios.api.sheets import SheetSerializer
from portfolios.core.money import UNIT_SCALE, from_base
from portfolios.core.sheets import to_body
from portfolios.core.taxlots import Method
from portfolios.models import User
from portfolios.selectors.taxes import redemption_lots, tax_report, tax_sheet, tax_years
from portfolios.services import taxes
from portfolios.services.idempotency import Answer


class TaxYearBody(BodySerializer):
    method = serializers.ChoiceField(choices=[method.value for method in Method], required=False)
    close = serializers.BooleanField(required=False, help_text="True closes the year for good.")


class ChosenLotBody(serializers.Serializer[Any]):
    lot = serializers.IntegerField(
        min_value=1, help_text="The lot's number: the ledger entry that brought it."
    )
    units = AmountField()


class LotsBody(BodySerializer):
    lots = ChosenLotBody(many=True, help_text="Replaces an earlier choice; an empty list takes it back.")


class ChosenLotSerializer(serializers.Serializer[Any]):
    lot = serializers.IntegerField()
    units = ExactField()


class AvailableLotSerializer(serializers.Serializer[Any]):
    lot = serializers.IntegerField()
    acquired = serializers.DateField()
    units = ExactField()
    cost_usd = ExactField(allow_null=True, help_text="Null where it is not known.")


class RedemptionLotsSerializer(serializers.Serializer[Any]):
    order = serializers.UUIDField()
    year = serializers.IntegerField()
    available = AvailableLotSerializer(many=True)
    chosen = ChosenLotSerializer(many=True)


class TaxYearView(AccountView):
    """One calendar year. Its sheet is what page, CSV and PDF show."""

    @extend_schema(
        operation_id="taxes_retrieve",
        summary="What went out in a year, from which lots, and what was gained",
        tags=["Account"],
        responses=SheetSerializer,
    )
    def get(self, request: Request, year: int) -> Response:
        return Response(_sheet(caller(request), year))

    @extend_schema(
        operation_id="taxes_update",
        summary="Choose the rule of a year, or close it",
        tags=["Account"],
        parameters=[IDEMPOTENCY_KEY],
        request=TaxYearBody,
        responses={(200, "application/json"): SheetSerializer},
        examples=[OpenApiExample("Highest cost first", value={"method": "hifo"}, request_only=True)],
    )
    def patch(self, request: Request, year: int) -> Response:
        user, body = caller(request), self.body(request, TaxYearBody)
        _sheet(user, year)
        return self.answered(request, lambda: _changed(user, year, body))


class OrderLotsView(AccountView):
    """The lots that a redemption's units come from."""

    @extend_schema(
        operation_id="order_lots_retrieve",
        summary="Lots there are for a redemption, and those chosen",
        tags=["Account"],
        responses=RedemptionLotsSerializer,
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        return Response(_lots(caller(request), id))

    @extend_schema(
        operation_id="order_lots_update",
        summary="Choose the lots of a redemption",
        tags=["Account"],
        parameters=[IDEMPOTENCY_KEY],
        request=LotsBody,
        responses={(200, "application/json"): RedemptionLotsSerializer},
    )
    def put(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        user, body = caller(request), self.body(request, LotsBody)
        _lots(user, id)
        return self.answered(request, lambda: _chosen(user, id, body["lots"]))


def _sheet(user: User, year: int) -> dict[str, Any]:
    if year not in tax_years(user):
        raise NotFound(f"There is nothing of {year} here.")
    return dict(SheetSerializer(to_body(tax_sheet(tax_report(user, year)))).data)


def _changed(user: User, year: int, body: dict[str, Any]) -> Answer:
    if "method" in body:
        taxes.tax_method_set(user, year, body["method"])
    if body.get("close"):
        taxes.tax_year_close(user, year)
    return Answer(200, _sheet(user, year))


def _chosen(user: User, order_id: UUID, lots: list[dict[str, Any]]) -> Answer:
    wanted: dict[int, Decimal] = {}
    for line in lots:
        wanted[line["lot"]] = wanted.get(line["lot"], Decimal(0)) + line["units"]
    taxes.lots_choose(user, order_id, wanted)
    return Answer(200, _lots(user, order_id))


def _lots(user: User, order_id: UUID) -> dict[str, Any]:
    found = redemption_lots(user, None, order_id=order_id)
    if not found:
        raise NotFound(f"You have no redemption {order_id}.")
    row = found[0]
    body = {
        "order": row.order_id,
        "year": row.year,
        "available": [
            {
                "lot": int(lot.acquired.key),
                "acquired": lot.acquired.day,
                "units": from_base(lot.quantity, UNIT_SCALE),
                "cost_usd": None if lot.cost is None else from_base(lot.cost, 2),
            }
            for lot in row.lots
        ],
        "chosen": [{"lot": lot, "units": units} for lot, units in row.chosen.items()],
    }
    return dict(RedemptionLotsSerializer(body).data)
