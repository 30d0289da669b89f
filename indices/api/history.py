"""What an index held, its levels, and every change with its reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from indices import selectors
from indices.api.asking import (
    PUBLIC,
    IndexQuery,
    LevelQuery,
    PublicView,
    RebalanceQuery,
    day_read,
    day_written,
    published_index,
)
from indices.models import Decision


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
        index = published_index(slug)
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
        index = published_index(slug)
        start, end = query.get("start"), query["end"]
        points = (
            selectors.levels_known(index, known_at=query["known_at"], start=start, end=end)
            if "known_at" in query
            else selectors.levels(index, start=start, end=end)
        )
        rows = [{"date": day, "level": level} for day, level in points]
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
        index = published_index(slug)
        as_of, size = query["as_of"], query["page_size"]
        upto = min(day_read(query["cursor"]), as_of) if "cursor" in query else as_of
        rows = list(selectors.rebalance_history(index, as_of=upto, limit=size + 1))
        following = None
        if len(rows) > size:
            cursor = day_written(rows[size - 1].as_of - timedelta(days=1))
            following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
        body = {
            "index": slug,
            "as_of": as_of,
            "next": following,
            "results": [_rebalance(row) for row in rows[:size]],
        }
        return Response(body, headers=PUBLIC)


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


urlpatterns = [
    path("indices/<slug:slug>/holdings/", IndexHoldingsView.as_view(), name="index-holdings"),
    path("indices/<slug:slug>/levels/", IndexLevelsView.as_view(), name="index-levels"),
    path("indices/<slug:slug>/rebalances/", IndexRebalancesView.as_view(), name="index-rebalances"),
]
