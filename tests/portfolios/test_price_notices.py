"""What an investor, an operator and a monitor see of a freeze."""

import pytest
from django.test import Client
from django.urls import reverse

from portfolios import selectors
from portfolios.models import User
from portfolios.services import execution, investing, rebalancing
from signals import selectors as signal_selectors
from tests.factories import user_make
from tests.live_worlds import Live
from tests.worlds import world_create

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def holder(live, amount="500.00"):
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", amount)
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    assert execution.dealing_run().at_rest
    return user


def page(user, name="portfolios:dashboard", *arguments):
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client.get(reverse(name, args=arguments)).content.decode()


def test_a_holder_reads_of_a_freeze_in_words_and_a_stranger_does_not():
    live = Live()
    user, stranger = holder(live), user_make(cash="10.00")
    assert selectors.price_notices(selectors.holdings(user)) == []
    assert "Prices in doubt" not in page(user)
    live.fall("epsilon", 0.25)
    shown = page(user)
    assert "Prices in doubt" in shown
    assert "Epsilon:" in shown
    assert "Its price is said to be $26.25 after $105.00" in shown
    assert "You hold it; it counts at $105.00." in shown
    assert "Prices in doubt" not in page(stranger)
    live.confirm()
    assert "Prices in doubt" not in page(user)


def test_who_waits_is_told_why_and_that_the_order_keeps_its_place():
    live = Live()
    user = holder(live)
    live.fall("beta", 0.4)
    told = {notice.about: notice.text for notice in selectors.price_notices(selectors.holdings(user))}
    assert set(told) == {"Beta", "Bellwether Global 100"}
    assert told["Bellwether Global 100"] == (
        "Nothing is bought or sold now, and orders keep their place. "
        "It waits until the price of beta can be relied on again."
    )
    first = user_make(cash="1000.00")
    order = investing.invest(first, "global-100", "100.00")
    [notice] = selectors.price_notices([], selectors.orders(first, open_only=True))
    assert notice.about == "Bellwether Global 100"
    assert "It waits until the price of beta" in page(first, "portfolios:order", order.pk)


def test_a_market_without_a_guard_says_nothing():
    world = world_create()
    user = holder(world)
    assert selectors.price_notices(selectors.holdings(user)) == []


def test_the_overview_and_the_metrics_count_freezes():
    live = Live()
    operator = User.objects.create_superuser("operator@example.org", None)
    assert "Frozen prices" in page(operator, "admin:index")
    live.fall("beta", 0.4)
    live.round(only=2)
    assert "the oldest for 2 min; confirm or wait" in page(operator, "admin:index")
    told = Client().get("/metrics").content.decode()
    for line in (
        'bellwether_guard_assets{status="frozen"} 1.0',
        'bellwether_guard_assets{status="withheld"} 4.0',
        'bellwether_guard_assets{status="accepted"} 0.0',
        "bellwether_guard_oldest_freeze_seconds 120.0",
        "bellwether_guard_round_age_seconds 0.0",
    ):
        assert line in told
