"""The stored history: begun, extended day by day, verified, and the questions put to it."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Thread

import pandas as pd
import pytest
from django.db import IntegrityError, connection, transaction

from config.replay import steps_inline
from indices import selectors, services, tasks
from indices.core.backtest import backtest
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, IndexLevel, RulebookVersion, TargetWeight
from indices.services.rulebooks import version_ensure
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day
from tests.indices.forgetting import decisions_forget, history_forget
from tests.indices.markets import market
from tests.markets import market_store

BODY: dict[str, object] = {
    "slug": "small-5",
    "name": "Small Five",
    "family": "market_cap",
    "base": {"level": 1000, "date": "2020-01-10"},
    "screens": {"min_market_cap": {"enter": 2e7, "stay": 1e7}, "min_age_days": 5, "max_stale_days": 2},
    "selection": {"count": 5, "buffer": 2},
    "weighting": {"max_weight": 0.4},
    "costs": {"fee_bps": 20},
}
PANEL = market(days=160, assets=14, seed=11, gaps=0.02)
LAST = PANEL.dates[-1].date()
MIDDLE = date(2020, 4, 1)


def index_of(body: dict[str, object]) -> Index:
    rulebook = Rulebook.from_dict(body)
    index, _ = Index.objects.get_or_create(
        slug=rulebook.slug, defaults={"name": rulebook.name, "family": rulebook.family}
    )
    with transaction.atomic():
        version_ensure(index, rulebook)
    return index


@pytest.fixture
def stored(db: None) -> Index:
    """A market whose clock stands in the middle, and an index without a history."""
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    return index_of(BODY)


def clock_at(day: date) -> None:
    signal_services.clock_set(end_of_day(day))


def history(
    index: Index,
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[date, float]]]:
    decisions = Decision.objects.filter(index=index).order_by("as_of")
    weights = TargetWeight.objects.filter(decision__index=index).order_by("decision__as_of", "asset__slug")
    return (
        list(
            decisions.values_list(
                "as_of", "effective_on", "epoch", "input_hash", "turnover", "reasons", "is_held"
            )
        ),
        list(weights.values_list("decision__as_of", "asset__slug", "weight", "rank")),
        list(IndexLevel.objects.filter(index=index).order_by("date").values_list("date", "level")),
    )


def test_a_backfill_stores_what_the_backtest_says(stored: Index) -> None:
    written = services.index_backfill(stored, through=MIDDLE)
    result = backtest(
        PANEL,
        Rulebook.from_dict(BODY),
        start=date(2020, 1, 10),
        end=MIDDLE,
        record=True,
        guard=services.GUARD,
    )
    assert written == len(result.decisions) == 13
    decisions, weights, levels = history(stored)
    assert [row[3] for row in decisions] == [step.input_hash for step in result.decisions]
    assert decisions[0][:3] == (date(2020, 1, 9), date(2020, 1, 10), "initial")
    assert decisions[1][:3] == (date(2020, 1, 12), date(2020, 1, 13), "2020-W02")
    assert levels == list(zip(pd.DatetimeIndex(result.level.index).date, result.level.tolist(), strict=True))
    for decision in Decision.objects.filter(index=stored):
        assert sum(selectors.target_weights(decision).values()) == Decimal(1)
    assert services.index_backfill(stored, through=MIDDLE) == 0
    assert history(stored) == (decisions, weights, levels)


def test_a_history_extended_day_by_day_has_the_bits_of_one_made_at_once(stored: Index) -> None:
    services.index_backfill(stored, through=MIDDLE)
    day = MIDDLE
    while (day := day + timedelta(days=1)) <= LAST:
        clock_at(day)
        with steps_inline():
            assert tasks.decisions_tick() == 1
            assert tasks.levels_tick() == 0
    walked = history(stored)
    history_forget(stored)
    services.index_backfill(stored, through=LAST)
    assert history(stored) == walked
    assert walked[2][-1][0] == LAST
    assert services.index_verify(stored) == []


def test_a_history_begun_from_nothing_by_ticks_is_the_same_too(stored: Index) -> None:
    for offset in range(12):
        through = date(2020, 1, 6) + timedelta(days=offset)
        services.index_advance(stored, through=through)
    walked = history(stored)
    history_forget(stored)
    services.index_advance(stored, through=date(2020, 1, 17))
    assert history(stored) == walked
    assert walked[2][0][0] == date(2020, 1, 10)


def test_index_decide_is_idempotent_and_knows_its_days(stored: Index) -> None:
    sunday = date(2020, 3, 29)
    first = services.index_decide(stored, as_of=sunday)
    assert services.index_decide(stored, as_of=sunday) == first
    assert Decision.objects.filter(index=stored, as_of=sunday).count() == 1
    with pytest.raises(services.IndexNotDue, match="small-5 makes no decision on 2020-03-31"):
        services.index_decide(stored, as_of=date(2020, 3, 31))
    with pytest.raises(signal_selectors.NotYetKnown):
        services.index_decide(stored, as_of=date(2020, 4, 5))


def test_the_database_allows_one_decision_per_epoch(stored: Index) -> None:
    services.index_backfill(stored, through=MIDDLE)
    newest = selectors.decision_latest(stored, as_of=MIDDLE)
    assert newest is not None
    newest.pk = None
    newest.as_of += timedelta(days=1)
    with pytest.raises(IntegrityError, match="decision_one_per_epoch"), transaction.atomic():
        newest.save()


def test_a_later_version_goes_on_where_the_first_stands_and_both_verify(stored: Index) -> None:
    services.index_backfill(stored, through=date(2020, 3, 4))
    index_of({**BODY, "selection": {"count": 3, "buffer": 0}, "costs": {"fee_bps": 90}})
    services.index_backfill(stored, through=MIDDLE)
    versions = (
        Decision.objects.filter(index=stored).order_by("as_of").values_list("rulebook__version", flat=True)
    )
    assert list(versions) == [1] * 9 + [2] * 4
    assert services.index_verify(stored) == []
    index_of(BODY)
    assert RulebookVersion.objects.filter(index=stored).count() == 3


def test_verification_finds_a_changed_weight_level_price_and_a_lost_decision(stored: Index) -> None:
    services.index_backfill(stored, through=MIDDLE)
    line = TargetWeight.objects.filter(decision__index=stored).order_by("decision__as_of", "asset__slug")[0]
    TargetWeight.objects.filter(pk=line.pk).update(weight=line.weight - Decimal("1e-18"))
    assert [text for text in services.index_verify(stored) if "weight of" in text]
    TargetWeight.objects.filter(pk=line.pk).update(weight=line.weight)
    assert services.index_verify(stored) == []
    point = IndexLevel.objects.get(index=stored, date=date(2020, 2, 20))
    IndexLevel.objects.filter(pk=point.pk).update(level=point.level * (1 + 1e-9))
    (difference,) = services.index_verify(stored)
    assert difference.startswith("2020-02-20: level is")
    IndexLevel.objects.filter(pk=point.pk).update(level=point.level)
    decisions_forget(Decision.objects.filter(index=stored, as_of=date(2020, 3, 1)))
    assert "2020-03-01: a decision is missing" in services.index_verify(stored)


def test_an_index_whose_universe_is_empty_is_held_and_says_so(stored: Index) -> None:
    services.index_backfill(stored, through=date(2020, 3, 4))
    index_of({**BODY, "universe": {"exclude": list(PANEL.assets)}})
    services.index_backfill(stored, through=MIDDLE)
    held = Decision.objects.filter(index=stored, is_held=True, rulebook__version=2)
    assert {row.note for row in held} == {"no asset passes the screens"}
    assert held.count() == 4
    in_force = selectors.decision_in_force(stored, as_of=MIDDLE)
    assert in_force is not None
    assert in_force.as_of == date(2020, 3, 1)
    assert selectors.levels(stored)[-1][0] == MIDDLE
    assert services.index_verify(stored) == []


def test_selectors(stored: Index) -> None:
    services.index_backfill(stored, through=MIDDLE)
    sunday, monday = date(2020, 3, 29), date(2020, 3, 30)
    before, after = (
        selectors.decision_in_force("small-5", as_of=sunday),
        selectors.decision_in_force(stored, as_of=monday),
    )
    assert before is not None
    assert after is not None
    assert (before.as_of, after.as_of) == (date(2020, 3, 22), sunday)
    assert [decision.as_of for decision in selectors.decisions_due(through=sunday)] == [date(2020, 3, 22)]
    weights = selectors.target_weights(after)
    assert sum(weights.values()) == Decimal(1)
    bought = selectors.holdings(stored, as_of=monday)
    assert [row.drifted_weight for row in bought] == pytest.approx(
        [float(row.weight) for row in bought], abs=1e-15
    )
    rows = selectors.holdings(stored, as_of=MIDDLE)
    assert {row.slug: row.weight for row in rows} == weights
    assert sum(row.drifted_weight for row in rows) == pytest.approx(1.0, abs=1e-12)
    first = rows[0]
    column = PANEL.assets.index(first.slug)
    prices = PANEL.close[:, column]
    assert first.price == pytest.approx(prices[PANEL.row(MIDDLE)], nan_ok=True)
    assert first.reason.startswith(("entered: rank", "stayed: rank"))
    assert selectors.holdings(stored, as_of=date(2020, 1, 9)) == []

    levels = dict(selectors.levels(stored))
    done = selectors.performance(stored, as_of=MIDDLE)
    assert done is not None
    assert (done.as_of, done.first_date) == (MIDDLE, date(2020, 1, 10))
    assert done.change_30d == pytest.approx(levels[MIDDLE] / levels[MIDDLE - timedelta(days=30)] - 1)
    assert done.change_1y is None
    assert done.change_since_base == pytest.approx(levels[MIDDLE] / 1000 - 1)
    assert levels[date(2020, 1, 10)] == pytest.approx(998.0)

    newest, *_ = selectors.rebalance_history(stored, as_of=MIDDLE, limit=20)
    assert newest.as_of == sunday
    total = sum((change.change for change in [*newest.entered, *newest.left, *newest.changed]), Decimal(0))
    assert total == 0
    oldest = selectors.rebalance_history(stored, as_of=MIDDLE, limit=20)[-1]
    assert oldest.epoch == "initial"
    assert not oldest.left
    assert sum(change.after for change in oldest.entered) == 1
    with pytest.raises(selectors.IndexNotFound, match="there is no index 'none'"):
        selectors.index("none")


def test_mark_prices_are_exact(stored: Index) -> None:
    marks = selectors.mark_prices(["asset-000", "nothing"], at=end_of_day(MIDDLE))
    price = signal_selectors.prices(["asset-000"], at=end_of_day(MIDDLE))["asset-000"]
    assert marks == {"asset-000": Decimal(repr(price))}


@pytest.mark.django_db(transaction=True)
def test_two_callers_make_one_history() -> None:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    failures: list[BaseException] = []

    def advance() -> None:
        try:
            services.index_advance(index, through=MIDDLE)
        except BaseException as error:  # noqa: BLE001 - a thread's error must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Decision.objects.filter(index=index).count() == 13
