"""Indices of one's own: build, list, change, share, archive."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from indices import selectors as index_selectors
from indices.core.customising import CLAUSES, Choices
from indices.core.prose import rules
from portfolios import selectors
from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller
from portfolios.api.fields import BodySerializer
from portfolios.models import CustomIndex, User
from portfolios.services import custom
from portfolios.services.idempotency import Answer


class RatioField(serializers.DecimalField):
    """A number as JSON or as text, exact."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=24, decimal_places=10, **kwargs)


class ChoicesBody(BodySerializer):
    """What is changed against the base; what is left out stays as there. See `/custom-indices/preview/`."""

    exclude = serializers.ListField(
        child=serializers.CharField(max_length=128), required=False, help_text="Token ids left out as well."
    )
    exclude_categories = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, help_text="Categories left out as well."
    )
    count = serializers.IntegerField(required=False, help_text="How many tokens.")
    scheme = serializers.CharField(required=False, max_length=32, help_text="How they are weighted.")
    max_weight = RatioField(required=False, help_text="Most that one token weighs, as a fraction.")
    min_market_cap = RatioField(required=False, help_text="USD to enter.")
    frequency = serializers.CharField(
        required=False, max_length=16, help_text="weekly, monthly or quarterly."
    )
    drift_band = RatioField(required=False, help_text="Fraction; 0 trades every difference.")
    regime = serializers.BooleanField(required=False, help_text="Follow the market regime, as the base does.")


class CustomIndexBody(ChoicesBody):
    name = serializers.CharField(max_length=64)
    base = serializers.CharField(max_length=64, help_text="Slug of the index that it is built from.")


class CustomIndexChange(ChoicesBody):
    """`name`, or choices, or both. Choices left out stay as they are."""

    name = serializers.CharField(max_length=64, required=False)


class RuleSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    text = serializers.CharField()


class SharedIndexSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    base = serializers.CharField(help_text="Slug of the index that it is built from.")
    family = serializers.CharField()
    record_since = serializers.DateField(help_text="Its level begins here; anything before is a backtest.")
    rulebook = serializers.DictField(help_text="The rules that the engine runs.")
    rules = RuleSerializer(many=True)


class CustomIndexSerializer(SharedIndexSerializer):
    slug = serializers.CharField(help_text="What `/orders/` takes as `index`.")
    version = serializers.IntegerField(help_text="Of the rules; the next decision is made by the newest.")
    share_token = serializers.CharField(allow_null=True, help_text="Opens `/i/{token}/` on the website.")
    in_use = serializers.BooleanField(help_text="Units are held or orders are on their way.")
    created_at = serializers.DateTimeField(help_text="Wall clock, UTC.")


class CustomIndicesView(GenericAPIView[CustomIndex], AccountView):
    """The caller's own indices, newest first."""

    cursor_ordering = ("-created_at", "-id")
    serializer_class = CustomIndexSerializer

    def get_queryset(self) -> QuerySet[CustomIndex]:
        return selectors.custom_index_queryset(caller(self.request))

    @extend_schema(
        operation_id="custom_indices_list",
        summary="The caller's own indices, newest first",
        tags=["Custom indices"],
        responses={(200, "application/json"): CustomIndexSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([written(own) for own in page or []])

    @extend_schema(
        operation_id="custom_indices_create",
        summary="Build an index of one's own",
        description="It is decided at once and only its owner can invest in it. No money moves.",
        tags=["Custom indices"],
        parameters=[IDEMPOTENCY_KEY],
        request=CustomIndexBody,
        responses={201: CustomIndexSerializer},
        examples=[
            OpenApiExample(
                "Thirty tokens without bitcoin",
                value={
                    "name": "Everything else",
                    "base": "global-100",
                    "exclude": ["bitcoin"],
                    "count": 30,
                    "max_weight": "0.1",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request, CustomIndexBody)
        user = caller(request)
        return self.answered(request, lambda: _created(user, body))


class CustomIndexView(AccountView):
    """One index of the caller's own."""

    @extend_schema(
        operation_id="custom_indices_retrieve",
        summary="One index of the caller's own, with its rules",
        tags=["Custom indices"],
        responses=CustomIndexSerializer,
    )
    def get(self, request: Request, slug: str) -> Response:
        return Response(written(_own(caller(request), slug)))

    @extend_schema(
        operation_id="custom_indices_change",
        summary="Rename it, or change its rules from the next decision on",
        tags=["Custom indices"],
        parameters=[IDEMPOTENCY_KEY],
        request=CustomIndexChange,
        responses={(200, "application/json"): CustomIndexSerializer},
    )
    def patch(self, request: Request, slug: str) -> Response:
        body = self.body(request, CustomIndexChange)
        user = caller(request)
        _own(user, slug)
        return self.answered(request, lambda: _changed(user, slug, body))

    @extend_schema(
        operation_id="custom_indices_archive",
        summary="Archive it; refused while units are held",
        tags=["Custom indices"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, slug: str) -> Response:
        user = caller(request)
        return self.answered(request, lambda: _archived(user, slug))


class CustomIndexShareView(AccountView):
    """The link of an index: whoever has it may see the rules and copy them."""

    @extend_schema(
        operation_id="custom_indices_share",
        summary="Make the link; a second call keeps it",
        tags=["Custom indices"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): CustomIndexSerializer},
    )
    def post(self, request: Request, slug: str) -> Response:
        user = caller(request)
        return self.answered(request, lambda: Answer(200, written(custom.custom_index_share(user, slug))))

    @extend_schema(
        operation_id="custom_indices_unshare",
        summary="Withdraw the link",
        tags=["Custom indices"],
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={(200, "application/json"): CustomIndexSerializer},
    )
    def delete(self, request: Request, slug: str) -> Response:
        user = caller(request)
        return self.answered(request, lambda: Answer(200, written(custom.custom_index_unshare(user, slug))))


class SharedIndexView(APIView):
    """What is behind a share link, for anybody who has it."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="shared_indices_retrieve",
        summary="The rules behind a share link",
        tags=["Custom indices"],
        responses=SharedIndexSerializer,
    )
    def get(self, request: Request, token: str) -> Response:
        own = selectors.custom_index_shared(token)
        if own is None:
            raise NotFound("This link opens nothing, or nothing any more.")
        return Response(_shared(own), headers={"Cache-Control": "no-store"})


def written(own: CustomIndex) -> dict[str, Any]:
    """An index of one's own as its owner sees it, JSON-ready."""
    versions = index_selectors.rulebook_versions(own.index)
    return _shared(own) | {
        "slug": own.index.slug,
        "version": versions[0].version,
        "share_token": own.share_token,
        "in_use": selectors.custom_index_in_use(own),
        "created_at": own.created_at.isoformat(),
    }


def _shared(own: CustomIndex) -> dict[str, Any]:
    rulebook = index_selectors.rulebook(own.index)
    return {
        "name": own.name,
        "base": own.based_on,
        "family": own.index.family,
        "record_since": rulebook.base.date.isoformat(),
        "rulebook": rulebook.to_dict(),
        "rules": [{"title": rule.title, "text": rule.text} for rule in rules(rulebook)],
    }


def _own(user: User, slug: str) -> CustomIndex:
    own = selectors.custom_index(user, slug)
    if own is None:
        raise NotFound(f"You have no index '{slug}' of your own.")
    return own


def _choices(body: dict[str, Any]) -> dict[str, Any]:
    given = {name: body[name] for name in CLAUSES if name in body}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _created(user: User, body: dict[str, Any]) -> Answer:
    own = custom.custom_index_create(user, body["base"], Choices(**_choices(body)), name=body["name"])
    return Answer(201, written(own))


def _changed(user: User, slug: str, body: dict[str, Any]) -> Answer:
    own = _own(user, slug)
    given = _choices(body)
    if given:
        own = custom.custom_index_adjust(user, slug, given)
    if "name" in body:
        own = custom.custom_index_rename(user, slug, body["name"])
    return Answer(200, written(own))


def _archived(user: User, slug: str) -> Answer:
    custom.custom_index_archive(user, slug, now=timezone.now())
    return Answer(204, {})
