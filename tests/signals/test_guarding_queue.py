"""The operator's queue of freezes: what it shows, what it asks for, and whose name it keeps."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from portfolios.models import User
from signals.admin.guarding import typed_price
from signals.models import Freeze, GuardRecord
from tests.quotes import Tape, live_market, tokens

pytestmark = pytest.mark.django_db
QUEUE = "admin:signals_freeze_changelist"


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def operator():
    return signed_in(User.objects.create_superuser("operator@example.org", None))


@pytest.fixture
def tape():
    market = live_market()
    tokens("alpha")
    tape = Tape(market)
    tape(100.0, 100.0, 100.0)
    tape(0.0002, 0.00021, 0.0002)
    return tape


def page(freeze):
    return reverse("admin:signals_freeze_confirm", args=[freeze.pk])


def test_the_queue_lists_both_prices_and_leads_to_each_source(operator, tape):
    freeze = Freeze.objects.get()
    listed = operator.get(reverse(QUEUE)).content.decode()
    assert "$100.00" in listed
    assert "$0.0002000" in listed
    assert page(freeze) in listed
    shown = operator.get(page(freeze)).content.decode()
    for text in ("coingecko", "kraken", "coinbase", "$0.0002100", "frozen until 3 sources or a person"):
        assert text in shown


def test_typing_the_price_ends_the_freeze_in_the_operators_name(operator, tape):
    freeze = Freeze.objects.get()
    answer = operator.post(page(freeze), {"candidate": "$0.0002"}, follow=True)
    assert "trades again" in answer.content.decode()
    freeze.refresh_from_db()
    assert freeze.ended_by == "operator@example.org"
    assert GuardRecord.objects.get().mark == 0.0002
    entry = LogEntry.objects.get()
    assert (entry.user.email, entry.object_id) == ("operator@example.org", str(freeze.pk))
    assert "typed 0.0002 USD" in entry.change_message
    assert "I stand for this price" not in operator.get(page(freeze)).content.decode()


@pytest.mark.parametrize("typed", ["", "yes", "nan", "inf", "-1", "0", "0.002"])
def test_anything_else_changes_nothing_and_says_so(operator, tape, typed):
    freeze = Freeze.objects.get()
    answer = operator.post(page(freeze), {"candidate": typed})
    assert "Nothing was changed" in answer.content.decode()
    freeze.refresh_from_db()
    assert freeze.ended_at is None
    assert not LogEntry.objects.exists()


def test_without_agreement_there_is_nothing_to_confirm(operator, tape):
    tape(0.0002, 0.0002, after=timedelta(minutes=5))
    freeze = Freeze.objects.get()
    shown = operator.get(page(freeze)).content.decode()
    assert "Nobody can stand for a price that is not there" in shown
    assert "I stand for this price" not in shown
    assert "Nothing was changed" in operator.post(page(freeze), {"candidate": "0.0002"}).content.decode()


def test_only_who_may_change_a_freeze_confirms_it(tape):
    freeze = Freeze.objects.get()
    clerk = User.objects.create_user("clerk@example.org", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_freeze"))
    client = signed_in(clerk)
    assert client.get(reverse(QUEUE)).status_code == 200
    assert client.get(page(freeze)).status_code == 403
    assert client.post(page(freeze), {"candidate": "0.0002"}).status_code == 403
    assert Client().get(page(freeze)).status_code == 302
    assert Freeze.objects.get().ended_at is None


@pytest.mark.parametrize(
    ("text", "price"),
    [("0.0002", 0.0002), (" $1,234.50 ", 1234.5), ("2e-4", 0.0002), ("", None), ("1.2.3", None)],
)
def test_prices_are_read_as_people_write_them(text, price):
    assert typed_price(text) == price
