"""Personal portfolios: their books, and the batches that changed them. Postings come with a million rows a week and
have no page; `ledger_check` reads them all."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.models import Basket, Batch, Book, BookChange, DealingBlock, NomineeDealing


@admin.register(Book)
class BookAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "nominee", "cash", "max_weight", "risk_share", "version")
    search_fields = ("owner__email",)
    list_select_related = ("owner", "nominee")
    fields = ("nominee", "owner", "basket", "cash", "quantities", "max_weight", "risk_share", "version")


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("reference", "nominee", "books", "cash", "effective_at", "recorded_at")
    search_fields = ("reference",)
    list_select_related = ("nominee",)


@admin.register(Basket)
class BasketAdmin(ReadOnlyAdmin):
    list_display = ("id", "digest")


@admin.register(BookChange)
class BookChangeAdmin(ReadOnlyAdmin):
    """Settings that wait for the next dealing, and those that were put in force."""

    list_display = ("book", "max_weight", "risk_share", "created_at", "applied_at")
    list_filter = (("applied_at", admin.EmptyFieldListFilter),)
    list_select_related = ("book",)


class DealingBlockInline(ReadOnlyInline):
    model = DealingBlock
    fields = ("number", "first", "last", "stored_at")
    readonly_fields = fields


@admin.register(NomineeDealing)
class NomineeDealingAdmin(ReadOnlyAdmin):
    """The terms that a nominee's dealing was planned on, and how many of its blocks are stored."""

    list_display = ("dealing", "basket", "hold", "full", "turnover")
    list_select_related = ("dealing", "basket")
    inlines = (DealingBlockInline,)
