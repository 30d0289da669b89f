"""What the caller was told, over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller, refuse
from portfolios.api.fields import BodySerializer
from portfolios.models import Notice, NoticeKind, User
from portfolios.selectors.notices import notice_choices, notice_queryset
from portfolios.services.idempotency import Answer
from portfolios.services.notices import notice_read, preferences_set


class NoticeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField(help_text=", ".join(NoticeKind.values))
    title = serializers.CharField()
    text = serializers.CharField()
    url = serializers.CharField(help_text="Path of the page it is about; may be empty.")
    created_at = serializers.DateTimeField(help_text="Wall clock, UTC.")
    read_at = serializers.DateTimeField(allow_null=True)
    emailed_at = serializers.DateTimeField(allow_null=True)


class NoticePreferencesSerializer(serializers.Serializer[Any]):
    email = serializers.DictField(
        child=serializers.BooleanField(), help_text="Kind -> whether it comes by e-mail too."
    )


class NoticePreferencesBody(BodySerializer):
    email = serializers.DictField(
        child=serializers.BooleanField(), help_text="The kinds to change. `security` cannot be turned off."
    )


class NoticesView(GenericAPIView[Notice], AccountView):
    """The caller's notices, newest first."""

    cursor_ordering = ("-id",)
    serializer_class = NoticeSerializer

    def get_queryset(self) -> QuerySet[Notice]:
        asked = self.request.query_params.get("unread", "false").lower()
        if asked not in ("true", "false"):
            refuse("unread", "Send true or false.", "invalid")
        return notice_queryset(caller(self.request), unread=asked == "true")

    @extend_schema(
        operation_id="notices_list",
        summary="What the caller was told, newest first",
        tags=["Account"],
        parameters=[OpenApiParameter("unread", bool, description="Only those that were not read.")],
        responses={(200, "application/json"): NoticeSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(NoticeSerializer(page or [], many=True).data)


class NoticeReadView(AccountView):
    """One notice of the caller's."""

    @extend_schema(
        operation_id="notices_read",
        summary="Mark a notice as read",
        tags=["Account"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): NoticeSerializer},
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - the name in the path
        user = caller(request)
        return self.answered(request, lambda: _read(user, id))


class NoticePreferencesView(AccountView):
    """Which kinds of notice the caller gets by e-mail too."""

    @extend_schema(
        operation_id="notice_preferences_retrieve",
        summary="Which notices come by e-mail",
        tags=["Account"],
        responses=NoticePreferencesSerializer,
    )
    def get(self, request: Request) -> Response:
        return Response(_preferences(caller(request)))

    @extend_schema(
        operation_id="notice_preferences_change",
        summary="Choose which notices come by e-mail",
        tags=["Account"],
        parameters=[IDEMPOTENCY_KEY],
        request=NoticePreferencesBody,
        responses={(200, "application/json"): NoticePreferencesSerializer},
    )
    def patch(self, request: Request) -> Response:
        body = self.body(request, NoticePreferencesBody)
        user = caller(request)
        return self.answered(request, lambda: _chosen(user, body["email"]))


def _read(user: User, notice_id: int) -> Answer:
    return Answer(200, dict(NoticeSerializer(notice_read(user, notice_id, now=timezone.now())).data))


def _chosen(user: User, by_email: dict[str, bool]) -> Answer:
    preferences_set(user, by_email)
    return Answer(200, _preferences(user))


def _preferences(user: User) -> dict[str, Any]:
    return {"email": {choice.kind: choice.by_email for choice in notice_choices(user)}}
