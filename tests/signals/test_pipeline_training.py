"""Features and models of a stored market: equal to those of its panel, made once, and by one process alone."""

from __future__ import annotations

from datetime import date
from threading import Thread

import numpy as np
import psycopg
import pytest
from django.db import connection

from signals import selectors, services
from signals.core.features import compute
from signals.core.model.samples import sample
from signals.core.model.spec import INVESTOR, TRADER
from signals.core.model.training import train
from signals.core.universe import gradable
from signals.models import Alert, Experiment, FeatureVector, ModelRun
from signals.selectors.progress import LEARNING_LOCK
from signals.services import training, windows
from signals.services.features import feature_frame, feature_names
from signals.services.grading import sample_stored
from signals.services.training import model_of
from signals.services.windows import window_drop, window_panel
from tests.signals.pipeline import LAST, market_make, market_panel

pytestmark = pytest.mark.django_db

DAY = date(2022, 7, 3)
QUARTER = date(2022, 6, 30)


@pytest.fixture(autouse=True)
def fresh_window() -> None:
    window_drop()


def test_the_features_of_a_day_are_those_of_the_panel_and_are_made_once() -> None:
    market_make()
    panel = market_panel()
    graded = {panel.assets[at] for at in np.flatnonzero(gradable(panel)[panel.row(DAY)])}
    assert len(graded) == 35, "not the silent one, not the stablecoin"
    assert services.features_compute(as_of=DAY) == 35
    assert services.features_compute(as_of=DAY) == 0
    frame = feature_frame(as_of=DAY)
    assert set(frame.index) == graded
    wanted = compute(panel)
    for name, values in wanted.items():
        np.testing.assert_allclose(
            frame[name], values.loc[str(DAY), list(frame.index)], rtol=1e-9, atol=1e-12, err_msg=name
        )
    row = FeatureVector.objects.get(asset__slug="token-05", as_of=DAY)
    assert row.known == int(np.isfinite(frame.loc["token-05"].to_numpy(dtype=float)).sum())
    reading = selectors.feature_vector("token-05", as_of=LAST)
    assert reading is not None
    assert (reading.as_of, reading.names, reading.known) == (DAY, feature_names(), row.known)
    assert reading.values[feature_names().index("ret_14d")] is not None
    assert selectors.feature_vector("token-09", as_of=LAST) is None


def test_what_a_model_reads_from_the_store_is_what_it_reads_from_the_panel() -> None:
    market_make()
    services.features_compute(as_of=DAY)
    stored = sample_stored(TRADER.names, as_of=DAY)
    direct = sample(market_panel(), market_panel().dates[[market_panel().row(DAY)]])
    assert [stored.assets[at] for at in stored.column] == [direct.assets[at] for at in direct.column]
    np.testing.assert_allclose(stored.raw, direct.raw, rtol=1e-6)
    np.testing.assert_array_equal(stored.ranks, direct.ranks)


def test_a_day_without_candles_is_said_so() -> None:
    market_make(through=date(2022, 7, 12))
    with pytest.raises(services.DayMissing, match="no candles of 2022-07-11"):
        services.features_compute(as_of=date(2022, 7, 11))
    with pytest.raises(selectors.NotYetKnown):
        services.features_compute(as_of=date(2022, 7, 13))
    assert services.features_catch_up(as_of=date(2022, 7, 11), inline=True) == 0


def test_a_window_that_grew_day_by_day_is_the_window_read_at_once() -> None:
    market_make()
    for day in (date(2022, 5, 20), date(2022, 6, 3), date(2022, 6, 4), date(2022, 6, 29)):
        grown = window_panel(as_of=day, days=100)
    window_drop()
    whole = window_panel(as_of=date(2022, 6, 29), days=100)
    assert grown.assets == whole.assets
    assert grown.dates.equals(whole.dates)
    np.testing.assert_array_equal(grown.close, whole.close)
    np.testing.assert_array_equal(grown.volume, whole.volume)
    np.testing.assert_array_equal(grown.first_days, whole.first_days)
    assert grown.categories == whole.categories
    short = window_panel(as_of=date(2022, 6, 30), days=20)
    assert len(short.dates) == 20
    assert len(window_panel(as_of=date(2022, 7, 1), days=100).dates) == 100
    window_drop()
    window_panel(as_of=date(2022, 6, 1), days=100, keep=False)
    assert not windows._kept
    back = window_panel(as_of=date(2022, 3, 1), days=100, back_to=date(2022, 3, 1))
    assert back.dates[-1].date() == date(2022, 3, 1)
    assert len(back.dates) == 100


def test_models_are_those_of_the_panel_and_are_trained_once() -> None:
    market_make()
    assert services.models_due(as_of=DAY)
    made = services.models_ensure(as_of=DAY)
    assert not services.models_due(as_of=DAY)
    assert {name: run.trained_through for name, run in made.items()} == {
        "trader": QUARTER,
        "investor": QUARTER,
    }
    for spec in (TRADER, INVESTOR):
        alone = train(market_panel(), spec, through=QUARTER)
        run = ModelRun.objects.get(name=spec.name)
        assert run.text == alone.to_text()
        assert (run.sha256, run.spec_hash, run.market) == (alone.sha256, spec.digest(), "archive")
        assert model_of(run.pk).sha256 == alone.sha256
    again = services.models_ensure(as_of=DAY)
    assert {run.pk for run in again.values()} == {run.pk for run in made.values()}
    assert ModelRun.objects.count() == Experiment.objects.filter(kind="training").count() == 2
    assert {run.pk for run in selectors.model_in_force(as_of=DAY).values()} == {
        run.pk for run in made.values()
    }
    assert selectors.model_in_force(as_of=date(2022, 6, 29)) == {}


def test_several_quarters_at_one_go_are_the_models_of_each_alone() -> None:
    market_make()
    both = services.training.models_train(through=[QUARTER, date(2022, 3, 31)])
    for day in (QUARTER, date(2022, 3, 31)):
        assert both[day]["trader"].sha256 == train(market_panel(), TRADER, through=day).sha256
    assert both[QUARTER]["trader"].data_hash != both[date(2022, 3, 31)]["trader"].data_hash


def test_a_training_cut_short_leaves_nothing_and_the_next_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    market_make()

    class Killed(BaseException):
        pass

    def die(*args: object, **options: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(training, "models_made", die)
        with pytest.raises(Killed):
            services.training_catch_up(as_of=DAY, inline=False)
    assert ModelRun.objects.count() == 0
    assert not selectors.learning_busy()
    assert services.training_catch_up(as_of=DAY, inline=False) == 2
    assert services.training_catch_up(as_of=DAY, inline=False) == 0
    assert ModelRun.objects.count() == 2


def test_while_another_process_trains_this_one_leaves_it_alone() -> None:
    market_make()
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
        autocommit=True,
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LEARNING_LOCK])
        assert selectors.learning_busy()
        assert selectors.grading_progress().stage == "training"
        assert services.training_catch_up(as_of=DAY, inline=False) == 0
        assert services.grades_catch_up(inline=False) == 0
    assert ModelRun.objects.count() == 0


def test_a_training_that_fails_is_an_alert_until_one_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    market_make()
    with monkeypatch.context() as broken:

        def fail(*args: object, **options: object) -> None:
            raise ValueError("the past is empty")

        broken.setattr(training, "models_made", fail)
        for _ in range(2):
            with pytest.raises(ValueError, match="the past is empty"):
                services.training_catch_up(as_of=DAY, inline=False)
    alert = Alert.objects.get()
    assert (alert.kind, alert.as_of, alert.cleared_on) == ("training_failed", DAY, None)
    assert "the past is empty" in alert.text
    services.training_catch_up(as_of=DAY, inline=False)
    assert Alert.objects.get().cleared_on == DAY


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_train_at_once_make_one_model_of_each() -> None:
    market_make()
    seen: list[set[int]] = []

    def run() -> None:
        try:
            seen.append({run.pk for run in services.model_train(through=QUARTER).values()})
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen[0] == seen[1]
    assert ModelRun.objects.count() == Experiment.objects.count() == 2
