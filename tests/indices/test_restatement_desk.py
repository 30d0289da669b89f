"""A correction from the form to the public notice, through the doors that people and programs use."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.replay import steps_inline
from indices import services
from indices.models import IndexLevel
from portfolios.models import User
from portfolios.services.plans import plans_seed
from signals import selectors as signal_selectors
from signals.core.clock import end_of_day
from signals.models import AssetEvent, Restatement
from tests.indices.test_history import BODY, MIDDLE, PANEL, clock_at, index_of
from tests.indices.test_restatement_levels import largest_held
from tests.journeys.reading import read
from tests.markets import market_store

pytestmark = pytest.mark.django_db
DAY = date(2020, 3, 18)
LIST = "admin:signals_restatement_changelist"


def operator(email):
    client = Client()
    client.force_login(
        User.objects.create_superuser(email, None), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


@pytest.fixture
def index():
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    plans_seed()  # the limits of the API come from them
    made = index_of(BODY)
    services.index_backfill(made, through=MIDDLE)
    return made


@pytest.fixture
def ann():
    return operator("ann@example.org")


@pytest.fixture
def bob():
    return operator("bob@example.org")


def form(slug, price, **changes):
    return {
        "token": slug,
        "day": DAY.isoformat(),
        "close": str(price),
        "reason": "Every exchange closed elsewhere.",
        "evidence_url": "https://example.org/closes",
        **changes,
    }


def desk(row):
    return reverse("admin:indices_restatement", args=[row.pk])


def act(client, row, action, **more):
    with steps_inline():
        answer = client.post(desk(row), {"action": action, **more}, follow=True)
    return answer.content.decode()


def test_two_people_and_a_notice(index, ann, bob):
    slug = largest_held(index, DAY)
    known = signal_selectors.candle_known(slug, day=DAY)
    assert known is not None
    old = known.close
    before = dict(IndexLevel.objects.values_list("date", "level"))
    shown = ann.get(reverse("admin:signals_restatement_add")).content.decode()
    assert "Propose it in my name" in shown
    answer = ann.post(reverse("admin:signals_restatement_add"), form(slug, old * 1.5))
    row = Restatement.objects.get()
    assert answer.url == desk(row)
    assert desk(row) in ann.get(reverse(LIST)).content.decode()
    assert "It has not been worked out yet." in ann.get(desk(row)).content.decode()

    assert "Nothing was changed. preview:" in act(bob, row, "approve", treatment="restate")
    act(ann, row, "preview")
    page = ann.get(desk(row)).content.decode()
    assert "Small Five" in page
    assert "1 level, 2020-03-18 to 2020-03-18" in page
    assert "The policy says" in page
    assert "You proposed it, so somebody else approves it." in page
    refused = act(ann, row, "approve", treatment="restate")
    assert "cannot approve it; ask somebody else" in refused
    row.refresh_from_db()
    assert (row.status, row.approved_by) == ("draft", "")
    assert "cannot become applied" in act(bob, row, "apply")

    assert "Approved. Nothing has changed yet" in act(bob, row, "approve", treatment="restate")
    assert dict(IndexLevel.objects.values_list("date", "level")) == before
    moment = timezone.now()
    assert "levels of 1 indices are restated" in act(ann, row, "apply")
    row.refresh_from_db()
    assert (row.proposed_by, row.approved_by, row.applied_by) == (
        "ann@example.org",
        "bob@example.org",
        "ann@example.org",
    )
    after = dict(IndexLevel.objects.values_list("date", "level"))
    assert {day for day in before if before[day] != after[day]} == {DAY}
    told = list(LogEntry.objects.order_by("pk").values_list("user__email", "change_message"))
    assert [email for email, _ in told] == ["ann@example.org", "bob@example.org", "ann@example.org"]
    assert told[1][1] == f"approve: {slug} {DAY}"

    guest = Client()
    answered = guest.get("/notices/")
    assert read(answered).offences == []
    notice = answered.content.decode()
    assert "Every exchange closed elsewhere." in notice
    assert "Small Five: 1 level changed, 2020-03-18 to 2020-03-18" in notice
    assert "example.org/closes" in notice
    assert "ann@" not in notice + str(guest.get("/api/v1/restatements/").json())
    candles = f"/api/v1/tokens/{slug}/candles/?as_of={DAY}&days=1"
    assert guest.get(candles).json()["results"][0]["close_usd"] == old * 1.5
    then = guest.get(candles, {"as_of": str(DAY), "days": "1", "known_at": moment.isoformat()}).json()
    assert [bar["close_usd"] for bar in then["results"]] == [old]
    prices = guest.get(
        f"/api/v1/tokens/{slug}/prices/", {"as_of": str(DAY), "days": "1", "known_at": moment.isoformat()}
    )
    assert prices.json()["results"] == [{"date": DAY.isoformat(), "close_usd": old}]
    (listed,) = guest.get(f"/api/v1/restatements/?token={slug}").json()["results"]
    assert listed["old"] == {"close": old}
    assert listed["new"] == {"close": old * 1.5}
    assert listed["effects"]["indices"][0]["levels"]["count"] == 1
    assert guest.get(f"/api/v1/restatements/{row.pk}/").json() == listed
    assert guest.get("/api/v1/restatements/999/").status_code == 404
    assert guest.get("/api/v1/restatements/?as_of=2020-01-01").status_code == 400
    assert services.index_verify(index) == []


def test_a_rejected_correction_changes_nothing_and_is_not_public(index, ann, bob):
    ann.post(reverse("admin:signals_restatement_add"), form(largest_held(index, DAY), 1.5))
    row = Restatement.objects.get()
    assert "why: say in a few words why" in act(bob, row, "reject", why="")
    assert "It is rejected." in act(bob, row, "reject", why="The source was right.")
    row.refresh_from_db()
    assert (row.status, row.closed_by, row.closed_why) == (
        "rejected",
        "bob@example.org",
        "The source was right.",
    )
    assert "rejected cannot become approved" in act(bob, row, "approve", treatment="restate")
    assert "No price has been corrected" in Client().get("/notices/").content.decode()
    assert Client().get("/api/v1/restatements/").json() == {"next": None, "results": []}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"token": "nothing"}, "token: there is none of that id"),
        ({"close": "yes"}, "close: type a number of USD"),
        ({"close": ""}, "there is nothing to correct"),
        ({"day": "2020-06-30"}, "has not closed"),
        ({"reason": "x"}, "reason: say in a sentence"),
    ],
)
def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(index, ann, changes, said):
    answer = ann.post(
        reverse("admin:signals_restatement_add"), form(largest_held(index, DAY), 1.5, **changes)
    )
    page = answer.content.decode()
    assert said in page
    assert "https://example.org/closes" in page
    assert not Restatement.objects.exists()


def test_who_may_look_may_not_decide(index, ann):
    ann.post(reverse("admin:signals_restatement_add"), form(largest_held(index, DAY), 1.5))
    row = Restatement.objects.get()
    clerk = User.objects.create_user("clerk@example.org", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_restatement"))
    client = Client()
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(desk(row)).status_code == 200
    for action in ("preview", "approve", "apply", "reject", "withdraw"):
        assert client.post(desk(row), {"action": action, "why": "because"}).status_code == 403
    assert client.get(reverse("admin:signals_restatement_add")).status_code == 403
    assert client.get(reverse("admin:indices_event_enter")).status_code == 403
    assert Client().get(desk(row)).status_code == 302
    assert Restatement.objects.get().status == "draft"


def test_an_event_is_entered_before_its_day_and_known_from_then_on(index, ann):
    slug = largest_held(index, MIDDLE)
    day = MIDDLE + timedelta(days=3)
    typed = {
        "kind": "redenomination",
        "asset": slug,
        "day": day.isoformat(),
        "ratio": "1000",
        "source_url": "https://example.org/swap",
    }
    address = reverse("admin:indices_event_enter")
    assert "ratio" in ann.post(address, {**typed, "ratio": ""}).content.decode()
    assert "Nothing was entered" in ann.post(address, {**typed, "asset": "nothing"}).content.decode()
    assert "Nothing was entered" in ann.post(address, {**typed, "ratio": "many"}).content.decode()
    assert not AssetEvent.objects.exists()
    before = timezone.now()
    ann.post(address, typed)
    event = AssetEvent.objects.get()
    assert (event.kind, event.asset.slug, event.day, event.terms) == (
        "redenomination",
        slug,
        day,
        {"ratio": 1000.0},
    )
    assert event.entered_by == "ann@example.org"
    assert signal_selectors.asset_events(known_at=before) == []
    assert [row.slug for row in signal_selectors.asset_events()] == [slug]
    assert signal_selectors.asset_events(as_of=MIDDLE) == []
    shown = ann.get(reverse("admin:signals_assetevent_change", args=[event.pk])).content.decode()
    assert "Withdraw it" in shown
    kept = timezone.now()
    ann.post(reverse("admin:indices_event_withdraw", args=[event.pk]), {"why": "postponed"})
    event.refresh_from_db()
    assert (event.withdrawn_by, event.withdrawn_why) == ("ann@example.org", "postponed")
    assert signal_selectors.asset_events() == []
    assert [row.id for row in signal_selectors.asset_events(known_at=kept)] == [event.pk]


def test_an_event_of_the_past_that_moves_a_published_level_is_refused(index, ann):
    slug = largest_held(index, DAY)
    typed = {
        "kind": "redenomination",
        "asset": slug,
        "day": DAY.isoformat(),
        "ratio": "2",
        "source_url": "https://example.org/swap",
    }
    page = ann.post(reverse("admin:indices_event_enter"), typed).content.decode()
    assert "lies in the past, and levels were published without this: small-5 from 2020-03-18" in page
    assert not AssetEvent.objects.exists()


def test_a_history_with_an_event_goes_on_and_verifies(index, ann):
    slug = largest_held(index, MIDDLE)
    day = MIDDLE + timedelta(days=2)
    ann.post(
        reverse("admin:indices_event_enter"),
        {
            "kind": "redenomination",
            "asset": slug,
            "day": day.isoformat(),
            "ratio": "2",
            "source_url": "https://example.org/swap",
        },
    )
    assert AssetEvent.objects.count() == 1
    for offset in range(1, 15):
        clock_at(MIDDLE + timedelta(days=offset))
        services.index_advance(index, through=MIDDLE + timedelta(days=offset))
    assert services.index_verify(index) == []
    level = dict(IndexLevel.objects.values_list("date", "level"))
    # Prices went on as before, so the holder of the redenominated token has twice as much of it.
    assert level[day] / level[day - timedelta(days=1)] > 1.1
    page = ann.post(
        reverse("admin:indices_event_withdraw", args=[AssetEvent.objects.get().pk]),
        {"why": "oops"},
        follow=True,
    )
    assert "levels were published without this" in page.content.decode()
