"""Receipts, commitments and keys for operators: to look at, never to change."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from indices.admin.rules import ReadOnlyAdmin
from indices.models import Receipt, SigningKey, WeightCommitment


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("index", "sequence", "kind", "decision", "published_at", "digest")
    list_filter = ("kind", "index")
    list_select_related = ("index", "decision")
    ordering = ("-id",)
    show_full_result_count = False
    fields = (
        "index",
        "sequence",
        "kind",
        "decision",
        "published_at",
        "recorded_at",
        "digest",
        "previous_digest",
        "key",
        "signature",
        "text",
    )

    @admin.display(description="document")
    def text(self, receipt: Receipt) -> SafeString:
        return format_html(
            "<pre>{}</pre>", json.dumps(json.loads(receipt.body), indent=2, ensure_ascii=False)
        )


@admin.register(WeightCommitment)
class WeightCommitmentAdmin(ReadOnlyAdmin):
    """Salt and weights are left out: whoever works here need not know them before everybody does."""

    list_display = ("decision", "digest", "created_at")
    list_select_related = ("decision",)
    fields = ("decision", "digest", "created_at")


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("key_id", "public_key", "first_used_at")
