"""Real prices: a person invests in June 2022, a week passes, and the pages tell what happened."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from config.replay import replay_advance
from indices import services as index_services
from portfolios.models import Rebalance
from portfolios.services import execution
from portfolios.services.ledger_check import checks_run
from portfolios.services.plans import plans_seed
from signals import services as signal_services
from signals.core.clock import end_of_day
from tests.journeys.conftest import person
from tests.journeys.reading import read, submit
from tests.markets import market_store

pytestmark = pytest.mark.django_db


def test_a_week_of_june_2022(client: Client, archive_path: Path) -> None:
    panel = signal_services.archive_panel(archive_path, start=date(2022, 3, 1), end=date(2022, 6, 20))
    market_store(panel, clock_at=end_of_day(date(2022, 6, 8)))
    index_services.index_sync()
    index_services.index_backfill("top-10", through=date(2022, 6, 8))
    index_services.index_backfill("global-100", through=date(2022, 6, 8))
    plans_seed()
    client.force_login(person("ada@example.org"))
    submit(client, "/money/", "/money/deposit/", amount="500")
    answer = submit(client, "/invest/global-100/?amount=100", "/invest/global-100/")
    assert answer.status_code == 302
    execution.dealing_run()
    assert "Settled" in read(client.get(answer.headers["Location"])).text

    before = read(client.get("/dashboard/"))
    assert "Archived market" in before.text
    assert "/tokens/bitcoin/" in before.links
    assert {"/tokens/tether/", "/tokens/usd-coin/", "/tokens/wrapped-bitcoin/"}.isdisjoint(before.links)

    # Sunday the 12th decides, Monday's close trades; bitcoin lost a quarter in those days.
    assert replay_advance(date(2022, 6, 15))
    [rebalance] = Rebalance.objects.filter(status="done", decision__as_of=date(2022, 6, 12))
    assert rebalance.portfolio.index.slug == "global-100"
    after = read(client.get("/dashboard/"))
    assert "Last rebalanced 13 Jun 2022, at the close" in after.text
    assert "▼ −$" in after.text
    assert "Bellwether Global 100 was rebalanced" in read(client.get("/activity/")).text
    detail = read(client.get("/indices/global-100/")).text
    assert "Decided at the close of 12 June 2022, traded at the close of 13 June 2022" in detail
    assert [check.name for check in checks_run() if not check.passed] == []
