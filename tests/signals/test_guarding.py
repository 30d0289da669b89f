"""The guard in the store: rounds over quotes of several sources, freezes, halts, and the marks that pages read."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from django.db import IntegrityError, transaction

from signals import selectors, services
from signals.core.candles import COLUMNS
from signals.core.guard import PegLevel
from signals.models import Candle, Freeze, GuardRecord, Market
from signals.selectors.guarding import CONSENSUS, MARK_FRESH, quote_feeds
from signals.services.guarding import ConfirmationRefused
from signals.services.ingest import candles_ingest
from tests.quotes import FEEDS, MINUTE, NOON, Tape, live_market, quote, tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def tape():
    market = live_market()
    tokens("alpha")
    return Tape(market)


def test_three_sources_make_a_mark_and_two_do_not(tape):
    assert tape.halt().status == "unmarked"
    assert tape(100.0, 101.0).withheld == 1
    assert tape.halt().status == "unmarked"
    assert tape.mark() == 100.0  # never judged: what the first source says, for information
    judged = tape(100.0, 101.0, 103.0)
    assert (judged.accepted, judged.verdicts) == (1, 1)
    assert tape.mark() == 101.0
    assert tape.halt() is None
    record = GuardRecord.objects.get()
    assert (record.status, record.mark, record.marked_at) == ("accepted", 101.0, tape.at)
    assert record.verdict["cause"] == "first_mark"
    assert [row["source"] for row in record.verdict["quotes"]] == ["coinbase", "coingecko", "kraken"]
    assert Candle.objects.get(source=CONSENSUS).close == 101.0


def test_the_same_minute_twice_is_one_round(tape):
    tape(100.0, 100.0, 100.0)
    quote("kraken", {"alpha": 104.0}, tape.at)
    quote("coingecko", {"alpha": 104.0}, tape.at)
    assert services.marks_judge(at=tape.at + timedelta(seconds=50)).verdicts == 0
    assert services.marks_judge(at=tape.at - MINUTE).verdicts == 0  # nor does time go back
    assert tape.mark() == 100.0
    assert Candle.objects.filter(source=CONSENSUS).count() == 1


def test_the_mark_stays_and_ages_while_sources_disagree(tape):
    tape(100.0, 100.0, 100.0)
    assert tape(100.0, 80.0, 120.0).withheld == 1
    assert tape.mark() == 100.0
    halt = tape.halt()
    assert (halt.status, halt.mark, halt.marked_at) == ("withheld", 100.0, tape.at - timedelta(minutes=2))
    assert halt.reason == "Its sources do not agree on a price now; the last was $100.00."


def test_a_mark_too_old_sizes_no_order(tape):
    tape(100.0, 100.0, 100.0)
    fresh = tape.at + MARK_FRESH
    assert selectors.halts(["alpha"], at=fresh) == {}
    assert selectors.halts(["alpha"], at=fresh + timedelta(seconds=1))["alpha"].status == "stale"


def test_a_mark_counts_for_seven_days_even_when_its_quote_is_gone(tape):
    tape(100.0, 100.0, 100.0)
    Candle.objects.all().delete()
    quote("coingecko", {"alpha": 3.0}, tape.at + timedelta(days=8))
    Market.objects.update(time=tape.at + timedelta(days=9))
    assert selectors.prices(["alpha"], at=tape.at + timedelta(days=7)) == {"alpha": 100.0}
    # Once judged, one source alone is no price any more.
    assert selectors.prices(["alpha"], at=tape.at + timedelta(days=8)) == {}


def test_a_fall_of_more_than_half_freezes_and_an_operator_thaws_it(tape):
    tape(100.0, 100.0, 100.0)
    judged = tape(40.0, 40.0, 40.0)
    assert (judged.frozen, judged.began) == (1, ["alpha"])
    freeze = Freeze.objects.get()
    assert (freeze.last_mark, freeze.candidate, freeze.ended_at) == (100.0, 40.0, None)
    assert freeze.sources == {"coinbase": 40.0, "coingecko": 40.0, "kraken": 40.0}
    halt = tape.halt()
    assert (halt.status, halt.mark, halt.candidate) == ("frozen", 100.0, 40.0)
    assert halt.reason.startswith(
        "Its price is said to be $40.00 after $100.00. Nothing of it is traded until"
    )
    assert tape.mark() == 100.0
    with pytest.raises(ConfirmationRefused, match=r"\$4.00 was typed and the sources say \$40.00"):
        services.freeze_confirm(freeze.pk, candidate=4.0, by="op@example.org", at=tape.at)
    services.freeze_confirm(
        freeze.pk, candidate=40.2, by="op@example.org", at=tape.at + timedelta(seconds=40)
    )
    freeze.refresh_from_db()
    assert (freeze.ended_by, freeze.ended_at) == ("op@example.org", tape.at)
    assert tape.mark() == 40.0
    assert tape.halt() is None
    assert GuardRecord.objects.get().verdict["cause"] == "confirmed_by_hand"
    assert tape(41.0, 41.0, 41.0).accepted == 1
    with pytest.raises(ConfirmationRefused, match=r"ended at 2026-06-01 12:04 UTC by op@example\.org"):
        services.freeze_confirm(freeze.pk, candidate=41.0, by="op@example.org", at=tape.at)


def test_a_person_cannot_stand_for_a_missing_agreement(tape):
    tape(100.0, 100.0, 100.0)
    tape(40.0, 40.0, 40.0)
    tape(40.0, 40.0, after=timedelta(minutes=3))
    freeze = Freeze.objects.get()
    with pytest.raises(ConfirmationRefused, match=r"do not agree on a price now\. 2 of the 3 sources needed"):
        services.freeze_confirm(freeze.pk, candidate=40.0, by="op@example.org", at=tape.at)
    with pytest.raises(ConfirmationRefused, match="who confirms"):
        services.freeze_confirm(freeze.pk, candidate=40.0, by="", at=tape.at)
    with pytest.raises(ConfirmationRefused, match="no such freeze"):
        services.freeze_confirm(freeze.pk + 1, candidate=40.0, by="op@example.org", at=tape.at)
    freeze.refresh_from_db()
    assert freeze.ended_at is None
    assert tape.mark() == 100.0


def test_three_sources_thaw_a_fall_that_stays(tape):
    tape(100.0, 100.0, 100.0)
    assert [tape(40.0, 40.0, 40.0).frozen for _ in range(2)] == [1, 1]
    judged = tape(40.0, 40.0, 40.0)
    assert (judged.accepted, judged.ended) == (1, ["alpha"])
    assert Freeze.objects.get().ended_by == "sources"
    assert tape.mark() == 40.0
    tape(15.0, 15.0, 15.0)
    assert Freeze.objects.filter(ended_at__isnull=True).count() == 1
    assert Freeze.objects.count() == 2


def test_a_rise_waits_for_two_more_rounds(tape):
    tape(100.0, 100.0, 100.0)
    assert tape(150.0, 150.0, 150.0).pending == 1
    assert tape.halt().status == "pending"
    assert "$150.00 after $100.00" in tape.halt().reason
    tape(150.0, 150.0, 150.0)
    assert tape(151.0, 151.0, 151.0).accepted == 1
    assert not Freeze.objects.exists()


def test_two_feeds_of_one_origin_are_one_source():
    market = live_market(origins={"bitstamp": "coinbase"})
    tokens("alpha")
    tape = Tape(market)
    assert tape(100.0, None, 100.0, 100.0).withheld == 1
    assert tape(100.0, 100.0, 100.0, 100.0).accepted == 1


def test_a_source_that_is_not_named_does_not_count():
    market = live_market(quote_exchanges=["gemini"])
    tokens("alpha")
    assert list(quote_feeds(market)) == ["coingecko", "kraken", "gemini"]
    assert Tape(market)(100.0, 100.0, 100.0, 100.0).withheld == 1


def test_the_twenty_largest_have_the_tighter_limit():
    live_market()
    names = [f"token-{number:02d}" for number in range(21)]
    tokens(*names)
    day = date(2026, 5, 31)
    caps = pd.DataFrame(
        {
            "asset": names,
            "opened_at": pd.Timestamp(day),
            "close": 100.0,
            "market_cap": [1e9 - number for number in range(21)],
            **dict.fromkeys(("open", "high", "low", "volume"), np.nan),
        }
    )
    candles_ingest(caps[list(COLUMNS)], source="coingecko", interval="1d", known_at=NOON)
    Market.objects.update(last_day=day)
    for source, price in zip(FEEDS, (100.0, 100.0, 100.0, 104.0), strict=True):
        quote(source, dict.fromkeys(names, price), NOON)
    services.marks_judge(at=NOON)
    kept = {
        record.asset.slug: [row["source"] for row in record.verdict["quotes"] if row["counts"]]
        for record in GuardRecord.objects.select_related("asset")
    }
    assert "bitstamp" not in kept["token-19"]
    assert "bitstamp" in kept["token-20"]


def test_a_coin_below_its_dollar_is_told_level_by_level():
    market = live_market()
    tokens("usd-coin", categories=["stablecoin"])
    tokens("alpha")
    tape = Tape(market, "usd-coin")
    assert selectors.pegs() == {}
    for price, level in ((1.0, None), (0.99, 1), (0.97, 2), (0.94, 3), (1.0, 3)):
        tape(price, price, price)
        assert selectors.pegs() == ({} if level is None else {"usd-coin": PegLevel(level)})
    tape(1.0, 1.0, 1.0, after=timedelta(minutes=60))
    assert selectors.pegs() == {}
    peg = GuardRecord.objects.get(asset__slug="usd-coin").peg
    assert peg is not None
    assert peg["level"] == 0
    # A fall that still waits for confirmation stops purchases at once.
    assert tape(0.6, 0.6, 0.6).pending == 1
    assert selectors.pegs() == {"usd-coin": PegLevel.REBALANCES_STOPPED}
    quote("kraken", {"alpha": 0.5}, tape.at)
    assert GuardRecord.objects.filter(peg__isnull=False).count() == 1


@pytest.mark.parametrize("source", ["archive", "simulated"])
def test_an_archive_and_the_simulated_market_pass_by(tape, source):
    quote(source, {"alpha": 7.0}, NOON)
    Market.objects.update(is_active=False)
    Market.objects.create(source=source, is_active=True, time=NOON)
    assert services.marks_judge(at=NOON).verdicts == 0
    assert not GuardRecord.objects.exists()
    assert selectors.halts(["alpha"], at=NOON) == {}
    assert selectors.pegs() == {}
    assert selectors.prices(["alpha"], at=NOON) == {"alpha": 7.0}


def test_figures_count_verdicts_and_age_the_oldest_freeze(tape):
    assert selectors.guard_figures(at=NOON) == selectors.GuardFigures(0, 0, 0, 0, 0.0, 0.0)
    tokens("beta")
    tape(100.0, 100.0, 100.0)
    began = tape.at + timedelta(minutes=2)
    for source in FEEDS[:2]:
        quote(source, {"beta": 5.0}, began)
    tape(40.0, 40.0, 40.0)
    figures = selectors.guard_figures(at=began + timedelta(minutes=5))
    assert figures == selectors.GuardFigures(0, 1, 0, 1, 300.0, 300.0)


@pytest.mark.parametrize(
    "act",
    [
        lambda freezes: freezes.update(candidate=99.0),
        lambda freezes: freezes.update(ended_at=None, ended_by=""),
        lambda freezes: freezes.delete(),
    ],
)
def test_a_freeze_cannot_be_rewritten(tape, act):
    tape(100.0, 100.0, 100.0)
    for _ in range(3):
        tape(40.0, 40.0, 40.0)
    assert Freeze.objects.get().ended_by == "sources"
    with pytest.raises(IntegrityError, match="it can only end, once"), transaction.atomic():
        act(Freeze.objects.all())
    assert Freeze.objects.get().candidate == 40.0
