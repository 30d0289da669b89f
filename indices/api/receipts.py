"""Receipts over the API: what was published of every rebalance, signed, and the keys to check it with. Public."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from indices import selectors
from indices.api.asking import PUBLIC, IndexQuery, PublicView
from indices.models import Index


class ReceiptsQuery(IndexQuery):
    cursor = serializers.IntegerField(required=False, min_value=1, help_text="From `next`.")
    page_size = serializers.IntegerField(required=False, min_value=1, max_value=100, default=20)


class ReceiptSerializer(serializers.Serializer[Any]):
    """`text` is what was signed: its SHA-256 is `digest`, and the signature is over the 32 bytes of the digest."""

    sequence = serializers.IntegerField(help_text="Number in the chain of this index, from 1 without a gap.")
    kind = serializers.CharField(
        help_text="`decision` (at the determination) or `settlement` (at the trade)."
    )
    as_of = serializers.DateField(help_text="Day of the decision.")
    effective_on = serializers.DateField(help_text="Day at whose close it is traded.")
    published_at = serializers.DateTimeField(help_text="Market time.")
    is_sealed = serializers.BooleanField(
        help_text="True where weights are committed to and opened by the settlement receipt."
    )
    digest = serializers.CharField(help_text="SHA-256 of `text`, hexadecimal.")
    previous = serializers.CharField(help_text="Digest of the receipt before; zeros for the first.")
    key_id = serializers.CharField()
    signature = serializers.CharField(help_text="Ed25519, hexadecimal.")
    text = serializers.CharField(help_text="Canonical JSON; docs/receipts.md explains every field.")


class ReceiptDetailSerializer(ReceiptSerializer):
    public_key = serializers.CharField(help_text="Ed25519, hexadecimal; compare it with one you trust.")
    document = serializers.DictField(help_text="`text`, read.")


class ReceiptPageSerializer(serializers.Serializer[Any]):
    index = serializers.CharField()
    as_of = serializers.DateField()
    next = serializers.URLField(allow_null=True)
    results = ReceiptSerializer(many=True)


class SigningKeySerializer(serializers.Serializer[Any]):
    key_id = serializers.CharField(help_text="First 16 digits of the SHA-256 of the public key's bytes.")
    algorithm = serializers.CharField()
    public_key = serializers.CharField(help_text="32 bytes, hexadecimal.")
    first_used_at = serializers.DateTimeField()
    is_current = serializers.BooleanField(help_text="False for a retired key: what it signed stays valid.")


class SigningKeysSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="Always null: keys come whole.")
    results = SigningKeySerializer(many=True)


class ReceiptListView(PublicView):
    """Newest first. The cursor is a number of the chain, so receipts that come later do not shift a page."""

    @extend_schema(
        operation_id="receipts_list",
        summary="Signed receipts of an index; newest first",
        tags=["Receipts"],
        parameters=[ReceiptsQuery],
        responses={(200, "application/json"): ReceiptPageSerializer},
    )
    def get(self, request: Request, slug: str) -> Response:
        query = ReceiptsQuery.read(request)
        size, as_of = query["page_size"], query["as_of"]
        rows = selectors.receipt_list(_open(slug), as_of=as_of, limit=size + 1, before=query.get("cursor"))
        following = None
        if len(rows) > size:
            following = replace_query_param(request.build_absolute_uri(), "cursor", rows[size - 1].sequence)
        body = {
            "index": slug,
            "as_of": as_of,
            "next": following,
            "results": [_told(row) for row in rows[:size]],
        }
        return Response(body, headers=PUBLIC)


class ReceiptView(PublicView):
    @extend_schema(
        operation_id="receipts_retrieve",
        summary="One receipt with what it takes to check it",
        tags=["Receipts"],
        parameters=[IndexQuery],
        responses=ReceiptDetailSerializer,
    )
    def get(self, request: Request, slug: str, sequence: int) -> Response:
        as_of = IndexQuery.read(request)["as_of"]
        row = selectors.receipt(_open(slug), sequence, as_of=as_of)
        if row is None:
            raise NotFound(f"{slug} has no receipt {sequence} by {as_of}.")
        return Response(
            {**_told(row), "public_key": row.public_key, "document": row.document}, headers=PUBLIC
        )


class SigningKeysView(PublicView):
    @extend_schema(
        operation_id="receipts_keys",
        summary="Every public key that ever signed a receipt",
        tags=["Receipts"],
        responses={(200, "application/json"): SigningKeysSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = [
            {
                "key_id": row.key_id,
                "algorithm": "Ed25519",
                "public_key": row.public_key,
                "first_used_at": row.first_used_at,
                "is_current": row.is_current,
            }
            for row in selectors.signing_keys()
        ]
        return Response({"next": None, "results": rows}, headers=PUBLIC)


def _open(slug: str) -> Index:
    try:
        return selectors.index_open(slug)
    except selectors.IndexNotFound as error:
        raise NotFound(f"There is no index '{slug}'.") from error


def _told(row: selectors.ReceiptRow) -> dict[str, Any]:
    names = (
        "sequence",
        "kind",
        "as_of",
        "effective_on",
        "published_at",
        "is_sealed",
        "digest",
        "previous",
        "key_id",
        "signature",
        "text",
    )
    return {name: getattr(row, name) for name in names}


urlpatterns = [
    path("receipts/key/", SigningKeysView.as_view(), name="receipt-keys"),
    path("indices/<slug:slug>/receipts/", ReceiptListView.as_view(), name="index-receipts"),
    path("indices/<slug:slug>/receipts/<int:sequence>/", ReceiptView.as_view(), name="index-receipt"),
]
