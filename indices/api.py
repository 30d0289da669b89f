"""Indices over the API: what they hold, at which level, and every change with its reason. Public, point in time."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from typing import Any

import orjson
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from indices import selectors
from indices.models import Decision, Index
from indices.selectors.indices import version_in_force
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


class DecisionSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateField(help_text="Made from closes of this day and earlier.")
    effective_on = serializers.DateField(help_text="Traded at the close of this day.")
    epoch = serializers.CharField()
    rulebook_version = serializers.IntegerField()
    input_hash = serializers.CharField()


class IndexHoldingSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    symbol = serializers.CharField()
    name = serializers.CharField()
    weight = serializers.DecimalField(None, None, help_text="As decided. Fraction; all sum to exactly 1.")
    drifted_weight = serializers.FloatField(help_text="At the close of `as_of`, moved by prices since.")
    price_usd = serializers.FloatField(
        allow_null=True, help_text="Close of `as_of`; null where that day has none."
    )
    rank = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(help_text="Why it is in.")


class IndexHoldingsSerializer(serializers.Serializer[Any]):
    index = serializers.CharField()
    as_of = serializers.DateField()
    decision = DecisionSerializer()
    next = serializers.URLField(allow_null=True, help_text="Always null: holdings come whole.")
    results = IndexHoldingSerializer(many=True)


class LevelSerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    level = serializers.FloatField()


class LevelsSerializer(serializers.Serializer[Any]):
    index = serializers.CharField()
    start = serializers.DateField(allow_null=True)
    end = serializers.DateField()
    results = LevelSerializer(many=True)


class MoveSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    symbol = serializers.CharField()
    name = serializers.CharField()
    before = serializers.DecimalField(
        None, None, help_text="Target weight until then; 0 for one that entered."
    )
    after = serializers.DecimalField(None, None, help_text="Target weight from then on; 0 for one that left.")
    reason = serializers.CharField()


class RebalanceSerializer(serializers.Serializer[Any]):
    """One decision against the traded one before it."""

    as_of = serializers.DateField(help_text="Made from closes of this day and earlier.")
    effective_on = serializers.DateField(help_text="Traded at the close of this day.")
    epoch = serializers.CharField()
    is_held = serializers.BooleanField(
        help_text="True where the decision was put on record and traded nothing."
    )
    note = serializers.CharField()
    turnover = serializers.FloatField(help_text="Sum of |target - drifted| weights, both sides, fraction.")
    entered = MoveSerializer(many=True)
    left = MoveSerializer(many=True)
    changed = MoveSerializer(many=True)


class RebalancePageSerializer(serializers.Serializer[Any]):
    index = serializers.CharField()
    as_of = serializers.DateField()
    next = serializers.URLField(allow_null=True)
    results = RebalanceSerializer(many=True)


class PublicView(APIView):
    permission_classes = [AllowAny]


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
        index = _published(slug)
        version = version_in_force(index)
        rulebook = {"version": version.version, "digest": version.digest, "body": version.body}
        return Response({**_figures(index, as_of), "as_of": as_of, "rulebook": rulebook}, headers=PUBLIC)


class IndexHoldingsView(PublicView):
    @extend_schema(
        operation_id="indices_holdings",
        summary="What the index held at the close of `as_of`, from the stored decision in force",
        tags=["Indices"],
        parameters=[IndexQuery],
        responses={(200, "application/json"): IndexHoldingsSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        as_of = IndexQuery.read(request)["as_of"]
        index = _published(slug)
        decision = selectors.decision_in_force(index, as_of=as_of)
        if decision is None:
            raise NotFound(f"{index.name} had no decision in force on {as_of}.")
        rows = [
            {
                "token": row.slug,
                "symbol": row.symbol,
                "name": row.name,
                "weight": row.weight,
                "drifted_weight": row.drifted_weight,
                "price_usd": row.price,
                "rank": row.rank,
                "reason": row.reason,
            }
            for row in selectors.holdings(index, as_of=as_of)
        ]
        body = {"index": slug, "as_of": as_of, "decision": _decision(decision), "next": None, "results": rows}
        return Response(body, headers=PUBLIC)


class IndexLevelsView(PublicView):
    """A whole range in one answer: the encoder takes rows as the database gives them."""

    @extend_schema(
        operation_id="indices_levels",
        summary="Daily levels, oldest first",
        tags=["Indices"],
        parameters=[LevelQuery],
        responses={(200, "application/json"): LevelsSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        query = LevelQuery.read(request)
        index = _published(slug)
        start, end = query.get("start"), query["end"]
        rows = [{"date": day, "level": level} for day, level in selectors.levels(index, start=start, end=end)]
        body = orjson.dumps({"index": slug, "start": start, "end": end, "results": rows})
        return Response(body, headers=PUBLIC)


class IndexRebalancesView(PublicView):
    """Newest first. The cursor is a day, so rebalances that come later do not shift a page."""

    @extend_schema(
        operation_id="indices_rebalances",
        summary="What changed at each rebalance, and why; newest first",
        tags=["Indices"],
        parameters=[RebalanceQuery],
        responses={(200, "application/json"): RebalancePageSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        query = RebalanceQuery.read(request)
        index = _published(slug)
        as_of, size = query["as_of"], query["page_size"]
        upto = min(_day_read(query["cursor"]), as_of) if "cursor" in query else as_of
        rows = list(selectors.rebalance_history(index, as_of=upto, limit=size + 1))
        following = None
        if len(rows) > size:
            cursor = _day_written(rows[size - 1].as_of - timedelta(days=1))
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        body = {
            "index": slug,
            "as_of": as_of,
            "next": following,
            "results": [_rebalance(row) for row in rows[:size]],
        }
        return Response(body, headers=PUBLIC)


def _published(slug: str) -> Index:
    try:
        index = selectors.index(slug)
    except selectors.IndexNotFound as error:
        raise NotFound(f"There is no index '{slug}'.") from error
    if not index.is_published:
        raise NotFound(f"There is no index '{slug}'.")
    return index


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


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "as_of": decision.as_of,
        "effective_on": decision.effective_on,
        "epoch": decision.epoch,
        "rulebook_version": decision.rulebook.version,
        "input_hash": decision.input_hash,
    }


def _rebalance(row: selectors.RebalanceRow) -> dict[str, Any]:
    return {
        "as_of": row.as_of,
        "effective_on": row.effective_on,
        "epoch": row.epoch,
        "is_held": row.is_held,
        "note": row.note,
        "turnover": row.turnover,
        "entered": [_move(change) for change in row.entered],
        "left": [_move(change) for change in row.left],
        "changed": [_move(change) for change in row.changed],
    }


def _move(move: selectors.WeightChange) -> dict[str, Any]:
    return {
        "token": move.slug,
        "symbol": move.symbol,
        "name": move.name,
        "before": move.before,
        "after": move.after,
        "reason": move.reason,
    }


def _day_written(day: date) -> str:
    return base64.urlsafe_b64encode(day.isoformat().encode()).decode()


def _day_read(cursor: str) -> date:
    try:
        return date.fromisoformat(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError as error:
        message = {"cursor": ["Take the cursor from `next` as it is."]}
        raise serializers.ValidationError(message, code="invalid_cursor") from error


urlpatterns = [
    path("indices/", IndexListView.as_view(), name="indices"),
    path("indices/<slug:slug>/", IndexView.as_view(), name="index"),
    path("indices/<slug:slug>/holdings/", IndexHoldingsView.as_view(), name="index-holdings"),
    path("indices/<slug:slug>/levels/", IndexLevelsView.as_view(), name="index-levels"),
    path("indices/<slug:slug>/rebalances/", IndexRebalancesView.as_view(), name="index-rebalances"),
]
