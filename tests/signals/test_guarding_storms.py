"""The guard in the store under attack: a thousand bad ticks, and two judges at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import numpy as np
import pytest
from django.db import connection

from signals import selectors, services
from signals.models import Candle, Freeze, GuardRecord, Market
from signals.selectors.guarding import CONSENSUS
from signals.services.guarding import ConfirmationRefused
from tests.quotes import FEEDS, NOON, live_market, quote, tokens

ASSETS, ROUNDS, BAD = 50, 25, 1000


@pytest.mark.django_db
def test_of_a_thousand_bad_ticks_none_becomes_a_mark():
    market = live_market()
    names = [f"token-{number:02d}" for number in range(ASSETS)]
    tokens(*names)
    dice = np.random.default_rng(20260601)
    true = 10.0 ** dice.uniform(-4, 4, ASSETS)
    # The first round is clean. Of the 1,200 later asset-rounds, a thousand hold one source that is far off.
    later = dice.permutation([True] * BAD + [False] * (ASSETS * (ROUNDS - 1) - BAD))
    struck = np.vstack([np.zeros((1, ASSETS), bool), later.reshape(ROUNDS - 1, ASSETS)])
    worst, marks, at = 0.0, 0, NOON
    for number in range(ROUNDS):
        at += timedelta(minutes=2)
        true = true * np.exp(dice.normal(0, 0.01, ASSETS))
        told = true[:, None] * np.exp(dice.normal(0, 0.002, (ASSETS, len(FEEDS))))
        factor = 10.0 ** dice.uniform(np.log10(1.12), 8, ASSETS)
        factor = np.where(dice.random(ASSETS) < 0.5, factor, 1 / factor)
        victim = dice.integers(0, len(FEEDS), ASSETS)
        told[np.arange(ASSETS), victim] *= np.where(struck[number], factor, 1.0)
        for column, source in enumerate(FEEDS):
            quote(source, dict(zip(names, told[:, column].tolist(), strict=True)), at)
        Market.objects.filter(pk=market.pk).update(time=at)
        assert services.marks_judge(at=at).verdicts == ASSETS
        accepted = dict(
            Candle.objects.filter(source=CONSENSUS, opened_at=at - timedelta(minutes=1)).values_list(
                "asset__slug", "close"
            )
        )
        marks += len(accepted)
        for slug, mark in accepted.items():
            worst = max(worst, abs(mark / true[names.index(slug)] - 1))
    assert struck.sum() == BAD
    assert worst < 0.01  # a bad tick is at least 12 % off: none moved a mark by as much as a tenth of that
    assert marks > 0.95 * ASSETS * ROUNDS
    assert not Freeze.objects.exists()


def at_once(*acts):
    """The answers of `acts`, each run on a connection of its own, all at the same moment."""
    barrier = Barrier(len(acts))

    def one(act):
        barrier.wait()
        try:
            return act()
        except ConfirmationRefused as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, acts))


@pytest.mark.django_db(transaction=True)
def test_of_many_judges_at_once_one_judges_each_asset():
    live_market()
    names = [f"token-{number}" for number in range(10)]
    tokens(*names)
    for number in range(5):
        at = NOON + timedelta(minutes=2 * number)
        for source in FEEDS:
            quote(source, dict.fromkeys(names, 100.0), at)
        judged = at_once(*[lambda at=at: services.marks_judge(at=at)] * 4)
        assert sorted(one.verdicts for one in judged) == [0, 0, 0, len(names)], f"round {number}"
    assert Candle.objects.filter(source=CONSENSUS).count() == 5 * len(names)


@pytest.mark.django_db(transaction=True)
def test_two_operators_and_a_judge_end_a_freeze_once():
    live_market()
    tokens("alpha")
    for minutes, price in ((2, 100.0), (4, 40.0), (5, 40.0)):
        at = NOON + timedelta(minutes=minutes)
        for source in FEEDS:
            quote(source, {"alpha": price}, at)
        if minutes < 5:
            services.marks_judge(at=at)
    freeze = Freeze.objects.get()

    def confirm(who):
        return services.freeze_confirm(freeze.pk, candidate=40.0, by=who, at=at)

    answers = at_once(
        lambda: confirm("one@example.org"),
        lambda: confirm("two@example.org"),
        lambda: services.marks_judge(at=at),
    )
    refused = [answer for answer in answers if isinstance(answer, ConfirmationRefused)]
    assert len(refused) == 1
    assert "the freeze ended" in str(refused[0])
    freeze.refresh_from_db()
    assert freeze.ended_by in ("one@example.org", "two@example.org")
    assert Freeze.objects.count() == 1
    assert GuardRecord.objects.get().mark == 40.0
    Market.objects.update(time=at)
    assert selectors.prices(["alpha"], at=at) == {"alpha": 40.0}
