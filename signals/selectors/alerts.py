"""What is wrong now, or was at a day."""

from datetime import date

from django.db.models import Q

from signals.models import Alert


def alerts_open() -> list[Alert]:
    """Every alert that is not cleared, the latest first."""
    return list(Alert.objects.filter(cleared_on__isnull=True))


def alert_standing(kinds: tuple[str, ...], *, as_of: date) -> Alert | None:
    """The latest alert of these kinds that stood at the close of `as_of`; the day it was cleared on is not part."""
    standing = Q(cleared_on__isnull=True) | Q(cleared_on__gt=as_of)
    return Alert.objects.filter(standing, kind__in=kinds, as_of__lte=as_of).order_by("-as_of", "-pk").first()
