"""Indices that people built: whose they are, who may look at them, how many more there may be."""

from django.db.models import QuerySet

from portfolios.models import Account, Balance, CustomIndex, Order, Portfolio, User
from portfolios.selectors.plans import plan_of


def custom_indices(user: User) -> list[CustomIndex]:
    """The user's own indices that are not archived, newest first."""
    return list(_kept(user))


def custom_index_queryset(user: User) -> QuerySet[CustomIndex]:
    """The user's own indices that are not archived, newest first; a paginator may cut it."""
    return _kept(user)


def custom_index(user: User, slug: str) -> CustomIndex | None:
    """The user's own index `slug`, or None where they have no such index or it is archived."""
    return _kept(user).filter(index__slug=slug).first()


def custom_index_shared(token: str) -> CustomIndex | None:
    """The index behind a share link, or None where the link opens nothing any more."""
    if not token:
        return None
    found = CustomIndex.objects.filter(share_token=token, archived_at=None)
    return found.select_related("index").first()


def custom_indices_left(user: User) -> int:
    """How many more indices of their own the user's plan lets them keep; 0 where it is full."""
    return max(0, plan_of(user).custom_indices - _kept(user).count())


def custom_index_in_use(own: CustomIndex) -> bool:
    """Whether units of it are held, or orders for it are on their way."""
    pots = Portfolio.objects.filter(index_id=own.index_id).values("pk")
    held = Balance.objects.filter(
        account__portfolio__in=pots, account__kind=Account.Kind.ISSUED, amount__lt=0
    )
    moving = [Order.Status.ACCEPTED, Order.Status.DEALING]
    return held.exists() or Order.objects.filter(portfolio__in=pots, status__in=moving).exists()


def _kept(user: User) -> QuerySet[CustomIndex]:
    return CustomIndex.objects.filter(user=user, archived_at=None).select_related("index")
