"""Personal portfolios: one's own version of an index, its settings, what is in it, money in and out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from portfolios.api.account import PositionSerializer
from portfolios.api.base import IDEMPOTENCY_KEY, AccountView, caller, refuse
from portfolios.api.fields import AmountField, BodySerializer, ExactField, UsdField
from portfolios.api.orders import OrderSerializer
from portfolios.core.bands import PPM
from portfolios.models import Book, User
from portfolios.selectors import personal as selectors
from portfolios.selectors.orders import order as order_of
from portfolios.services import personal as service
from portfolios.services.idempotency import Answer

_MILLION = Decimal(PPM)


class FractionField(serializers.DecimalField):
    """A fraction such as "0.25", whole to the millionth."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=8, decimal_places=6, **kwargs)


class SettingsBody(BodySerializer):
    """What is one's own about it; what is left out stays as it is."""

    exclude = serializers.ListField(
        child=serializers.CharField(max_length=128), required=False, help_text="Ids of tokens left out."
    )
    max_weight = FractionField(required=False, help_text="Most that one token weighs, as a fraction.")
    risk_share = FractionField(
        required=False,
        help_text="Share at risk: 0.25, 0.5, 0.75 or 1. The rest waits in a stablecoin or dollars.",
    )


class PersonalBody(SettingsBody):
    index = serializers.CharField(max_length=64, help_text="Slug of the index that it follows.")
    name = serializers.CharField(max_length=64, required=False)


class PersonalChange(SettingsBody):
    """`name`, or settings, or both. Settings take effect at its next dealing."""

    name = serializers.CharField(max_length=64, required=False)


class PersonalOrderBody(BodySerializer):
    """`invest` takes `amount`; `redeem` takes one of `amount`, `percent` and `all`."""

    side = serializers.ChoiceField(choices=["invest", "redeem"])
    amount = AmountField(required=False, help_text="US dollars, at most two decimals.")
    percent = AmountField(required=False, help_text="Per cent of the portfolio to redeem.")
    all = serializers.BooleanField(required=False, help_text="True redeems everything.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        sizes = [name for name in ("amount", "percent", "all") if attrs.get(name) not in (None, False)]
        if attrs["side"] == "invest" and sizes != ["amount"]:
            refuse(
                next((name for name in sizes if name != "amount"), "amount"),
                "To invest, send `amount` and nothing else of amount, percent, all.",
                "invalid_size",
            )
        if len(sizes) != 1:
            refuse(
                sizes[-1] if sizes else "amount",
                "To redeem, send one of amount, percent, all.",
                "invalid_size",
            )
        return attrs


class SettingsSerializer(serializers.Serializer[Any]):
    exclude = serializers.ListField(child=serializers.CharField())
    max_weight = ExactField()
    risk_share = ExactField()


class TargetSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    name = serializers.CharField()
    symbol = serializers.CharField()
    index_weight = ExactField(help_text="Fraction that the index gives it.")
    weight = ExactField(help_text="Fraction that these settings give it.")
    excluded = serializers.BooleanField()


class TradeSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    name = serializers.CharField()
    symbol = serializers.CharField()
    side = serializers.CharField(help_text="buy or sell")
    value_usd = UsdField()
    cost_usd = UsdField(help_text="Estimate of fee, spread and size.")


class PersonalSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    index = serializers.CharField(source="index_slug")
    name = serializers.CharField()
    settings = SettingsSerializer(help_text="In force.")
    waiting = SettingsSerializer(allow_null=True, help_text="What its next dealing brings into force.")
    value_usd = UsdField()
    cash_usd = UsdField(help_text="Part of `value_usd` that is in dollars.")
    invested_usd = UsdField(help_text="Average cost of what is still held.")
    gain_usd = UsdField(help_text="Value less cost; negative is a loss.")
    gain = ExactField(allow_null=True, help_text="`gain_usd` as a fraction of `invested_usd`.")
    created_at = serializers.DateTimeField(help_text="Wall clock, UTC.")
    positions = PositionSerializer(many=True)


class PersonalDetailSerializer(PersonalSerializer):
    targets = TargetSerializer(many=True, help_text="With the settings chosen last, largest first.")
    next_trades = TradeSerializer(many=True, help_text="What a rebalance now would trade for it.")


class PersonalsView(GenericAPIView[Book], AccountView):
    """The caller's personal portfolios, newest first."""

    cursor_ordering = ("-id",)
    serializer_class = PersonalSerializer

    def get_queryset(self) -> QuerySet[Book]:
        return selectors.book_queryset(caller(self.request))

    @extend_schema(
        operation_id="personal_list",
        summary="The caller's personal portfolios, newest first",
        tags=["Personal portfolios"],
        responses={(200, "application/json"): PersonalSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        page = list(self.paginate_queryset(self.get_queryset()) or [])
        return self.get_paginated_response([_data(row) for row in selectors.book_rows(page)])

    @extend_schema(
        operation_id="personal_create",
        summary="Open a personal portfolio of an index",
        description="No money moves. Invest in it at `/personal/{id}/orders/`.",
        tags=["Personal portfolios"],
        parameters=[IDEMPOTENCY_KEY],
        request=PersonalBody,
        responses={201: PersonalDetailSerializer},
        examples=[
            OpenApiExample(
                "Without dogecoin, none above a tenth",
                value={
                    "index": "global-100",
                    "exclude": ["dogecoin"],
                    "max_weight": "0.1",
                    "risk_share": "1",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        body = self.body(request, PersonalBody)
        user = caller(request)

        def act() -> Answer:
            settings = _settings(selectors.Settings(), body)
            book = service.book_create(user, body["index"], settings, name=body.get("name", ""))
            return Answer(201, _written(user, book.pk))

        response = self.answered(request, act)
        response.headers["Location"] = reverse("api-v1:personal", args=[response.data["id"]])
        return response


class PersonalView(AccountView):
    """One personal portfolio of the caller's. Somebody else's does not exist."""

    @extend_schema(
        operation_id="personal_retrieve",
        summary="One personal portfolio, its targets beside the index, and what a rebalance would trade",
        tags=["Personal portfolios"],
        responses=PersonalDetailSerializer,
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - the name in the path
        return Response(_written(caller(request), id))

    @extend_schema(
        operation_id="personal_change",
        summary="Change its name or its settings",
        description="Settings left out stay. They take effect at the portfolio's next dealing.",
        tags=["Personal portfolios"],
        parameters=[IDEMPOTENCY_KEY],
        request=PersonalChange,
        responses={(200, "application/json"): PersonalDetailSerializer},
    )
    def patch(self, request: Request, id: int) -> Response:  # noqa: A002 - the name in the path
        body = self.body(request, PersonalChange)
        user = caller(request)

        def act() -> Answer:
            row = _row(user, id)
            if "name" in body:
                service.book_rename(user, id, body["name"])
            settings = _settings(row.wanted, body)
            if settings != row.wanted:
                service.book_change(user, id, settings)
            return Answer(200, _written(user, id))

        return self.answered(request, act)


class PersonalOrdersView(AccountView):
    """Money into a personal portfolio and out of it."""

    @extend_schema(
        operation_id="personal_order",
        summary="Invest in a personal portfolio or redeem from it",
        description="Answers 202: the order joins the next dealing. Follow it at `/api/v1/orders/{id}/`.",
        tags=["Personal portfolios"],
        parameters=[IDEMPOTENCY_KEY],
        request=PersonalOrderBody,
        responses={202: OrderSerializer},
    )
    def post(self, request: Request, id: int) -> Response:  # noqa: A002 - the name in the path
        body = self.body(request, PersonalOrderBody)
        user = caller(request)
        response = self.answered(request, lambda: Answer(202, _ordered(user, id, body)))
        response.headers["Location"] = reverse("api-v1:order", args=[response.data["id"]])
        return response


def _ordered(user: User, book_id: int, body: dict[str, Any]) -> dict[str, Any]:
    if body["side"] == "invest":
        placed = service.book_invest(user, book_id, body["amount"])
    elif body.get("amount") is not None:
        placed = service.book_redeem(user, book_id, amount=body["amount"])
    else:
        percent = Decimal(100) if body.get("all") else body["percent"]
        placed = service.book_redeem(user, book_id, share=_millionths("percent", percent / 100))
    row = order_of(user, placed.pk)
    if row is None:
        raise NotFound(f"You have no order {placed.pk}.")
    return dict(OrderSerializer(row).data)


def _settings(now: selectors.Settings, body: dict[str, Any]) -> selectors.Settings:
    changed: dict[str, Any] = {
        name: _millionths(name, body[name]) for name in ("max_weight", "risk_share") if name in body
    }
    if "exclude" in body:
        changed["exclude"] = tuple(sorted(set(body["exclude"])))
    return replace(now, **changed)


def _millionths(field: str, fraction: Decimal) -> int:
    whole = int(fraction * PPM)
    if whole != fraction * PPM:
        refuse(field, "Give at most four decimals of a per cent.", "invalid")
    return whole


def _row(user: User, book_id: int) -> selectors.PersonalRow:
    row = selectors.personal(user, book_id)
    if row is None:
        raise NotFound(f"You have no personal portfolio {book_id}.")
    return row


def _written(user: User, book_id: int) -> dict[str, Any]:
    row, book = _row(user, book_id), selectors.book_of(user, book_id)
    if book is None:
        raise NotFound(f"You have no personal portfolio {book_id}.")
    targets = selectors.allocation(row.index_slug, row.wanted).targets
    trades = selectors.trades_preview(book, row.wanted) if row.positions else []
    return dict(PersonalDetailSerializer({**_fields(row), "targets": targets, "next_trades": trades}).data)


def _data(row: selectors.PersonalRow) -> dict[str, Any]:
    return dict(PersonalSerializer(_fields(row)).data)


def _fields(row: selectors.PersonalRow) -> dict[str, Any]:
    names = (
        "id",
        "index_slug",
        "name",
        "value_usd",
        "cash_usd",
        "invested_usd",
        "gain_usd",
        "gain",
        "created_at",
    )
    return {
        **{name: getattr(row, name) for name in names},
        "settings": _spoken(row.settings),
        "waiting": None if row.waiting is None else _spoken(row.waiting),
        "positions": row.positions,
    }


def _spoken(settings: selectors.Settings) -> dict[str, Any]:
    return {
        "exclude": list(settings.exclude),
        "max_weight": settings.max_weight / _MILLION,
        "risk_share": settings.risk_share / _MILLION,
    }
