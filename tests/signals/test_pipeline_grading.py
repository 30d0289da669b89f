"""Published grades: those of the walk forward, once a day, with a history, and fit to be used or not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from config.replay import steps_inline
from signals import selectors, services, tasks
from signals.core.clock import end_of_day
from signals.core.grading import walk_forward
from signals.core.publication import days_wanted
from signals.core.regime import RegimeError
from signals.models import Alert, FeatureVector, Grade, ModelRun
from signals.services import grading
from signals.services.windows import window_drop
from tests.signals.pipeline import LAST, TOKENS, market_make, market_panel

pytestmark = pytest.mark.django_db

SUNDAY = date(2022, 7, 3)


@pytest.fixture(autouse=True)
def fresh() -> None:
    window_drop()
    grading._nobody.clear()


def published(day: date) -> dict[str, tuple[float, float, int]]:
    rows = Grade.objects.filter(as_of=day)
    return {
        slug: (trader, investor, signal)
        for slug, trader, investor, signal in rows.values_list(
            "asset__slug", "trader_grade", "investor_grade", "signal"
        )
    }


def test_published_grades_are_those_of_the_walk_forward() -> None:
    market_make(through=SUNDAY)
    assert services.grades_publish(as_of=SUNDAY) == TOKENS - 1
    assert services.grades_publish(as_of=SUNDAY) == 0
    panel = market_panel()
    frame = walk_forward(panel, panel.dates[[panel.row(SUNDAY)]]).set_index("asset")
    stored = published(SUNDAY)
    assert set(stored) == set(frame.index)
    for slug, (trader, investor, signal) in stored.items():
        assert trader == pytest.approx(frame.loc[slug, "trader_grade"], abs=1e-9)
        assert investor == pytest.approx(frame.loc[slug, "investor_grade"], abs=1e-9)
        assert signal == frame.loc[slug, "signal"]
    row = Grade.objects.get(asset__slug="token-03", as_of=SUNDAY)
    assert row.sentences == frame.loc["token-03", "sentences"]
    assert row.contributions == frame.loc["token-03", "contributions"]
    assert row.model == ModelRun.objects.get(name="trader")
    graded = selectors.grade_asof("token-03", as_of=SUNDAY)
    assert graded is not None
    assert (graded.trader_grade, graded.trained_through) == (row.trader_grade, date(2022, 6, 30))
    assert selectors.trader_grades(as_of=SUNDAY)["token-03"] == row.trader_grade


def test_the_background_grades_today_first_and_then_the_year_before(monkeypatch: pytest.MonkeyPatch) -> None:
    market = market_make()
    monkeypatch.setattr(
        grading, "days_wanted", lambda last, first: days_wanted(last, first=date(2022, 6, 19))
    )
    assert selectors.grading_progress().stage == "waiting"
    assert services.grades_catch_up(inline=False, seconds=0) == 0
    assert services.grades_catch_up(inline=False, seconds=600) == 16
    days = sorted(set(Grade.objects.values_list("as_of", flat=True)))
    recent = [date(2022, 6, 27) + timedelta(days=at) for at in range(14)]
    assert days == [date(2022, 6, 19), date(2022, 6, 26), *recent]
    assert not services.grades_due()
    for day, quarter in ((date(2022, 6, 29), date(2022, 3, 31)), (date(2022, 6, 30), date(2022, 6, 30))):
        assert set(Grade.objects.filter(as_of=day).values_list("model__trained_through", flat=True)) == {
            quarter
        }
    row = next(row for row in selectors.grades(as_of=LAST) if row.slug == "token-00")
    week = published(LAST - timedelta(days=7))["token-00"]
    assert row.trader_change_7d == pytest.approx(row.trader_grade - week[0])
    assert row.investor_change_1d == pytest.approx(
        row.investor_grade - published(LAST - timedelta(days=1))["token-00"][1]
    )
    history = selectors.grade_history("token-00", as_of=LAST, days=7)
    assert [point.as_of for point in history] == [LAST - timedelta(days=6 - at) for at in range(7)]
    assert market.first_day is not None


def test_a_replay_grades_its_day_inline_and_leaves_the_rest_to_the_background() -> None:
    market_make(through=SUNDAY)
    with steps_inline():
        tasks.features_tick()
        tasks.training_tick()
        tasks.grades_tick()
    assert set(Grade.objects.values_list("as_of", flat=True)) == {SUNDAY}
    services.clock_set(end_of_day(SUNDAY + timedelta(days=1)))
    with steps_inline():
        tasks.features_tick()
        tasks.training_tick()
        tasks.grades_tick()
    assert set(FeatureVector.objects.values_list("as_of", flat=True)) == {SUNDAY, SUNDAY + timedelta(days=1)}
    assert set(Grade.objects.values_list("as_of", flat=True)) == {SUNDAY, SUNDAY + timedelta(days=1)}
    assert ModelRun.objects.count() == 2


def test_the_background_makes_way_for_a_replay() -> None:
    market_make(through=SUNDAY)
    services.replay_until_set(LAST)
    assert services.grades_catch_up(inline=False) == 0
    assert services.grades_catch_up(inline=True) == 1


def test_nothing_happens_without_a_market() -> None:
    for tick in (tasks.regime_tick, tasks.features_tick, tasks.training_tick, tasks.grades_tick):
        assert not tick()


def test_a_day_on_which_nobody_can_be_graded_is_not_tried_every_minute() -> None:
    market_make(through=date(2021, 1, 20))
    assert services.grades_catch_up(inline=False, seconds=600) == 0
    assert not services.grades_due()
    assert Grade.objects.count() == 0


def test_grading_may_be_relied_on_for_eight_days_and_not_under_an_alert() -> None:
    market_make(through=LAST)
    assert selectors.grading_state(as_of=LAST).kind == "no_model"
    day = LAST - timedelta(days=9)
    services.grades_publish(as_of=day)
    assert selectors.grading_state(as_of=LAST - timedelta(days=1)).usable
    stale = selectors.grading_state(as_of=LAST)
    assert (stale.usable, stale.kind, stale.graded_on) == (False, "stale_grades", day)
    assert selectors.grades(as_of=LAST) == []
    services.alert_raise("missing_features", as_of=day, text="half of the volumes are gone")
    state = selectors.grading_state(as_of=LAST - timedelta(days=2))
    assert (state.usable, state.kind, state.reason) == (
        False,
        "missing_features",
        "half of the volumes are gone",
    )
    assert selectors.grading_state(as_of=day - timedelta(days=1)).kind == "no_model"
    with pytest.raises(selectors.NotYetKnown):
        selectors.grading_state(as_of=LAST + timedelta(days=1))


def test_features_that_went_missing_raise_an_alert_that_the_next_good_day_clears() -> None:
    market_make(through=SUNDAY)
    services.models_ensure(as_of=SUNDAY)
    services.features_compute(as_of=SUNDAY)
    for row in FeatureVector.objects.all():
        values = np.array(row.values)
        values[::3] = np.nan
        row.values = values.tolist()
        row.save(update_fields=["values"])
    services.grades_publish(as_of=SUNDAY)
    alert = Alert.objects.get()
    assert (alert.kind, alert.as_of, alert.cleared_on) == ("missing_features", SUNDAY, None)
    assert "missing that training had" in alert.text
    assert not selectors.grading_state(as_of=SUNDAY).usable
    services.clock_set(end_of_day(SUNDAY + timedelta(days=1)))
    services.grades_catch_up(inline=True)
    assert Alert.objects.get().cleared_on == SUNDAY + timedelta(days=1)
    assert selectors.grading_state(as_of=SUNDAY + timedelta(days=1)).usable


def test_stale_grades_raise_an_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    market_make(through=LAST)
    services.grades_publish(as_of=LAST - timedelta(days=9))
    with monkeypatch.context() as failing:
        failing.setattr(grading, "_publish_if_possible", lambda *args, **options: 0)
        services.grades_catch_up(inline=True)
    assert [alert.kind for alert in selectors.alerts_open()] == ["stale_grades"]
    services.grades_catch_up(inline=True)
    assert selectors.alerts_open() == []


def test_a_replay_goes_on_when_grading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    market_make(through=SUNDAY)
    with monkeypatch.context() as broken:

        def fail(*args: object, **options: object) -> None:
            raise ValueError("no memory left")

        broken.setattr(grading, "grades_publish", fail)
        broken.setattr("signals.services.training.models_made", fail)
        with steps_inline():
            tasks.training_tick()
            tasks.grades_tick()
        with pytest.raises(ValueError, match="no memory left"):
            services.grades_catch_up(inline=False)
    assert {alert.kind for alert in selectors.alerts_open()} == {"training_failed", "grading_failed"}
    with steps_inline():
        tasks.training_tick()
        tasks.grades_tick()
    assert {alert.kind for alert in selectors.alerts_open()} & {"training_failed", "grading_failed"} == set()


def test_a_regime_that_cannot_be_read_is_an_alert_and_not_the_end_of_the_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market_make(through=SUNDAY)
    with monkeypatch.context() as broken:

        def fail(*, through: date) -> int:
            raise RegimeError("volume: is not known")

        broken.setattr(services, "regime_publish", fail)
        assert tasks.regime_tick() == 0
    assert [alert.kind for alert in selectors.alerts_open()] == ["regime_failed"]
    assert tasks.regime_tick() > 0
    assert selectors.alerts_open() == []
    assert tasks.regime_tick() == 0
