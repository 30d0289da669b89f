"""The proof of reserves over the API: the public sums, and the caller's own proof."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import AccountView, caller
from portfolios.api.fields import ExactField
from portfolios.selectors.reserves import reserve_proof, reserves


class ReserveRowSerializer(serializers.Serializer[Any]):
    asset = serializers.CharField(source="code", help_text="`USD` or `token:` and the token's id.")
    name = serializers.CharField()
    owed = ExactField()
    held = ExactField()
    simulated = ExactField(
        help_text="Part of `held` for which the platform's own ledger is the only witness."
    )
    usdc = ExactField(help_text="Part of `held` that is USDC, counted as dollars.")
    ratio = ExactField(allow_null=True, help_text="`held` / `owed`; null where nothing is owed.")
    short = serializers.BooleanField(help_text="More than 0.01 % or $1 is missing.")


class ReservesSerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    as_of = serializers.DateTimeField(help_text="When it was taken, UTC.")
    market_time = serializers.DateTimeField(help_text="Market time of its prices, UTC.")
    verdict = serializers.CharField(help_text="covered, short or unknown")
    reason = serializers.CharField(help_text="Why it is not covered; empty where it is.")
    people = serializers.IntegerField(help_text="Leaves of the tree.")
    root_hash = serializers.CharField(source="root", help_text="SHA-256 at the top of the tree, hexadecimal.")
    commitment = serializers.CharField(help_text="SHA-256 over assets, people, root and sums, hexadecimal.")
    assets = ReserveRowSerializer(source="rows", many=True)


class ReservesView(AccountView):
    """Everybody may ask."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="reserves_retrieve",
        summary="What is owed to everybody and held for them, newest snapshot",
        tags=["Money"],
        responses=ReservesSerializer,
    )
    def get(self, request: Request) -> Response:
        shown = reserves()
        if shown is None:
            raise Http404
        return Response(ReservesSerializer(shown).data)


class ReserveProofView(AccountView):
    @extend_schema(
        operation_id="reserves_proof_retrieve",
        summary="The caller's own proof, as `python -m portfolios.core.merkle` verifies it",
        tags=["Money"],
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        return Response(reserve_proof(caller(request)))
