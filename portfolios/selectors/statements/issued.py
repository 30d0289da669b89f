"""Statements as issued."""

from datetime import date

from django.db.models import Exists, OuterRef, QuerySet

from portfolios.models import Statement, User


def statement_queryset(user: User) -> QuerySet[Statement]:
    """The newest version of each month, newest month first; the sheets themselves are left out."""
    later = Statement.objects.filter(
        user=OuterRef("user"), month=OuterRef("month"), version__gt=OuterRef("version")
    )
    return Statement.objects.filter(~Exists(later), user=user).order_by("-month").defer("body")


def statement(user: User, month: date, *, version: int | None = None) -> Statement | None:
    """One statement with its sheet: the newest version, or the one asked for; None where there is none."""
    rows = Statement.objects.filter(user=user, month=month)
    if version is not None:
        rows = rows.filter(version=version)
    return rows.order_by("-version").first()


def statement_versions(user: User, month: date) -> list[Statement]:
    """Every version of a month, newest first, without sheets."""
    return list(Statement.objects.filter(user=user, month=month).order_by("-version").defer("body"))
