"""The books: entries with their postings, accounts and balances."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, trimmed
from portfolios.models import Account, Balance, Entry, LedgerAsset, Posting


class PostingInline(ReadOnlyInline):
    model = Posting
    fields = ("account", "asset", "exact")
    readonly_fields = fields

    @admin.display(description="amount")
    def exact(self, posting: Posting) -> str:
        return trimmed(posting.amount)


class BalanceInline(ReadOnlyInline):
    model = Balance
    fields = ("asset", "exact")
    readonly_fields = fields

    @admin.display(description="amount")
    def exact(self, balance: Balance) -> str:
        return trimmed(balance.amount)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "reference", "description", "effective_at", "recorded_at")
    list_filter = ("kind",)
    search_fields = ("reference", "description")
    date_hierarchy = "effective_at"
    inlines = (PostingInline,)


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    list_display = ("entry", "account", "asset", "exact")
    search_fields = ("account__key", "entry__reference", "asset__code")
    list_select_related = ("entry", "account", "asset")

    @admin.display(description="amount", ordering="amount")
    def exact(self, posting: Posting) -> str:
        return trimmed(posting.amount)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("key", "kind", "user", "portfolio", "may_be_negative")
    list_filter = ("kind",)
    search_fields = ("key", "user__email")
    list_select_related = ("user", "portfolio")
    inlines = (BalanceInline,)


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    list_display = ("account", "asset", "exact")
    list_filter = ("account__kind", "asset__kind")
    search_fields = ("account__key", "asset__code")
    list_select_related = ("account", "asset")

    @admin.display(description="amount", ordering="amount")
    def exact(self, balance: Balance) -> str:
        return trimmed(balance.amount)


@admin.register(LedgerAsset)
class LedgerAssetAdmin(ReadOnlyAdmin):
    list_display = ("code", "kind", "scale")
    list_filter = ("kind",)
    search_fields = ("code",)
