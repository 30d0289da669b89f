"""How the caller's money has done: the same report as on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import AccountView, caller
from portfolios.api.fields import ExactField, UsdField
from portfolios.core.returns import Rate, Step
from portfolios.selectors.returns import Performance, PeriodError, performance
from portfolios.selectors.returns.alternatives import FORMULAS, WORDS, Alternative
from portfolios.selectors.returns.attribution import Part
from portfolios.selectors.returns.figures import Figures
from portfolios.selectors.returns.report import PERIODS


class PerformanceQuery(serializers.Serializer[Any]):
    period = serializers.ChoiceField(choices=list(PERIODS), default="all")
    start = serializers.DateField(
        required=False, help_text="Begin at the close of this day instead of `period`."
    )
    as_of = serializers.DateField(
        required=False, help_text="End with the close of this day. Default: the last one."
    )
    index = serializers.CharField(
        required=False,
        help_text="Slug of an index, or `book-<id>` of a personal portfolio: one holding instead of all.",
    )
    rows = serializers.BooleanField(default=False, help_text="The rows that both returns follow from, too.")


class RateSerializer(serializers.Serializer[Any]):
    value = ExactField(allow_null=True, help_text="Fraction over `days`. Null with a reason.")
    per_year = ExactField(allow_null=True, help_text="Null under 365 days.")
    days = serializers.IntegerField()
    reason = serializers.CharField()


class StepSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    event = serializers.CharField()
    value_before_usd = UsdField()
    money_in_usd = UsdField()
    money_out_usd = UsdField()
    value_after_usd = UsdField()
    units_after = ExactField(allow_null=True)
    unit_price_usd = ExactField(allow_null=True)


class FiguresSerializer(serializers.Serializer[Any]):
    """value_start + money_in - money_out + gain = value_end."""

    first = serializers.DateField(allow_null=True)
    last = serializers.DateField(allow_null=True)
    value_start_usd = UsdField(source="value_start")
    money_in_usd = UsdField(source="money_in")
    money_out_usd = UsdField(source="money_out")
    value_end_usd = UsdField(source="value_end")
    gain_usd = UsdField(source="gain")
    time_weighted = RateSerializer()
    money_weighted = RateSerializer()
    timing = ExactField(allow_null=True, help_text="Money-weighted less time-weighted.")
    missing_closes = serializers.ListField(child=serializers.DateField(), source="gaps")


class AlternativeSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    words = serializers.CharField()
    formula = serializers.CharField()
    gain_usd = UsdField(source="gain", allow_null=True)
    difference_usd = UsdField(source="difference", allow_null=True, help_text="It, less the real gain.")
    value_usd = UsdField(source="value", allow_null=True)
    unpaid_usd = UsdField(source="unpaid", help_text="What was taken out and it could not have paid.")
    reason = serializers.CharField(help_text="Why there is no figure; empty where there is one.")


class SplitSerializer(serializers.Serializer[Any]):
    """The three sum to the gain of the holdings."""

    market_usd = UsdField(source="market")
    choice_usd = UsdField(source="choice")
    costs_usd = UsdField(source="costs")


class PartSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Slug of a token, or `orders`, `rebalances`, `fees`, `rest`.")
    name = serializers.CharField()
    usd = UsdField()


class TokensSerializer(serializers.Serializer[Any]):
    """All lines sum to the gain of the holdings."""

    tokens = PartSerializer(many=True)
    others = PartSerializer(many=True)


class HoldingPerformanceSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="What to ask for it by as `index`.")
    index = serializers.CharField(source="index_slug")
    name = serializers.CharField(source="index_name")
    figures = FiguresSerializer()
    alternatives = AlternativeSerializer(many=True)
    split = SplitSerializer(allow_null=True)


class PerformanceSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField()
    start = serializers.DateField(allow_null=True)
    period = serializers.CharField()
    index = serializers.CharField()
    figures = FiguresSerializer()
    holdings = HoldingPerformanceSerializer(many=True)
    elsewhere_usd = UsdField(source="elsewhere", help_text="Gain of the account that is no holding's.")
    alternatives = AlternativeSerializer(many=True)
    split = SplitSerializer(allow_null=True)
    tokens = TokensSerializer(allow_null=True, help_text="Null for spans over 366 days.")
    rows = StepSerializer(many=True, allow_null=True, help_text="Null unless asked for by `rows`.")


class PerformanceView(AccountView):
    @extend_schema(
        operation_id="performance_retrieve",
        summary="Returns of the caller's money, what they are made of, and what else it might have done",
        description="Time-weighted and money-weighted, net of all costs; nothing is stated per year under 365 days.",
        tags=["Account"],
        parameters=[PerformanceQuery],
        responses=PerformanceSerializer,
    )
    def get(self, request: Request) -> Response:
        query = PerformanceQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = dict(query.validated_data)
        with_rows = asked.pop("rows")
        try:
            report = performance(caller(request), **asked)
        except PeriodError as error:
            raise ValidationError({str(error).partition(":")[0]: [str(error)]}) from error
        return Response(PerformanceSerializer(_body(report, with_rows=with_rows)).data)


def _body(report: Performance, *, with_rows: bool) -> dict[str, Any]:
    return {
        "as_of": report.as_of,
        "start": report.start,
        "period": report.period,
        "index": report.index,
        "figures": _figures(report.figures),
        "holdings": [
            {
                "key": row.key,
                "index_slug": row.index_slug,
                "index_name": row.index_name,
                "figures": _figures(row.figures),
                "alternatives": _alternatives(row.alternatives),
                "split": row.split,
            }
            for row in report.holdings
        ],
        "elsewhere": report.elsewhere,
        "alternatives": _alternatives(report.alternatives),
        "split": report.split,
        "tokens": None
        if report.tokens is None
        else {"tokens": _parts(report.tokens.tokens), "others": _parts(report.tokens.others)},
        "rows": [_step(step) for step in report.figures.steps] if with_rows else None,
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        **{
            name: getattr(figures, name) for name in ("first", "last", "value_start", "money_in", "money_out")
        },
        "value_end": figures.value_end,
        "gain": figures.gain,
        "time_weighted": _rate(figures.time_weighted),
        "money_weighted": _rate(figures.money_weighted),
        "timing": figures.timing,
        "gaps": list(figures.gaps),
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {"value": rate.value, "per_year": rate.per_year, "days": rate.days, "reason": rate.reason}


def _alternatives(rows: Sequence[Alternative]) -> list[dict[str, Any]]:
    return [
        {
            "key": row.key,
            "title": row.title,
            "words": WORDS[row.key],
            "formula": FORMULAS[row.key],
            "gain": row.gain,
            "difference": row.difference,
            "value": row.value,
            "unpaid": row.unpaid,
            "reason": row.reason,
        }
        for row in rows
    ]


def _parts(parts: Sequence[Part]) -> list[dict[str, Any]]:
    return [{"key": part.key, "name": part.name, "usd": part.usd} for part in parts]


def _step(step: Step) -> dict[str, Any]:
    return {
        "day": step.day,
        "event": step.event,
        "value_before_usd": step.before_usd,
        "money_in_usd": step.in_usd,
        "money_out_usd": step.out_usd,
        "value_after_usd": step.after_usd,
        "units_after": step.units,
        "unit_price_usd": step.price,
    }
