"""Effects of every day from stored decisions: they sum, they rebuild, and they cost what trading cost."""

from datetime import date, timedelta
from statistics import median
from typing import Any

import pytest

from config.replay import steps_inline
from indices import selectors, services, tasks
from indices.models import Decision, Index, IndexEffect, IndexLevel, RebalanceCost
from indices.services.effects import effects_backfill, effects_due, effects_extend
from signals.core.clock import end_of_day
from tests.indices.test_history import BODY, MIDDLE, PANEL, clock_at, index_of
from tests.markets import market_store

TWIN = {**BODY, "slug": "small-5-twin", "name": "Twin", "weighting": {"scheme": "equal", "max_weight": 1.0}}
TWIN |= {"selection": {"count": 7, "buffer": 0}, "costs": {"fee_bps": 50}}
FIELDS = ("date", "result", "reference_result", "selection", "weighting", "overlay", "cost", "own_cost")


@pytest.fixture
def pair(db: None) -> Index:
    """An index with a history and a twin with one, through MIDDLE."""
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    twin = index_of(TWIN)
    Index.objects.filter(pk=twin.pk).update(kind=Index.Kind.TWIN, twin_of=index)
    for each in (index, twin):
        services.index_backfill(each, through=MIDDLE)
    return index


def rows(index: Index) -> list[tuple[Any, ...]]:
    return list(IndexEffect.objects.filter(index=index).order_by("date").values_list(*FIELDS))


def test_every_day_sums_to_its_difference_and_costs_fall_on_trading_days(pair: Index) -> None:
    assert effects_extend(pair, through=MIDDLE) == len(rows(pair)) == (MIDDLE - date(2020, 1, 10)).days
    twin = pair.twin
    effects_extend(twin, through=MIDDLE)
    paid = dict(RebalanceCost.objects.filter(decision__index=pair).values_list("traded_on", "paid"))
    theirs = dict(RebalanceCost.objects.filter(decision__index=twin).values_list("traded_on", "paid"))
    for each, found in ((pair, paid), (twin, theirs)):
        assert len(found) == Decision.objects.filter(index=each, is_held=False).count() > 10
    for day, result, other, selection, weighting, overlay, cost, own in rows(pair):
        assert selection + weighting + overlay + cost == pytest.approx(result - other, abs=1e-15)
        gross = result - own
        assert own == pytest.approx(-(1 + gross) * paid.get(day, 0.0), abs=1e-14)
        gross_other = other - (own - cost)
        assert own - cost == pytest.approx(-(1 + gross_other) * theirs.get(day, 0.0), abs=1e-14)
        assert overlay == 0


def test_rows_made_day_by_day_are_those_made_at_once(pair: Index) -> None:
    effects_extend(pair, through=MIDDLE)
    day = MIDDLE
    while day < MIDDLE + timedelta(days=12):
        day += timedelta(days=1)
        clock_at(day)
        for each in (pair, pair.twin):
            services.index_advance(each, through=day)
        assert effects_extend(pair, through=day) == 1
        assert effects_extend(pair, through=day) == 0
    walked, costs = rows(pair), list(RebalanceCost.objects.order_by("pk").values())
    IndexEffect.objects.all().delete()
    RebalanceCost.objects.filter(decision__index=pair).delete()
    effects_extend(pair, through=day)
    assert rows(pair) == walked
    assert list(RebalanceCost.objects.order_by("pk").values()) == costs


def test_changed_levels_have_everything_made_anew(pair: Index) -> None:
    effects_backfill(through=MIDDLE)
    before = rows(pair)
    assert effects_due(through=MIDDLE) == []
    assert effects_backfill(through=MIDDLE) == {}
    wrong = date(2020, 2, 20)
    for each in (pair, pair.twin):
        point = IndexLevel.objects.get(index=each, date=wrong)
        IndexLevel.objects.filter(pk=point.pk).update(level=point.level * 1.01)
        assert effects_backfill(through=MIDDLE)["small-5"] == len(before)
        assert rows(pair) != before
        IndexLevel.objects.filter(pk=point.pk).update(level=point.level)
        assert effects_backfill(through=MIDDLE)["small-5"] == len(before)
        assert rows(pair) == before


def test_attribution_and_contributions_sum(pair: Index) -> None:
    effects_backfill(through=MIDDLE)
    made = selectors.attribution(pair, as_of=MIDDLE)
    assert made is not None
    assert (made.first, made.as_of, made.against.kind) == (date(2020, 1, 10), MIDDLE, "twin")
    levels = dict(IndexLevel.objects.filter(index=pair).values_list("date", "level"))
    theirs = dict(IndexLevel.objects.filter(index=pair.twin).values_list("date", "level"))
    assert made.whole.total == pytest.approx(levels[MIDDLE] / levels[made.first] - 1, rel=1e-12)
    assert made.whole.reference == pytest.approx(theirs[MIDDLE] / theirs[made.first] - 1, rel=1e-12)
    assert sum(made.whole.parts.values()) == pytest.approx(made.whole.total - made.whole.reference, abs=1e-12)
    assert sum(made.whole.shares.values()) == pytest.approx(1, abs=1e-12)
    later = selectors.attribution(pair, as_of=MIDDLE, start=date(2020, 2, 29))
    assert later is not None
    assert later.first == date(2020, 2, 29)
    assert later.whole.total == pytest.approx(levels[MIDDLE] / levels[date(2020, 2, 29)] - 1, rel=1e-12)
    brought = selectors.contributions_of(pair, as_of=MIDDLE)
    assert brought is not None
    assert sum(row.points for row in brought.rows) + brought.cost.points == pytest.approx(
        levels[MIDDLE] - levels[date(2020, 1, 10)], abs=1e-9
    )
    paid = RebalanceCost.objects.filter(decision__index=pair, traded_on__gt=date(2020, 1, 10))
    expected = sum(-levels[row.traded_on] / (1 - row.paid) * row.paid for row in paid)
    assert brought.cost.points == pytest.approx(expected, abs=1e-9)


def test_capacity_is_the_root_of_the_cost(pair: Index) -> None:
    effects_backfill(through=MIDDLE)
    found = selectors.capacity(pair, as_of=MIDDLE)
    assert [row.limit_bps for row in found] == [5, 10, 25, 50]
    costs = RebalanceCost.objects.filter(decision__index=pair, traded_on__gt=date(2020, 1, 10), slope__gt=0)
    assert 0 < len(costs) <= 12
    for row in found:
        roots = sorted(
            0.0
            if cost.fixed >= row.limit_bps / 1e4
            else ((row.limit_bps / 1e4 - cost.fixed) / cost.slope) ** 2
            for cost in costs
        )
        assert row.tightest == pytest.approx(roots[0])
        assert row.typical == pytest.approx(median(roots))
    assert selectors.capacity(pair, as_of=date(2020, 1, 10)) == ()


def test_without_a_reference_there_are_costs_but_no_effects(pair: Index) -> None:
    twin = pair.twin
    assert selectors.reference(twin).slug == "bitcoin"
    assert effects_extend(twin, through=MIDDLE) == 0
    assert RebalanceCost.objects.filter(decision__index=twin).count() > 10
    assert selectors.attribution(twin, as_of=MIDDLE) is None
    assert effects_due(through=MIDDLE) == [pair]


def test_the_tick_fans_out_what_is_due_once(pair: Index) -> None:
    with steps_inline():
        assert tasks.statistics_tick() == 2
        assert tasks.statistics_tick() == 0
    assert len(rows(pair)) == (MIDDLE - date(2020, 1, 10)).days
