"""The quant page of a token out of the store: compared with the market and the largest tokens on the right days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import redis
from django.core.cache import cache

from signals import selectors
from signals.core.panel import Panel
from signals.models import Candle
from tests.markets import market_store, panel_make

pytestmark = pytest.mark.django_db

DAYS = 120
FIRST = date(2022, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)


@pytest.fixture
def panel() -> Panel:
    """Bitcoin, ether, a small token that makes twice bitcoin's moves, and a stablecoin that does not count."""
    generator = np.random.default_rng(5)
    bitcoin = generator.normal(size=DAYS) * 0.02
    ether = 0.6 * bitcoin + generator.normal(size=DAYS) * 0.02
    closes = {
        "bitcoin": 30_000 * np.cumprod(1 + bitcoin),
        "ethereum": 2_000 * np.cumprod(1 + ether),
        "small": 3 * np.cumprod(1 + 2 * bitcoin),
        "dollar": np.full(DAYS, 1.0),
    }
    supply = {"bitcoin": 2e7, "ethereum": 1e8, "small": 1e8, "dollar": 1e12}
    caps = {slug: values * supply[slug] for slug, values in closes.items()}
    made = panel_make(
        {slug: values.tolist() for slug, values in closes.items()},
        market_cap={slug: values.tolist() for slug, values in caps.items()},
        categories={"dollar": ["stablecoin"]},
    )
    cache.clear()
    market_store(made)
    return made


def moves(panel: Panel, slug: str) -> np.ndarray:
    close = panel.close[:, panel.assets.index(slug)]
    return close[1:] / close[:-1] - 1


def test_the_market_is_weighted_by_the_caps_of_the_day_before_without_stablecoins(panel: Panel) -> None:
    year = selectors.market_year(as_of=LAST)
    counted = [panel.assets.index(slug) for slug in ("bitcoin", "ethereum", "small")]
    close, cap = panel.close[:, counted], panel.market_cap[:, counted]
    expected = (cap[:-1] * (close[1:] / close[:-1] - 1)).sum(axis=1) / cap[:-1].sum(axis=1)
    assert len(year.days) == 365
    assert year.returns[-DAYS] is None
    assert year.returns[-DAYS + 1 :] == pytest.approx(expected.tolist(), rel=1e-9)
    assert year.total_caps[-1] == pytest.approx(cap[-1].sum())
    assert year.references == ["bitcoin", "ethereum"]


def test_correlation_and_beta_are_of_the_same_days(panel: Panel) -> None:
    found = selectors.quant("small", as_of=LAST)
    relations = {relation.name: relation for relation in found.relations}
    assert relations["bitcoin"].correlation == pytest.approx(1.0)
    assert relations["bitcoin"].beta == pytest.approx(2.0)
    own, ether = moves(panel, "small"), moves(panel, "ethereum")
    assert relations["ethereum"].correlation == pytest.approx(np.corrcoef(own, ether)[0, 1])
    market = np.array(selectors.market_year(as_of=LAST).returns[-DAYS + 1 :], dtype=float)
    assert relations["market"].correlation == pytest.approx(np.corrcoef(own, market)[0, 1])
    assert relations["market"].days == DAYS - 1


def test_the_days_are_the_same_for_a_token_whose_last_close_is_older(panel: Panel) -> None:
    whole = selectors.quant("small", as_of=LAST - timedelta(days=3))
    Candle.objects.filter(asset__slug="small", opened_at__date__gt=LAST - timedelta(days=3)).delete()
    later = selectors.quant("small", as_of=LAST)
    assert later.day == whole.day == LAST - timedelta(days=3)
    assert later.relations == whole.relations
    assert later.figures == whole.figures
    assert later.levels == whole.levels


def test_a_cache_that_is_down_costs_time_and_nothing_else(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = selectors.quant("small", as_of=LAST)

    def down(*_: object, **__: object) -> None:
        raise redis.ConnectionError("planted")

    monkeypatch.setattr("signals.selectors.backdrop.cache.get_many", down, raising=False)
    monkeypatch.setattr("signals.selectors.backdrop.cache.set", down, raising=False)
    assert selectors.quant("small", as_of=LAST) == expected


def test_days_ahead_of_the_clock_are_not_answered(panel: Panel) -> None:
    with pytest.raises(selectors.NotYetKnown):
        selectors.quant("small", as_of=LAST + timedelta(days=1))
    with pytest.raises(selectors.NotYetKnown):
        selectors.market_year(as_of=LAST + timedelta(days=1))
    with pytest.raises(selectors.NoRecentClose):
        selectors.quant("small", as_of=FIRST - timedelta(days=1))
