"""What people are told: once, in words, and by e-mail only where they want it."""

from datetime import timedelta
from decimal import Decimal
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portfolios.errors import InvalidPreference, UnknownNotice
from portfolios.models import Announcement, Notice, NoticeKind, NoticePreference, Order, Rebalance
from portfolios.selectors.notices import notice_choices, notices_unread
from portfolios.services import execution, investing, rebalancing
from portfolios.services.faultpoints import hook_set
from portfolios.services.notice_events import events_tell
from portfolios.services.notice_mail import MOST_ATTEMPTS, notices_mail
from portfolios.services.notices import announce, notice_read, notice_send, notices_read, preferences_set
from portfolios.services.pauses import pause_end, pause_start
from signals import selectors as signal_selectors
from tests.factories import user_make
from tests.live_worlds import Live
from tests.worlds import clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def told(user):
    """What this person was told, their deposits left out."""
    rows = Notice.objects.filter(user=user).exclude(kind="payment").order_by("id")
    return [(row.kind, row.title) for row in rows]


def tell():
    return events_tell(now=timezone.now())


def deal():
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    assert execution.dealing_run().at_rest


def sent(user, kind="payment", key="a", **more):
    return notice_send(user, kind=kind, key=key, title="Money came in", text="It is yours.", **more)


def test_the_same_event_is_told_once_and_the_first_words_stay():
    user, other = user_make(), user_make()
    first = sent(user)
    assert notice_send(user, kind="fee", key="a", title="Other", text="Other") == first
    first.refresh_from_db()
    assert (first.kind, first.title) == ("payment", "Money came in")
    assert sent(other) != first
    assert Notice.objects.count() == 2


def test_a_notice_vanishes_with_the_transaction_that_it_tells_of():
    user = user_make()

    def told_and_undone():
        with transaction.atomic():
            sent(user)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        told_and_undone()
    assert not Notice.objects.exists()


@pytest.mark.parametrize("more", [{"kind": "gossip"}, {"url": "https://example.org/"}])
def test_a_kind_that_is_none_and_an_address_elsewhere_are_refused(more):
    with pytest.raises(ValueError, match=r"kind|url"):
        sent(user_make(), **more)


def test_each_notice_is_mailed_once_with_a_link_and_both_forms(settings):
    settings.SITE_URL = "https://invest.example/"
    user, now = user_make(), timezone.now()
    notice = sent(user, url="/dashboard/")
    assert (notices_mail(now=now + timedelta(seconds=1)), notices_mail(now=now + timedelta(hours=9))) == (
        1,
        0,
    )
    [message] = mail.outbox
    assert (message.to, message.subject) == ([user.email], "[Bellwether] Money came in")
    assert "https://invest.example/dashboard/" in message.body
    assert "It is yours." in message.body
    assert isinstance(message, EmailMultiAlternatives)
    html, mime = message.alternatives[0]
    assert isinstance(html, str)
    assert mime == "text/html"
    assert 'href="https://invest.example/dashboard/"' in html
    assert message.extra_headers["Message-ID"] == f"<notice-{notice.pk}@bellwether>"
    notice.refresh_from_db()
    assert (notice.mail, notice.emailed_at) == ("sent", now + timedelta(seconds=1))


def test_what_a_person_does_not_want_is_not_mailed_and_stands_in_the_inbox():
    user, other = user_make(), user_make()
    preferences_set(user, {"payment": False})
    notice = sent(user)
    sent(user, kind="security", key="b")
    sent(other)
    assert notices_mail(now=timezone.now() + timedelta(minutes=1)) == 2
    assert sorted(message.to[0] for message in mail.outbox) == sorted([user.email, other.email])
    notice.refresh_from_db()
    assert (notice.mail, notice.emailed_at) == ("unwanted", None)
    assert notices_unread(user) == 2


def test_mails_about_security_cannot_be_turned_off_and_nothing_else_is_changed():
    user = user_make()
    with pytest.raises(InvalidPreference) as refusal:
        preferences_set(user, {"fee": False, "security": False})
    assert refusal.value.field == "security"
    assert not NoticePreference.objects.exists()
    with pytest.raises(InvalidPreference):
        preferences_set(user, {"gossip": True})
    preferences_set(user, {"fee": False})
    preferences_set(user, {"fee": True, "paused": False})
    assert {row.kind for row in notice_choices(user) if not row.by_email} == {"paused"}


def test_a_server_that_is_down_is_asked_again_ever_later_and_given_up(monkeypatch):
    def refuse(message, **kwargs):
        raise SMTPServerDisconnected("gone")

    notice, now = sent(user_make()), timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
        waits = []
        for _ in range(MOST_ATTEMPTS):
            notice.refresh_from_db()
            at = max(now, notice.mail_after)
            assert notices_mail(now=at) == 0
            assert notices_mail(now=at) == 0, "claimed: not before its time"
            notice.refresh_from_db()
            waits.append((notice.mail_after - at).total_seconds() / 60)
    assert waits == [1, 4, 16, 64, 256, 1024]
    assert (notice.mail, notice.mail_attempts) == ("failed", MOST_ATTEMPTS)
    assert notices_mail(now=now + timedelta(days=9)) == 0


def test_one_bad_address_does_not_hold_up_the_others(monkeypatch):
    from django.core.mail import EmailMultiAlternatives

    bad, good = user_make(), user_make()
    sent(bad), sent(good)
    real = EmailMultiAlternatives.send

    def send(self, *args, **kwargs):
        if self.to == [bad.email]:
            raise SMTPServerDisconnected("no such mailbox")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(EmailMultiAlternatives, "send", send)
    assert notices_mail(now=timezone.now() + timedelta(minutes=1)) == 1
    assert [message.to for message in mail.outbox] == [[good.email]]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_died_before_sending_leaves_the_mail_to_the_next():
    class Killed(BaseException):
        pass

    def die(name):
        if name == "mail claimed":
            raise Killed

    notice, now = sent(user_make()), timezone.now() + timedelta(seconds=1)
    hook_set(die)
    try:
        with pytest.raises(Killed):
            notices_mail(now=now)
    finally:
        hook_set(None)
    assert notices_mail(now=now) == 0
    assert notices_mail(now=now + timedelta(minutes=2)) == 1
    notice.refresh_from_db()
    assert (notice.mail, notice.mail_attempts, len(mail.outbox)) == ("sent", 2, 1)


def test_an_order_carried_out_is_told_with_units_price_and_cost_and_only_once():
    world_create()
    user = user_make(cash="500.00")
    order = investing.invest(user, "global-100", "100.00")
    tell()
    assert told(user) == []
    deal()
    tell(), tell()
    order.refresh_from_db()
    notice = Notice.objects.exclude(kind="payment").get(user=user)
    assert (notice.kind, notice.title) == ("order_executed", "$100.00 invested in Bellwether Global 100")
    assert notice.url == f"/orders/{order.pk}/"
    for part in ("$100.00 became 0.99", "units at $100.00 a unit", "Trading cost you $0."):
        assert part in notice.text
    investing.redeem(user, "global-100", all=True)
    deal()
    tell()
    back = Order.objects.get(side="redeem")
    assert told(user)[-1] == ("order_executed", f"${back.proceeds:,.2f} from Bellwether Global 100")


def test_what_a_person_cancelled_is_no_news_and_what_we_gave_back_is():
    world_create()
    user = user_make(cash="500.00")
    mine = investing.invest(user, "global-100", "100.00")
    investing.order_cancel(user, mine.pk)
    tell()
    assert told(user) == []
    Order.objects.filter(pk=mine.pk).update(reason="Nothing has a price now.", told_at=None)
    tell()
    notice = Notice.objects.exclude(kind="payment").get(user=user)
    assert notice.kind == "order_skipped"
    assert "is yours to use again. Nothing has a price now." in notice.text


def test_every_holder_of_that_time_is_told_of_a_rebalance_with_their_share_of_its_cost():
    world = world_create()
    large, small, left, late = (user_make(cash="10000.00") for _ in range(4))
    investing.invest(large, "global-100", "3000.00")
    investing.invest(small, "global-100", "1000.00")
    investing.invest(left, "global-100", "500.00")
    deal()
    investing.redeem(left, "global-100", all=True)
    deal()
    tell()
    Notice.objects.all().delete()
    decision_create(
        world, as_of=signal_selectors.last_closed_day() + timedelta(days=6), weights={"alpha": "1"}
    )
    clock_to(world, signal_selectors.last_closed_day() + timedelta(days=7))
    investing.invest(late, "global-100", "100.00")
    deal()
    tell(), tell()
    done = Rebalance.objects.get(status="done")
    assert [told(user) for user in (large, small, left)] == [
        [("rebalanced", "Bellwether Global 100 was rebalanced")],
        [("rebalanced", "Bellwether Global 100 was rebalanced")],
        [],
    ]
    assert [kind for kind, _ in told(late)] == ["order_executed"]
    texts = [Notice.objects.get(user=user).text for user in (large, small)]
    shares = [Decimal(text.split("Your share of the cost: $")[1].rstrip(".")) for text in texts]
    assert shares == [(done.cost_usd * part / 4).quantize(Decimal("0.01")) for part in (3, 1)]
    assert Announcement.objects.get(key=f"rebalance:{done.pk}").people == 2


def test_telling_many_takes_as_many_statements_as_telling_one():
    world_create()
    people = [user_make(cash="100.00") for _ in range(25)]
    for user in people:
        investing.invest(user, "global-100", "50.00")
    deal()
    audience = "SELECT user_id, '' FROM portfolios_order WHERE id = ANY(%(orders)s)"
    ids = list(Order.objects.values_list("pk", flat=True))
    counts = []
    for number in (1, 25):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert (
                announce(
                    audience,
                    {"orders": ids[:number]},
                    kind=NoticeKind.PAUSED,
                    key=f"event {number}",
                    title="A 100% sure thing",
                    text="Nothing {moved}.",
                )
                == number
            )
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert set(Notice.objects.filter(key="event 25").values_list("text", flat=True)) == {"Nothing {moved}."}


def test_a_pause_and_its_end_are_told_to_those_whom_it_touches():
    world_create()
    holder, waiting, stranger, operator = (
        user_make(cash="100.00"),
        user_make(cash="100.00"),
        user_make(),
        user_make(),
    )
    investing.invest(holder, "global-100", "100.00")
    deal()
    order = investing.invest(waiting, "global-100", "50.00")
    pause = pause_start("index", "global-100", reason="We look into a price.", by=operator)
    tell(), tell()
    assert [kind for kind, _ in told(holder)] == ["order_executed", "paused"]
    assert [title for _, title in told(waiting)] == [
        "global-100 is not dealt in for now",
        "Your order for Bellwether Global 100 waits",
    ]
    assert "We look into a price." in Notice.objects.get(user=waiting, key=f"order:{order.pk}:waits").text
    assert told(stranger) == []
    pause_end(pause.pk, by=operator)
    tell(), tell()
    assert told(holder)[-1] == ("paused", "No longer: global-100 is not dealt in")
    assert told(stranger) == []


def test_a_frozen_price_is_told_once_to_those_who_hold_it():
    live = Live()
    user, stranger = user_make(cash="1000.00"), user_make(cash="10.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    live.fall("epsilon", 0.25)
    tell()
    live.round()
    tell()
    frozen = Notice.objects.filter(kind="price_frozen")
    assert [(row.user, row.title) for row in frozen] == [(user, "The price of Epsilon is in doubt")]
    assert "it counts at $105.00" in frozen[0].text
    assert told(stranger) == []


def client_of(user):
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def test_the_bell_counts_and_the_inbox_opens_what_a_notice_is_about():
    world_create()
    user, other = user_make(), user_make()
    notice, foreign = sent(user, url="/money/"), sent(other)
    client = client_of(user)
    page = client.get(reverse("portfolios:notices")).content.decode()
    assert "Notices, 1 new" in page
    assert "Money came in" in page
    assert client.get(reverse("portfolios:notices")).content.decode().count("Notices, 1 new") == 1
    answer = client.post(reverse("portfolios:notice_open", args=[notice.pk]))
    assert (answer.status_code, answer["Location"]) == (302, "/money/")
    assert "Notices, 1 new" not in client.get(reverse("portfolios:notices")).content.decode()
    assert client.post(reverse("portfolios:notice_open", args=[foreign.pk])).status_code == 404
    with pytest.raises(UnknownNotice):
        notice_read(user, foreign.pk, now=timezone.now())
    sent(user, key="b"), sent(user, key="c")
    client.post(reverse("portfolios:notices_mark"))
    assert notices_unread(user) == 0
    assert notices_unread(other) == 1
    assert notices_read(user, now=timezone.now()) == 0


def test_preferences_are_chosen_on_a_page_where_security_cannot_be_unticked():
    world_create()
    user = user_make()
    client, address = client_of(user), reverse("portfolios:notice_preferences")
    assert client.get(address).content.decode().count(" checked") == len(NoticeKind.values)
    answer = client.post(address, {"kind": ["rebalanced", "fee"]})
    assert answer.status_code == 302
    wanted = {row.kind for row in notice_choices(user) if row.by_email}
    assert wanted == {"rebalanced", "fee", "security"}


def test_a_long_inbox_comes_in_pages():
    world_create()
    user = user_make()
    for number in range(35):
        sent(user, key=str(number), url="")
    client = client_of(user)
    first = client.get(reverse("portfolios:notices")).content.decode()
    assert first.count('<li class="card tight stack-s"') == 30
    older = Notice.objects.filter(user=user).order_by("-id")[29].pk
    assert f"?before={older}" in first
    assert (
        client.get(f"/notices/inbox/?before={older}").content.decode().count('<li class="card tight stack-s"')
        == 5
    )
    assert client.get("/notices/inbox/?before=٣").status_code == 404
