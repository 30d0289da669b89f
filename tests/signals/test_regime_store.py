"""The stored regime: published once, the same day by day as at once, asked for by day, range and over the API."""

from datetime import date

import pytest
from django.core.cache import cache
from django.test import Client

from portfolios.services.plans import plans_seed
from signals import selectors, services
from signals.core.regime import RegimeRules, regime
from signals.core.regime.drawing import Point
from signals.models import Market, Regime
from signals.services.windows import window_panel
from tests.markets import market_store
from tests.signals.test_regime import market

PANEL = market(460)
LAST = PANEL.dates[-1].date()


@pytest.fixture
def stored(db: None) -> None:
    market_store(PANEL)


@pytest.fixture
def api(stored: None, client: Client) -> Client:
    """Anonymous, with the plans that say how much an anonymous caller may ask."""
    plans_seed()
    cache.clear()
    return client


def rows() -> list[dict[str, object]]:
    kept = ("as_of", "rules_version", "risk_share", "wanted", "moved_on", "readings", "ledger")
    return list(Regime.objects.order_by("as_of").values(*kept))


@pytest.mark.usefixtures("stored")
def test_every_day_has_a_row_that_is_the_regime_of_that_day() -> None:
    assert services.regime_publish(through=LAST) == 460
    history = regime(PANEL)
    got = rows()
    assert [row["as_of"] for row in got] == list(PANEL.dates.date)
    assert [row["risk_share"] for row in got] == [round(100 * share) for share in history.risk_share]
    assert len({row["risk_share"] for row in got}) >= 3
    found = Regime.objects.get(as_of=LAST)
    assert found.readings.pop("leader") == history.leader.iloc[-1]
    known = {name: value for name, value in found.readings.items() if value is not None}
    assert known == history.readings.iloc[-1].dropna().to_dict()
    assert set(found.readings) - set(known) == {"leader_mvrv", "leader_funding", "fear_greed"}
    assert found.ledger == history.ledger.iloc[-1].to_dict()
    assert found.wanted == history.wanted.iloc[-1]
    assert found.moved_on == history.moved_on.iloc[-1].date()


@pytest.mark.usefixtures("stored")
def test_day_by_day_writes_the_same_rows_as_at_once() -> None:
    services.regime_publish(through=LAST)
    at_once = rows()
    Regime.objects.all().delete()
    assert services.regime_publish(through=date(2023, 2, 20)) == 416
    for day in PANEL.dates.date[416:420]:
        assert services.regime_publish(through=day) == 1
    assert services.regime_publish(through=LAST) == 40
    assert rows() == at_once


@pytest.mark.usefixtures("stored")
def test_publishing_again_changes_nothing() -> None:
    services.regime_publish(through=LAST)
    Regime.objects.filter(as_of=LAST).update(risk_share=0, wanted=0.123)
    assert services.regime_publish(through=LAST) == 0
    assert services.regime_publish(through=date(2022, 5, 1)) == 0
    assert Regime.objects.get(as_of=LAST).wanted == 0.123


@pytest.mark.usefixtures("stored")
def test_another_market_has_a_regime_of_its_own() -> None:
    services.regime_publish(through=LAST)
    assert selectors.regime_day(as_of=LAST) is not None
    Market.objects.update(source="simulated")
    assert selectors.regime_day(as_of=LAST) is None


def test_without_a_market_or_ahead_of_its_clock_nothing_is_published(db: None) -> None:
    with pytest.raises(selectors.MarketNotLoaded):
        services.regime_publish(through=LAST)
    market_store(PANEL)
    with pytest.raises(selectors.NotYetKnown, match="2023-04-06 has not closed"):
        services.regime_publish(through=date(2023, 4, 6))
    assert not Regime.objects.exists()


@pytest.mark.usefixtures("stored")
def test_a_day_is_the_last_published_one_and_a_range_is_in_order() -> None:
    assert selectors.regime_day(as_of=LAST) is None
    services.regime_publish(through=date(2023, 3, 1))
    found = selectors.regime_day(as_of=LAST)
    assert found is not None
    assert found.day == date(2023, 3, 1)
    assert found.risk_share == Regime.objects.get(as_of=found.day).risk_share
    assert found.leader.startswith("token-")
    assert "leader" not in found.readings
    assert selectors.regime_day(as_of=date(2021, 12, 31)) is None
    week = selectors.regime_history(as_of=date(2022, 6, 7), days=7)
    assert [day.day for day in week] == [date(2022, 6, number) for number in range(1, 8)]
    assert [day.day for day in selectors.regime_history(as_of=date(2022, 6, 7), start=date(2022, 6, 6))] == [
        date(2022, 6, 6),
        date(2022, 6, 7),
    ]
    points = selectors.regime_points(as_of=date(2022, 6, 7), start=date(2022, 6, 7))
    last = week[-1]
    value = {name: last.ledger[name] or 0.0 for name in ("passive", "followed")}
    assert points == [Point(last.day, last.risk_share, value["passive"], value["followed"])]
    assert value["passive"] > 0
    with pytest.raises(selectors.NotYetKnown):
        selectors.regime_day(as_of=date(2023, 4, 6))
    with pytest.raises(selectors.NotYetKnown):
        selectors.regime_history(as_of=date(2023, 4, 6))
    with pytest.raises(ValueError, match="days: must be at least 1"):
        selectors.regime_history(as_of=LAST, days=0)


def test_the_api_tells_a_day_and_a_range(api: Client) -> None:
    nothing = api.get("/api/v1/regime/")
    assert nothing.status_code == 404
    assert "No regime was published" in nothing.json()["detail"]
    services.regime_publish(through=LAST)
    found = api.get("/api/v1/regime/", {"as_of": "2022-12-31"}).json()
    stored_row = Regime.objects.get(as_of=date(2022, 12, 31))
    assert (found["as_of"], found["day"]) == ("2022-12-31", "2022-12-31")
    assert found["risk_share"] == stored_row.risk_share / 100
    assert found["ledger"] == stored_row.ledger
    assert found["readings"]["trend_200"] == stored_row.readings["trend_200"]
    assert found["leader"] == stored_row.readings["leader"]
    several = api.get("/api/v1/regime/history/", {"start": "2022-12-30", "end": "2022-12-31"}).json()
    assert several["results"][1] == {
        "date": "2022-12-31",
        "risk_share": found["risk_share"],
        "market": stored_row.ledger["passive"],
        "followed": stored_row.ledger["followed"],
    }
    assert len(several["results"]) == 2
    assert len(api.get("/api/v1/regime/history/").json()["results"]) == 460


@pytest.mark.parametrize(
    ("address", "query", "field"),
    [
        ("/api/v1/regime/", {"as_of": "2023-04-06"}, "as_of"),
        ("/api/v1/regime/", {"day": "2023-01-01"}, "day"),
        ("/api/v1/regime/history/", {"end": "2023-04-06"}, "end"),
        ("/api/v1/regime/history/", {"start": "2023-02-02", "end": "2023-02-01"}, "start"),
        ("/api/v1/regime/history/", {"end": "2022-02-01", "as_of": "2022-01-01"}, "end"),
    ],
)
def test_the_api_refuses_what_it_cannot_answer(
    api: Client, address: str, query: dict[str, str], field: str
) -> None:
    refused = api.get(address, query)
    assert refused.status_code == 400
    assert field in str(refused.json())


@pytest.mark.usefixtures("stored")
def test_a_clock_that_stands_earlier_sees_nothing_later() -> None:
    services.regime_publish(through=LAST)
    points = selectors.regime_points(as_of=date(2022, 8, 1))
    assert points[-1].day == date(2022, 8, 1)


@pytest.mark.usefixtures("stored")
def test_one_more_day_reads_only_the_memory_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    services.regime_publish(through=PANEL.dates[-2].date())
    asked: list[int | None] = []

    def watched(**options: object) -> object:
        asked.append(options.get("days"))  # type: ignore[arg-type]
        return window_panel(**options)  # type: ignore[arg-type]

    monkeypatch.setattr("signals.services.regime.window_panel", watched)
    assert services.regime_publish(through=LAST) == 1
    assert asked == [1 + RegimeRules().memory_rows + 14]
