"""What a changed rule would have done: a backtest on request. Nothing is stored."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from indices import selectors
from indices.api.asking import PublicView
from indices.core import customising
from indices.core.backtest import BacktestError
from indices.core.customising import CLAUSES, Choices
from indices.core.levels import LevelError
from indices.core.rulebook import DecisionError, RulebookError
from indices.services import custom, preview
from signals import selectors as signal_selectors

UNNEEDED_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Accepted as for every POST, and not needed: a preview changes nothing.",
)


class PreviewBody(serializers.Serializer[Any]):
    """What is left out stays as in the base. A field that is not declared is refused."""

    base = serializers.CharField(max_length=64, help_text="Slug of the index that is changed.")
    start = serializers.DateField(
        required=False, help_text="First day; five years back at most, the default."
    )
    exclude = serializers.ListField(
        child=serializers.CharField(max_length=128),
        required=False,
        help_text="Token ids left out, on top of those of the base.",
    )
    exclude_categories = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, help_text="Categories left out as well."
    )
    count = serializers.IntegerField(
        required=False, help_text=f"{customising.FEWEST} to {customising.MOST} tokens."
    )
    scheme = serializers.CharField(
        required=False, max_length=32, help_text=f"{', '.join(customising.SCHEMES)}, or that of the base."
    )
    max_weight = serializers.FloatField(
        required=False, help_text="Fraction; times count it must reach 1 at least."
    )
    min_market_cap = serializers.FloatField(required=False, help_text="USD to enter.")
    frequency = serializers.CharField(
        required=False, max_length=16, help_text=f"{', '.join(customising.FREQUENCIES)}."
    )
    drift_band = serializers.FloatField(required=False, help_text="Fraction; 0 trades every difference.")
    regime = serializers.BooleanField(
        required=False, help_text="False switches the overlay off, where the base has it."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            known = ", ".join(self.fields)
            message = {name: [f"Unknown field. Known are: {known}."] for name in unknown}
            raise serializers.ValidationError(message, code="unknown_field")
        return attrs


class MetricsSerializer(serializers.Serializer[Any]):
    """Fractions; null where it cannot be told, which for yearly figures is under a year."""

    total_return = serializers.FloatField()
    cagr = serializers.FloatField(allow_null=True, help_text="Compound growth per year.")
    volatility = serializers.FloatField(allow_null=True, help_text="Of daily returns, x sqrt(365).")
    sharpe = serializers.FloatField(allow_null=True)
    max_drawdown = serializers.FloatField()
    turnover_per_year = serializers.FloatField(allow_null=True, help_text="Half of buys plus sells.")
    cost_total = serializers.FloatField(help_text="Share of the index that trading has cost.")
    rebalances = serializers.IntegerField()


METRICS = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "turnover_per_year",
    "cost_total",
    "rebalances",
)


class TrackingSerializer(serializers.Serializer[Any]):
    difference = serializers.FloatField(help_text="Total return less that of the base.")
    per_year = serializers.FloatField(allow_null=True, help_text="Growth per year less that of the base.")
    error = serializers.FloatField(allow_null=True, help_text="Deviation of daily differences, x sqrt(365).")
    correlation = serializers.FloatField(allow_null=True)


class PreviewLevelSerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    level = serializers.FloatField()
    base_level = serializers.FloatField()


class PreviewMemberSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    weight = serializers.FloatField(help_text="Fraction, as decided last.")
    base_weight = serializers.FloatField(allow_null=True, help_text="Null where the base does not hold it.")
    rank = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class PreviewChangeSerializer(serializers.Serializer[Any]):
    clause = serializers.CharField()
    text = serializers.CharField()


class PreviewSerializer(serializers.Serializer[Any]):
    """A backtest, not a record: what the rules would have done, net of trading costs, both 1,000 at the start."""

    base = serializers.CharField()
    kind = serializers.CharField(help_text="Always `backtest`.")
    start = serializers.DateField()
    end = serializers.DateField()
    rulebook = serializers.DictField(help_text="The changed rules in their canonical form.")
    changes = PreviewChangeSerializer(many=True)
    metrics = MetricsSerializer()
    base_metrics = MetricsSerializer()
    tracking = TrackingSerializer()
    active_share = serializers.FloatField(help_text="Half the sum of the differences of weights now.")
    decided_on = serializers.DateField(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())
    members = PreviewMemberSerializer(many=True)
    levels = PreviewLevelSerializer(many=True)


class PreviewView(PublicView):
    """Asking computes: it counts against an allowance of its own."""

    rate_bucket = "preview"

    @extend_schema(
        operation_id="custom_indices_preview",
        summary="Backtest a changed rule beside the index it is changed from",
        description="Up to five years, day by day. Nothing is stored and no key is needed. The first answer of a "
        "market day takes seconds, the next ones less than one.",
        tags=["Custom indices"],
        parameters=[UNNEEDED_KEY],
        request=PreviewBody,
        responses={200: PreviewSerializer},
        examples=[
            OpenApiExample(
                "Without bitcoin, thirty tokens, none above 10 %",
                value={"base": "global-100", "exclude": ["bitcoin"], "count": 30, "max_weight": 0.1},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        read = PreviewBody(data=request.data)
        read.is_valid(raise_exception=True)
        given = dict(read.validated_data)
        base, start = given.pop("base"), given.pop("start", None)
        as_of = signal_selectors.last_complete_day() or signal_selectors.last_closed_day()
        chosen: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
        }
        try:
            rulebook, rules = custom.drafted(base, Choices(**chosen), as_of=as_of)
            shown = preview.preview(rulebook, rules, as_of=as_of, start=start)
        except selectors.IndexNotFound as error:
            raise serializers.ValidationError({"base": [str(error)]}, code="unknown_index") from error
        except RulebookError as error:
            field = next((name for name, clause in CLAUSES.items() if clause == error.clause), "base")
            raise serializers.ValidationError({field: [str(error)]}, code="invalid_rules") from error
        except (preview.PreviewError, DecisionError, BacktestError, LevelError) as error:
            raise serializers.ValidationError({"base": [str(error)]}, code="no_preview") from error
        return Response(_written(base, shown), headers={"Cache-Control": "no-store"})


def _written(base: str, shown: preview.Preview) -> dict[str, Any]:
    return {
        "base": base,
        "kind": "backtest",
        "start": shown.start,
        "end": shown.end,
        "rulebook": shown.rulebook.to_dict(),
        "changes": [{"clause": change.clause, "text": change.text} for change in shown.changes],
        "metrics": _metrics(shown.metrics),
        "base_metrics": _metrics(shown.base_metrics),
        "tracking": {
            "difference": shown.tracking.difference,
            "per_year": shown.tracking.per_year,
            "error": shown.tracking.error,
            "correlation": shown.tracking.correlation,
        },
        "active_share": shown.active_share,
        "decided_on": shown.decided_on,
        "notes": list(shown.notes),
        "members": [
            {
                "token": member.slug,
                "weight": member.weight,
                "base_weight": member.base_weight,
                "rank": member.rank,
                "reason": member.reason,
            }
            for member in shown.members
        ],
        "levels": [
            {"date": day, "level": level, "base_level": base_level}
            for (day, level), (_, base_level) in zip(shown.level, shown.base_level, strict=True)
        ],
    }


def _metrics(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in METRICS}


urlpatterns = [path("custom-indices/preview/", PreviewView.as_view(), name="custom-index-preview")]
