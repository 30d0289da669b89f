"""USDC over the API: the caller's own address, and what has arrived there."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.fields import BodySerializer, ExactField, UsdField
from portfolios.models import User
from portfolios.selectors.usdc import usdc_address, usdc_enabled, usdc_transfers
from portfolios.services import usdc
from portfolios.services.idempotency import Answer


class UsdcTransferSerializer(serializers.Serializer[Any]):
    seen_at = serializers.DateTimeField()
    tx_hash = serializers.CharField()
    amount = ExactField(help_text="USDC.")
    status = serializers.CharField(help_text="seen, waiting, credited, orphaned or reversed")
    reason = serializers.CharField(help_text="What it waits for; empty where it does not.")
    amount_usd = UsdField(source="usd", allow_null=True, help_text="What was credited; null before.")
    mark = ExactField(allow_null=True, help_text="USD per USDC at which it was credited.")
    confirmed = serializers.IntegerField(help_text="Blocks that confirm it, of `needed`.")
    needed = serializers.IntegerField()


class UsdcSerializer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(help_text="Whether USDC is set up on this platform.")
    address = serializers.CharField(help_text="Send USDC here; empty until you ask for it.")
    transfers = UsdcTransferSerializer(many=True, help_text="The newest fifty, newest first.")


class UsdcView(AccountView):
    @extend_schema(
        operation_id="usdc_retrieve",
        summary="The caller's USDC address and what has arrived there",
        tags=["Money"],
        responses=UsdcSerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(_told(caller(request)))

    @extend_schema(
        operation_id="usdc_address_create",
        summary="A USDC address of the caller's own, given once and kept",
        tags=["Money"],
        parameters=[IDEMPOTENCY_KEY],
        request=BodySerializer,
        responses=UsdcSerializer,
    )
    def post(self, request: Request) -> Response:
        self.body(request, BodySerializer)
        user = caller(request)
        return self.answered(request, lambda: self._answer(user))

    def _answer(self, user: User) -> Answer:
        usdc.address_assign(user)
        return Answer(200, _told(user))


def _told(user: User) -> dict[str, Any]:
    body = {"enabled": usdc_enabled(), "address": usdc_address(user), "transfers": usdc_transfers(user)}
    return dict(UsdcSerializer(body).data)
