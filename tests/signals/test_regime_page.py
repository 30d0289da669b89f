"""The page of the regime, whole and as a fragment."""

from datetime import date

import pytest
from django.test import Client

from signals import services
from signals.models import Regime
from tests.markets import market_store
from tests.signals.test_regime import market

PANEL = market(460)
LAST = PANEL.dates[-1].date()


@pytest.fixture
def stored(db: None) -> None:
    market_store(PANEL)


@pytest.mark.usefixtures("stored")
def test_before_the_first_day_the_page_says_so(client: Client) -> None:
    page = client.get("/regime/")
    assert page.status_code == 200
    assert "No regime yet" in page.content.decode()


@pytest.mark.usefixtures("stored")
def test_the_page_tells_the_share_the_readings_and_the_price(client: Client) -> None:
    services.regime_publish(through=LAST)
    page = client.get("/regime/").content.decode()
    share = Regime.objects.get(as_of=LAST).risk_share
    assert f"Risk share {share}%" in page
    assert f"<b>{share}%</b> in the market" in page
    assert page.count('class="step') == 5
    for word in (
        "The market, 50 days",
        "Breadth",
        "Volatility",
        "Upside missed",
        "Time in cash",
        "Nobody held this",
    ):
        assert word in page
    assert "The last one published" not in page
    assert 'data-points="[[' in page
    assert "<script>" not in page
    assert "style=" not in page


@pytest.mark.usefixtures("stored")
def test_a_reading_older_than_the_market_says_so(client: Client) -> None:
    services.regime_publish(through=date(2023, 4, 1))
    page = client.get("/regime/").content.decode()
    assert "It is the last one published." in page
    assert "Saturday, 1 April 2023" in page


@pytest.mark.usefixtures("stored")
def test_a_range_is_a_fragment_for_htmx_and_a_page_without(client: Client) -> None:
    services.regime_publish(through=LAST)
    fragment = client.get("/regime/?range=1y", headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith('<div id="regime-chart"')
    assert "5 Apr 2022" in fragment
    whole = client.get("/regime/?range=1y").content.decode()
    assert "<h1>Market regime</h1>" in whole
    assert "1,000 on 5 Apr 2022" in whole
    assert "1,000 on 1 Jan 2022" in client.get("/regime/?range=nonsense").content.decode()
