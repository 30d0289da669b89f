"""What a person was told, and how they want to be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portfolios.models import Notice, NoticeKind, NoticePreference, User

MOST_COUNTED = 99
"""The bell says no larger number, and counting stops there."""


@dataclass(frozen=True)
class NoticeChoice:
    """One kind of notice: what it is about, whether it is mailed, and whether the person may change that."""

    kind: str
    words: str
    by_email: bool
    is_fixed: bool


def notice_queryset(user: User, *, unread: bool = False, before: int | None = None) -> QuerySet[Notice]:
    """The person's notices, newest first: only those not read, only those before an id."""
    rows = Notice.objects.filter(user=user).order_by("-id")
    if unread:
        rows = rows.filter(read_at=None)
    return rows if before is None else rows.filter(pk__lt=before)


def notices(user: User, *, limit: int, before: int | None = None) -> Sequence[Notice]:
    """The newest `limit` notices of the person, those before an id where one is given."""
    return list(notice_queryset(user, before=before)[:limit])


def notices_unread(user: User) -> int:
    """How many notices the person has not read; never more than one above 99."""
    return notice_queryset(user, unread=True)[: MOST_COUNTED + 1].count()


def notice_choices(user: User) -> list[NoticeChoice]:
    """Every kind with the person's wish, in a fixed order."""
    wished = dict(NoticePreference.objects.filter(user=user).values_list("kind", "by_email"))
    return [
        NoticeChoice(kind, str(label), wished.get(kind, True), kind == NoticeKind.SECURITY)
        for kind, label in NoticeKind.choices
    ]


@dataclass(frozen=True)
class MailFigures:
    """E-mail of notices: how many wait, how many were given up, and since when the oldest waits."""

    waiting: int
    failed: int
    oldest: datetime | None


def mail_figures() -> MailFigures:
    """The figures of now, over everybody."""
    waiting = Notice.objects.filter(mail=Notice.Mail.WAITING)
    oldest = waiting.order_by("mail_after").values_list("created_at", flat=True).first()
    return MailFigures(waiting.count(), Notice.objects.filter(mail=Notice.Mail.FAILED).count(), oldest)
