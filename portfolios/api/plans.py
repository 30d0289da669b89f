"""Plans on offer and the caller's subscription."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portfolios import selectors
from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.fields import BodySerializer, UsdField
from portfolios.models import User
from portfolios.services import plans
from portfolios.services.idempotency import Answer


class PlanSerializer(serializers.Serializer[Any]):
    plan = serializers.CharField(source="slug")
    name = serializers.CharField()
    summary = serializers.CharField()
    monthly_price_usd = UsdField(source="monthly_price")
    api_requests_per_minute = serializers.IntegerField()
    custom_indices = serializers.IntegerField(help_text="How many indices of your own you may keep.")
    all_indices = serializers.BooleanField(help_text="Admits to every index.")
    indices = serializers.ListField(
        child=serializers.CharField(), source="index_slugs", help_text="Empty where `all_indices`."
    )


class PlansSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="Always null: plans come whole.")
    results = PlanSerializer(many=True)


class SubscriptionSerializer(serializers.Serializer[Any]):
    """The caller's contract now. Without one the plan is Free and the period null."""

    plan = serializers.CharField(source="plan.slug")
    next_plan = serializers.SerializerMethodField(help_text="Where a change waits for the end of the period.")
    period_start = serializers.DateTimeField(allow_null=True)
    period_end = serializers.DateTimeField(allow_null=True)
    cancel_at_period_end = serializers.BooleanField()

    def get_next_plan(self, row: selectors.SubscriptionRow) -> str | None:
        return row.next_plan.slug if row.next_plan else None


class SubscriptionBody(BodySerializer):
    plan = serializers.CharField(max_length=32, help_text="Slug of the plan.")


class PlansView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="plans_list",
        summary="Plans on offer",
        tags=["Plans"],
        responses={(200, "application/json"): PlansSerializer},
    )
    def get(self, request: Request) -> Response:
        body = PlansSerializer({"next": None, "results": selectors.plans()}).data
        return Response(body, headers={"Cache-Control": "public, max-age=60"})


class SubscriptionView(AccountView):
    @extend_schema(
        operation_id="subscription_retrieve",
        summary="The caller's subscription",
        tags=["Plans"],
        responses=SubscriptionSerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(_written(caller(request)))

    @extend_schema(
        operation_id="subscription_change",
        summary="Subscribe or change plan",
        description="A larger plan takes effect at once and is charged for the rest of the period; a smaller one "
        "takes effect when the period ends. The plan you are on withdraws a change or cancellation that waits.",
        tags=["Plans"],
        parameters=[IDEMPOTENCY_KEY],
        request=SubscriptionBody,
        responses={(200, "application/json"): SubscriptionSerializer},
    )
    def post(self, request: Request) -> Response:
        body = self.body(request, SubscriptionBody)
        user = caller(request)
        return self.answered(request, lambda: _changed(user, body["plan"]))

    @extend_schema(
        operation_id="subscription_cancel",
        summary="Cancel at the end of the period",
        tags=["Plans"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): SubscriptionSerializer},
    )
    def delete(self, request: Request) -> Response:
        user = caller(request)
        return self.answered(request, lambda: _cancelled(user))


def _changed(user: User, plan: str) -> Answer:
    plans.subscribe(user, plan)
    return Answer(200, _written(user))


def _cancelled(user: User) -> Answer:
    plans.cancel(user)
    return Answer(200, _written(user))


def _written(user: User) -> dict[str, Any]:
    return dict(SubscriptionSerializer(selectors.subscription_of(user)).data)
