"""A person's money in and out."""

from django.db.models import QuerySet

from portfolios.models import Payment, User


def payment_queryset(user: User, direction: str) -> QuerySet[Payment]:
    """The user's payments of one direction (deposit, withdrawal), newest first; a paginator may cut it."""
    return Payment.objects.filter(user=user, direction=direction).order_by("-created_at", "-id")
