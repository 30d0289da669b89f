"""E-mail from the rows of notices. A row is claimed before it is sent, so that two workers do not send it twice; an
attempt that died is made again with the same Message-ID."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.template.loader import render_to_string

from portfolios.models import Notice
from portfolios.services.faultpoints import fault_point

log = logging.getLogger(__name__)

BATCH = 200
MOST_ATTEMPTS = 6
FIRST_WAIT = timedelta(minutes=1)
"""Before the second attempt; each further wait is four times as long: over five hours in all."""

_UNWANTED = """
UPDATE portfolios_notice n SET mail = 'unwanted'
WHERE n.id = ANY(%(claimed)s) AND n.mail = 'waiting' AND (
    NOT EXISTS (SELECT 1 FROM portfolios_user u WHERE u.id = n.user_id AND u.is_active)
    OR EXISTS (SELECT 1 FROM portfolios_noticepreference p
               WHERE p.user_id = n.user_id AND p.kind = n.kind AND NOT p.by_email))
"""
_CLAIM = """
UPDATE portfolios_notice n
SET mail_attempts = n.mail_attempts + 1,
    mail_after = %(now)s + make_interval(secs => %(wait)s) * power(4, n.mail_attempts)
WHERE n.id IN (SELECT id FROM portfolios_notice WHERE mail = 'waiting' AND mail_after <= %(now)s
               ORDER BY mail_after, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING n.id
"""


def notices_mail(*, now: datetime, limit: int = BATCH) -> int:
    """Up to `limit` waiting notices sent by e-mail, the oldest first; how many went out. What the person does not want
    is marked so; what cannot be sent is tried again later and given up after six attempts."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "wait": FIRST_WAIT.total_seconds(), "limit": limit})
        claimed = [row[0] for row in cursor.fetchall()]
        fault_point("mail claimed")
        cursor.execute(_UNWANTED, {"claimed": claimed})
    rows = _rows(claimed)
    if not rows:
        return 0
    server = get_connection()
    try:
        # Opened once for all of them; without it each message would open its own.
        server.open()
        return sum(_mail(row, server, now) for row in rows)
    except (SMTPException, OSError) as error:
        log.warning("mail server: %s; %s notices wait", error, len(claimed))
        _give_up(claimed)
        return 0
    finally:
        server.close()


def _rows(ids: list[int]) -> list[Notice]:
    waiting = Notice.objects.filter(pk__in=ids, mail=Notice.Mail.WAITING)
    return list(waiting.select_related("user").order_by("id"))


def _mail(notice: Notice, server: BaseEmailBackend, now: datetime) -> int:
    try:
        _message(notice, server).send()
    except (SMTPException, OSError) as error:
        log.warning("notice %s was not mailed: %s", notice.pk, error)
        _give_up([notice.pk])
        return 0
    fault_point("mail sent")
    return Notice.objects.filter(pk=notice.pk, mail=Notice.Mail.WAITING).update(
        mail=Notice.Mail.SENT, emailed_at=now
    )


def _give_up(ids: list[int]) -> None:
    Notice.objects.filter(pk__in=ids, mail=Notice.Mail.WAITING, mail_attempts__gte=MOST_ATTEMPTS).update(
        mail=Notice.Mail.FAILED
    )


def _message(notice: Notice, server: BaseEmailBackend) -> EmailMultiAlternatives:
    site = settings.SITE_URL.rstrip("/")
    context = {"notice": notice, "site": site, "link": f"{site}{notice.url}" if site and notice.url else ""}
    subject = settings.ACCOUNT_EMAIL_SUBJECT_PREFIX + " ".join(notice.title.split())
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string("email/notice.txt", context),
        to=[notice.user.email],
        connection=server,
        # The same in every attempt: where one died after sending, the mail program shows one message.
        headers={"Message-ID": f"<notice-{notice.pk}@bellwether>", "Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(render_to_string("email/notice.html", context), "text/html")
    return message
