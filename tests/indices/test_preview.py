"""What a changed rule would have done, and the indices that people build: decided, extended and verified like ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from config.replay import steps_inline
from indices import selectors, services, tasks
from indices.core import metrics
from indices.core.backtest import backtest
from indices.core.customising import Choices
from indices.core.rulebook import Rulebook, RulebookError
from indices.models import Decision, Index, IndexLevel, RulebookVersion
from indices.services import custom, preview, shelf
from indices.services.history import GUARD
from indices.services.rulebooks import version_ensure
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day
from tests.indices.markets import market
from tests.markets import market_store

BODY: dict[str, Any] = {
    "slug": "small-5",
    "name": "Small Five",
    "family": "market_cap",
    "base": {"level": 1000, "date": "2020-01-10"},
    "screens": {"min_market_cap": {"enter": 2e6, "stay": 1e6}, "min_age_days": 5, "max_stale_days": 2},
    "selection": {"count": 5, "buffer": 2},
    "weighting": {"max_weight": 0.4},
    "costs": {"fee_bps": 20},
}
PANEL = market(days=500, assets=14, seed=11, gaps=0.02)
LAST = PANEL.dates[-1].date()
MIDDLE = date(2021, 2, 3)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    shelf.shelf_clear()
    yield
    shelf.shelf_clear()


@pytest.fixture
def base(db: None) -> Index:
    """A market whose clock stands in the middle, with one house index without a history."""
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    rulebook = Rulebook.from_dict(BODY)
    index = Index.objects.create(slug=rulebook.slug, name=rulebook.name, family=rulebook.family)
    with transaction.atomic():
        version_ensure(index, rulebook)
    return index


def drafted(choices: Choices) -> tuple[Rulebook, Rulebook]:
    return custom.drafted("small-5", choices, as_of=MIDDLE)


def test_a_preview_is_the_backtest_of_the_same_days(base: Index) -> None:
    rulebook, rules = drafted(Choices(exclude=("asset-003",), count=4, max_weight=0.5))
    start = date(2020, 6, 1)
    shown = preview.preview(rulebook, rules, as_of=MIDDLE, start=start)
    for mine, level, told in (
        (rulebook, shown.level, shown.metrics),
        (rules, shown.base_level, shown.base_metrics),
    ):
        result = backtest(PANEL, mine, start=start, end=MIDDLE, guard=GUARD)
        wanted = result.level[result.turnover.index[0] :]
        assert [day for day, _ in level] == [day.date() for day in wanted.index]
        assert np.allclose([value for _, value in level], wanted / wanted.iloc[0] * 1000, rtol=1e-12)
        assert told["max_drawdown"] == pytest.approx(metrics.max_drawdown(wanted.to_numpy()))
        assert told["total_return"] == pytest.approx(level[-1][1] / 1000 - 1)
        assert told["cost_total"] == pytest.approx(float(1 - np.prod(1 - result.costs)))
    assert shown.tracking.difference == pytest.approx(
        shown.metrics["total_return"] - shown.base_metrics["total_return"]
    )
    assert [change.clause for change in shown.changes] == [
        "universe.exclude",
        "selection.count",
        "weighting.max_weight",
    ]


def test_members_are_those_of_the_last_decision_with_its_reasons(base: Index) -> None:
    rulebook, rules = drafted(Choices(exclude=("asset-003",)))
    shown = preview.preview(rulebook, rules, as_of=MIDDLE)
    last = backtest(PANEL, rulebook, start=shown.start, end=MIDDLE, record=True, guard=GUARD).decisions[-1]
    mine = backtest(PANEL, rules, start=shown.start, end=MIDDLE, record=True, guard=GUARD).decisions[-1]
    assert shown.decided_on == last.as_of == date(2021, 1, 31)
    assert {member.slug: member.weight for member in shown.members} == last.weights
    assert {member.slug: member.reason for member in shown.members} == {
        slug: last.reasons[slug] for slug in last.weights
    }
    assert [member.weight for member in shown.members] == sorted(last.weights.values(), reverse=True)
    for member in shown.members:
        assert member.base_weight == mine.weights.get(member.slug)
    assert {slug for slug, _ in shown.left_out} == mine.weights.keys() - last.weights.keys()
    everything = {*last.weights, *mine.weights}
    assert shown.active_share == pytest.approx(
        sum(abs(last.weights.get(slug, 0) - mine.weights.get(slug, 0)) for slug in everything) / 2
    )


def test_a_draft_that_changes_nothing_tracks_its_base(base: Index) -> None:
    shown = preview.preview(*drafted(Choices()), as_of=MIDDLE)
    assert shown.level == shown.base_level
    assert (shown.tracking.difference, shown.active_share, shown.changes) == (0, 0, [])
    assert shown.tracking.error == 0


def test_prices_are_read_once_for_a_market_day(base: Index) -> None:
    preview.preview(*drafted(Choices()), as_of=MIDDLE)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        preview.preview(*drafted(Choices(count=4)), as_of=MIDDLE)
    assert not [query for query in queries if "FROM signals_candle" in query["sql"]]
    panel = shelf.shelf_at(MIDDLE).panel
    assert panel is shelf.shelf_at(MIDDLE).panel
    assert panel is not shelf.shelf_at(MIDDLE - timedelta(days=1)).panel
    assert not panel.close.flags.writeable


def test_a_panel_read_in_stretches_is_the_panel(base: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_STRETCH_DAYS", 37)
    lean, whole = shelf.lean_panel(as_of=MIDDLE, days=300), signal_selectors.panel(as_of=MIDDLE, days=300)
    assert lean.assets == whole.assets
    assert lean.dates.equals(whole.dates)
    assert lean.categories == whole.categories
    assert (lean.first_days == whole.first_days).all()
    for name in ("close", "market_cap", "volume"):
        assert np.array_equal(getattr(lean, name), getattr(whole, name), equal_nan=True)
    assert np.isnan(lean.open).all()


def test_a_preview_never_sees_beyond_the_clock(base: Index) -> None:
    with pytest.raises(ValueError, match="has not closed"):
        preview.preview(*drafted(Choices()), as_of=MIDDLE + timedelta(days=1))


def test_rules_that_nothing_passes_are_refused_in_words(base: Index) -> None:
    rulebook, rules = drafted(Choices(min_market_cap=1e13))
    with pytest.raises(preview.PreviewError, match="No token passes"):
        preview.preview(rulebook, rules, as_of=MIDDLE)


def test_what_a_backtest_had_to_go_without_is_told(base: Index) -> None:
    body = {
        **BODY,
        "slug": "clever",
        "family": "ai",
        "weighting": {"scheme": "grade_tilt", "max_weight": 0.4},
    }
    rulebook = Rulebook.from_dict(body)
    index = Index.objects.create(slug="clever", name="Clever", family="ai")
    with transaction.atomic():
        version_ensure(index, rulebook)
    shown = preview.preview(*custom.drafted("clever", Choices(count=4), as_of=MIDDLE), as_of=MIDDLE)
    sundays = sum(day.weekday() == 6 for day in PANEL.dates[1:] if day.date() <= MIDDLE)
    assert (
        shown.notes[0] == f"Grades were not there for {sundays} of {sundays} decisions, which went without."
    )


def test_a_token_that_is_not_there_is_refused_with_a_hint(base: Index) -> None:
    with pytest.raises(RulebookError, match="there is no token 'asset-00'; did you mean asset-0") as refused:
        drafted(Choices(exclude=("asset-00",)))
    assert refused.value.clause == "universe.exclude"
    with pytest.raises(RulebookError, match="there is no category 'funny'"):
        drafted(Choices(exclude_categories=("funny",)))
    with pytest.raises(selectors.IndexNotFound):
        custom.drafted("no-such", Choices(), as_of=MIDDLE)


def test_a_built_index_is_decided_at_once_and_goes_on_like_ours(base: Index) -> None:
    built = custom.index_custom_create(
        "small-5", Choices(exclude=("asset-003",), count=4), name="Mine", as_of=MIDDLE
    )
    assert (built.kind, built.is_published, built.slug.startswith("custom-")) == ("custom", False, True)
    assert built not in selectors.index_list()
    decision = selectors.decision_in_force(built, as_of=MIDDLE)
    assert decision is not None
    assert (decision.as_of, decision.effective_on) == (MIDDLE - timedelta(days=1), MIDDLE)
    assert len(selectors.target_weights(decision)) == 4
    assert "asset-003" not in selectors.target_weights(decision)
    assert [day for day, _ in selectors.levels(built)] == [MIDDLE]
    through = MIDDLE + timedelta(days=30)
    signal_services.clock_set(end_of_day(through))
    with steps_inline():
        tasks.decisions_tick()
    assert [day for day, _ in selectors.levels(built)][-1] == through
    assert Decision.objects.filter(index=built).count() == 5
    assert services.index_verify(built) == []
    rules = selectors.custom_rulebook(built)
    again = backtest(PANEL, rules, start=MIDDLE, end=through, guard=GUARD)
    assert np.allclose([level for _, level in selectors.levels(built)], again.level.to_numpy(), rtol=1e-12)


def test_new_rules_decide_from_the_next_decision_on(base: Index) -> None:
    built = custom.index_custom_create("small-5", Choices(count=4), name="Mine", as_of=MIDDLE)
    before = list(Decision.objects.filter(index=built).values_list("input_hash", flat=True))
    version = custom.index_custom_change(built, "small-5", Choices(count=3, max_weight=0.4), as_of=MIDDLE)
    assert version.version == 2
    assert (
        custom.index_custom_change(built, "small-5", Choices(count=3, max_weight=0.4), as_of=MIDDLE)
        == version
    )
    assert list(Decision.objects.filter(index=built).values_list("input_hash", flat=True)) == before
    assert selectors.custom_choices(built, "small-5").count == 3
    through = MIDDLE + timedelta(days=7)
    signal_services.clock_set(end_of_day(through))
    services.index_advance(built, through=through)
    newest = selectors.decision_latest(built, as_of=through)
    assert newest is not None
    assert newest.rulebook.version == 2
    assert len(selectors.target_weights(newest)) == 3
    assert services.index_verify(built) == []
    assert RulebookVersion.objects.filter(index=built).count() == 2


def test_one_of_ours_is_not_changed_here(base: Index) -> None:
    with pytest.raises(ValueError, match="one of ours"):
        custom.index_custom_change(base, "small-5", Choices(), as_of=MIDDLE)
    with pytest.raises(ValueError, match="one of ours"):
        custom.index_custom_rename(base, "Mine")
    with pytest.raises(selectors.IndexNotFound):
        selectors.custom_rulebook(base)
    built = custom.index_custom_create("small-5", Choices(), name="Mine", as_of=MIDDLE)
    with pytest.raises(selectors.IndexNotFound):
        selectors.base_rulebook(built.slug)


def test_rules_that_nothing_passes_today_begin_later(base: Index) -> None:
    built = custom.index_custom_create("small-5", Choices(min_market_cap=1e13), name="Mine", as_of=MIDDLE)
    assert selectors.decision_in_force(built, as_of=MIDDLE) is None
    assert IndexLevel.objects.filter(index=built).count() == 0
