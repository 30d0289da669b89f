"""Recurring plans over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller, refuse
from portfolios.api.fields import AmountField, BodySerializer, UsdField
from portfolios.models import RecurringPlan, User
from portfolios.selectors.recurring import recurring, recurring_queryset, recurring_row
from portfolios.services import recurring as plans
from portfolios.services.idempotency import Answer


class RecurringBody(BodySerializer):
    index = serializers.CharField(max_length=64, help_text="Slug of the index.")
    amount = AmountField(help_text="US dollars, at most two decimals.")
    frequency = serializers.ChoiceField(choices=["daily", "weekly", "monthly"])
    weekday = serializers.IntegerField(
        required=False, allow_null=True, help_text="Of a weekly plan: 0 is Monday, 6 is Sunday."
    )
    day = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Of a monthly plan: 1 to 31. A shorter month's last day stands for it.",
    )
    starts_on = serializers.DateField(
        required=False, allow_null=True, help_text="Today, by market time, when absent."
    )
    ends_on = serializers.DateField(
        required=False, allow_null=True, help_text="The last day that may be due; null is never."
    )


class RecurringChange(BodySerializer):
    amount = AmountField(required=False, help_text="From the next due date on.")
    ends_on = serializers.DateField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=["active", "paused"], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if not attrs:
            refuse("amount", "Send at least one of amount, ends_on, status.", "nothing_to_change")
        return attrs


class RecurringRunSerializer(serializers.Serializer[Any]):
    due_on = serializers.DateField()
    status = serializers.CharField(help_text="ordered or skipped")
    order = serializers.UUIDField(source="order_id", allow_null=True)
    reason = serializers.CharField(help_text="Why it was skipped; may be empty.")


class RecurringSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    index = serializers.CharField(source="index_slug")
    name = serializers.CharField(source="index_name")
    amount = UsdField()
    frequency = serializers.CharField()
    weekday = serializers.IntegerField(allow_null=True)
    day = serializers.IntegerField(allow_null=True)
    rhythm = serializers.CharField(help_text="The rule in words.")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True)
    status = serializers.CharField(help_text="active, paused, cancelled or ended")
    next_due = serializers.DateField(allow_null=True, help_text="Market time.")
    created_at = serializers.DateTimeField(help_text="Wall clock, UTC.")
    runs = RecurringRunSerializer(many=True, help_text="The newest twelve due dates, newest first.")


class RecurringPlansView(GenericAPIView[RecurringPlan], AccountView):
    """The caller's recurring plans, newest first."""

    cursor_ordering = ("-created_at", "-id")
    serializer_class = RecurringSerializer

    def get_queryset(self) -> QuerySet[RecurringPlan]:
        return recurring_queryset(caller(self.request))

    @extend_schema(
        operation_id="recurring_list",
        summary="The caller's recurring plans, newest first",
        tags=["Orders"],
        responses={(200, "application/json"): RecurringSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(
            RecurringSerializer([recurring_row(row) for row in page or []], many=True).data
        )

    @extend_schema(
        operation_id="recurring_create",
        summary="Invest the same amount again and again",
        description="Nothing is moved now. On every due date of market time the amount becomes an ordinary order. "
        "Where it cannot, for want of money or because the index cannot be bought, the date is skipped with a notice "
        "and never made up for.",
        tags=["Orders"],
        parameters=[IDEMPOTENCY_KEY],
        request=RecurringBody,
        responses={201: RecurringSerializer},
        examples=[
            OpenApiExample(
                "100 dollars at the end of every month",
                value={"index": "global-100", "amount": "100.00", "frequency": "monthly", "day": 31},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request, RecurringBody)
        user = caller(request)
        response = self.answered(request, lambda: _created(user, body))
        response.headers["Location"] = reverse("api-v1:recurring-plan", args=[response.data["id"]])
        return response


class RecurringPlanView(AccountView):
    """One recurring plan of the caller's."""

    @extend_schema(
        operation_id="recurring_retrieve",
        summary="One recurring plan with its newest dates",
        tags=["Orders"],
        responses=RecurringSerializer,
    )
    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        return Response(_written(caller(request), id))

    @extend_schema(
        operation_id="recurring_change",
        summary="Change the amount or the last day, pause it, let it go on",
        description="Dates that passed while it was paused are not made up for.",
        tags=["Orders"],
        parameters=[IDEMPOTENCY_KEY],
        request=RecurringChange,
        responses={(200, "application/json"): RecurringSerializer},
    )
    def patch(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        body = self.body(request, RecurringChange)
        user = caller(request)
        return self.answered(request, lambda: _changed(user, id, body))

    @extend_schema(
        operation_id="recurring_cancel",
        summary="End the plan; orders that it has placed go on",
        tags=["Orders"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): RecurringSerializer},
    )
    def delete(self, request: Request, id: UUID) -> Response:  # noqa: A002 - the name in the path
        user = caller(request)
        return self.answered(request, lambda: _cancelled(user, id))


def _created(user: User, body: dict[str, Any]) -> Answer:
    plan = plans.recurring_create(
        user,
        body["index"],
        body["amount"],
        frequency=body["frequency"],
        weekday=body.get("weekday"),
        day=body.get("day"),
        starts_on=body.get("starts_on"),
        ends_on=body.get("ends_on"),
    )
    return Answer(201, _written(user, plan.pk))


def _changed(user: User, plan_id: UUID, body: dict[str, Any]) -> Answer:
    plans.recurring_change(
        user,
        plan_id,
        amount=body.get("amount"),
        ends_on=body.get("ends_on", plans.UNCHANGED),
        paused=body["status"] == "paused" if "status" in body else None,
    )
    return Answer(200, _written(user, plan_id))


def _cancelled(user: User, plan_id: UUID) -> Answer:
    plans.recurring_cancel(user, plan_id)
    return Answer(200, _written(user, plan_id))


def _written(user: User, plan_id: UUID) -> dict[str, Any]:
    row = recurring(user, plan_id)
    if row is None:
        raise NotFound(f"You have no recurring plan {plan_id}.")
    return dict(RecurringSerializer(row).data)
