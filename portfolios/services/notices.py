"""Telling people things. A notice is written in the transaction of what it tells; its e-mail is sent later, from the
row, by `notice_mail`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from portfolios.errors import InvalidPreference, UnknownNotice
from portfolios.models import Announcement, Notice, NoticeKind, NoticePreference, User

ALWAYS_MAILED = frozenset({NoticeKind.SECURITY})
"""Whoever has taken over an account must not be able to silence these."""

_TELL_ALL = """
INSERT INTO portfolios_notice (user_id, kind, key, title, text, url, created_at, mail, mail_after, mail_attempts)
SELECT audience.user_id, %(kind)s, %(key)s, %(title)s, replace(%(text)s, '{{share}}', audience.share), %(url)s, now(),
       'waiting', now(), 0
FROM ({audience}) AS audience(user_id, share)
ORDER BY audience.user_id
ON CONFLICT (user_id, key) DO NOTHING
"""


def notice_send(user: User, *, kind: str, key: str, title: str, text: str, url: str = "") -> Notice:
    """The one notice of this person and `key`: a second call returns the first and changes nothing.

    It belongs to the caller's transaction and vanishes with it. `key` names the event (`order:<id>`), `url` is a path
    of this site. Its e-mail follows within a minute of the commit unless the person does not want this kind.
    """
    if kind not in NoticeKind.values:
        raise ValueError(f"kind: {kind!r} is no kind of notice; use one of {', '.join(NoticeKind.values)}")
    if url and not url.startswith("/"):
        raise ValueError(f"url: {url!r} must be a path of this site and begin with a slash")
    notice, _ = Notice.objects.get_or_create(
        user=user, key=key, defaults={"kind": kind, "title": title[:160], "text": text, "url": url}
    )
    return notice


@transaction.atomic
def announce(
    audience: str,
    parameters: Mapping[str, Any],
    *,
    kind: NoticeKind,
    key: str,
    title: str,
    text: str,
    url: str = "",
) -> int:
    """A notice for everybody in `audience`, in one statement however many they are; how many were told. The same key
    twice tells nobody twice.

    `audience` is a SELECT of (user_id, share) with `parameters`, and each person's share stands where the text says
    {share}. It comes from the code of this room, never from outside.
    """
    # A second caller waits here for the first one's commit.
    row, is_new = Announcement.objects.get_or_create(
        key=key, defaults={"kind": kind, "title": title[:160], "text": text, "url": url}
    )
    if not is_new:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL_ALL.format(audience=audience),
            {**parameters, "kind": str(kind), "key": key, "title": title[:160], "text": text, "url": url},
        )
        told = cursor.rowcount
    Announcement.objects.filter(pk=row.pk).update(people=told)
    return told


def announced(key: str) -> bool:
    """Whether this event was told to its audience."""
    return Announcement.objects.filter(key=key).exists()


def notice_read(user: User, notice_id: int, *, now: datetime) -> Notice:
    """The person's notice, read since `now` or since before. Raises UnknownNotice."""
    Notice.objects.filter(pk=notice_id, user=user, read_at=None).update(read_at=now)
    found = Notice.objects.filter(pk=notice_id, user=user).first()
    if found is None:
        raise UnknownNotice("Nothing was changed: you have no such notice.")
    return found


def notices_read(user: User, *, now: datetime) -> int:
    """Everything that the person had not read is read; how many."""
    return Notice.objects.filter(user=user, read_at=None).update(read_at=now)


@transaction.atomic
def preferences_set(user: User, by_email: Mapping[str, bool]) -> None:
    """The kinds named in `by_email` come by e-mail from now on, or do not; others stay as they are. What waits to be
    sent follows the new wish. Raises InvalidPreference, and changes nothing, for an unknown kind or for one that
    cannot be turned off."""
    for kind, wanted in by_email.items():
        if kind not in NoticeKind.values:
            raise InvalidPreference(
                f"Nothing was changed: there is no kind {kind!r}; use {', '.join(NoticeKind.values)}.",
                field=kind,
            )
        if not wanted and kind in ALWAYS_MAILED:
            raise InvalidPreference(
                "Nothing was changed: mails about the safety of your account cannot be turned off.",
                field=kind,
            )
    NoticePreference.objects.bulk_create(
        [NoticePreference(user=user, kind=kind, by_email=wanted) for kind, wanted in by_email.items()],
        update_conflicts=True,
        unique_fields=["user", "kind"],
        update_fields=["by_email"],
    )
