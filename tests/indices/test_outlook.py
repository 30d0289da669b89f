"""Rulebooks that read grades and the regime: live as in a backtest, and passive where they may not be relied on."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from config.replay import steps_inline
from indices import services, tasks
from indices.core.backtest import backtest
from indices.core.capping import bounded
from indices.core.rulebook import Rulebook
from indices.models import Decision, Index
from indices.selectors import standing_note, target_weights
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day
from signals.models import Alert, Asset, Grade, ModelRun, Regime
from signals.selectors.regime import regime_version
from tests.indices.markets import market
from tests.indices.test_history import index_of
from tests.markets import market_store

PANEL = market(days=220, assets=10, seed=5, lives=False, start="2019-10-01")
GRADED: dict[str, object] = {
    "slug": "graded-4",
    "name": "Graded Four",
    "family": "ai",
    "base": {"date": "2020-02-02"},
    "selection": {"rank_by": "grade", "count": 4, "buffer": 1},
    "weighting": {"scheme": "grade_tilt", "max_weight": 0.5},
    "overlay": {"regime": False},
}
FIRST, MIDDLE, LAST = date(2020, 2, 2), date(2020, 3, 10), date(2020, 4, 5)
OLD_ENOUGH = date(2019, 11, 30)
"""Nobody is graded before: every Sunday since then must have grades before a history begins."""


@pytest.fixture
def stored(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    return index_of(GRADED)


@pytest.fixture
def run(stored: Index) -> ModelRun:
    return ModelRun.objects.create(
        name="trader",
        market="archive",
        trained_through=date(2019, 12, 31),
        spec={},
        spec_hash="s",
        data_hash="d",
        code_version="c",
        seed=0,
        text="",
        sha256="",
    )


def frame(first: date, last: date) -> pd.DataFrame:
    days = pd.date_range(first, last)
    random = np.random.default_rng(3)
    values = random.uniform(30, 70, len(PANEL.assets)) + random.uniform(-4, 4, (len(days), len(PANEL.assets)))
    return pd.DataFrame(values, index=days, columns=PANEL.assets)


def publish(run: ModelRun, grades: pd.DataFrame) -> None:
    ids = signal_selectors.asset_ids()
    Grade.objects.bulk_create(
        Grade(
            asset_id=ids[str(asset)],
            as_of=pd.Timestamp(str(day)).date(),
            model=run,
            trader_grade=grade,
            investor_grade=50.0,
            signal=0,
            confidence=0.5,
            coverage=1.0,
        )
        for day, row in grades.iterrows()
        for asset, grade in row.items()
    )


def advance(through: date) -> None:
    day = signal_selectors.last_closed_day()
    while (day := day + timedelta(days=1)) <= through:
        signal_services.clock_set(end_of_day(day))
        with steps_inline():
            tasks.decisions_tick()


def test_stored_grades_make_the_decisions_that_a_backtest_makes_of_them(stored: Index, run: ModelRun) -> None:
    grades = frame(OLD_ENOUGH, LAST)
    publish(run, grades)
    services.index_backfill(stored, through=MIDDLE)
    advance(LAST)
    expected = backtest(
        PANEL,
        Rulebook.from_dict(GRADED),
        start=FIRST,
        end=LAST,
        grades=grades,
        record=True,
        guard=services.GUARD,
    ).decisions
    assert [row.input_hash for row in Decision.objects.order_by("as_of")] == [
        made.input_hash for made in expected
    ]
    assert {row.note for row in Decision.objects.all()} == {""}
    newest = Decision.objects.latest("as_of")
    held = {slug: float(weight) for slug, weight in target_weights(newest).items()}
    assert held == pytest.approx(expected[-1].weights)
    row = grades.loc[str(newest.as_of)].to_numpy(dtype=float)
    best = [str(grades.columns[place]) for place in row.argsort()[-5:]]
    assert set(held) <= set(best)
    assert services.index_verify(stored) == []
    assert Alert.objects.count() == 0


def test_without_grades_the_weights_are_passive_and_somebody_is_told(stored: Index, run: ModelRun) -> None:
    publish(run, frame(OLD_ENOUGH, date(2020, 2, 9)))
    services.index_backfill(stored, through=date(2020, 2, 9))
    services.index_backfill(stored, through=MIDDLE)
    notes = list(Decision.objects.order_by("as_of").values_list("note", flat=True))
    assert notes[:3] == ["", "", ""]
    assert notes[3] == "grades of 2020-02-09"
    assert all(note.startswith("passive weights: the last grades are of 2020-02-09") for note in notes[4:])
    assert len(notes) == 7
    newest = Decision.objects.latest("as_of")
    held = {slug: float(weight) for slug, weight in target_weights(newest).items()}
    caps = PANEL.market_cap[PANEL.row(newest.as_of)]
    raw = np.array([caps[PANEL.assets.index(slug)] for slug in held])
    assert list(held.values()) == pytest.approx(bounded(raw, max_weight=0.5).weights.tolist())
    note = standing_note(stored, as_of=MIDDLE)
    assert note is not None
    assert (note.kind, note.as_of) == ("fallback", date(2020, 3, 8))
    alert = Alert.objects.get()
    assert (alert.kind, alert.as_of, alert.cleared_on) == ("passive graded-4", date(2020, 3, 8), None)
    assert "graded-4 was decided on 2020-03-08 without all it should know" in alert.text

    # Grades that come later, of the very days, do not change what was decided nor make it look wrong.
    publish(run, frame(date(2020, 2, 10), LAST))
    assert services.index_verify(stored) == []
    advance(date(2020, 3, 15))
    assert standing_note(stored, as_of=date(2020, 3, 15)) is None
    assert Decision.objects.latest("as_of").note == ""
    assert Alert.objects.get().cleared_on == date(2020, 3, 15)
    assert services.index_verify(stored) == []


@pytest.mark.parametrize(
    ("age", "note"), [(3, "grades of 2020-03-05"), (9, "passive weights: the last grades")]
)
def test_older_grades_count_for_eight_days(stored: Index, run: ModelRun, age: int, note: str) -> None:
    publish(run, frame(OLD_ENOUGH, date(2020, 3, 8) - timedelta(days=age)))
    services.index_backfill(stored, through=date(2020, 2, 26))
    services.index_backfill(stored, through=MIDDLE)
    newest = Decision.objects.latest("as_of")
    assert newest.as_of == date(2020, 3, 8)
    assert newest.note.startswith(note)
    publish(run, frame(date(2020, 3, 6), date(2020, 3, 8)))
    assert services.index_verify(stored) == [], "what came later was not known then"


def test_an_alert_about_features_makes_weights_passive_while_it_stands(stored: Index, run: ModelRun) -> None:
    publish(run, frame(OLD_ENOUGH, LAST))
    signal_services.alert_raise("feature_drift", as_of=date(2020, 2, 20), text="volumes have changed")
    signal_services.alert_clear("feature_drift", as_of=date(2020, 3, 1))
    services.index_backfill(stored, through=MIDDLE)
    notes = dict(Decision.objects.values_list("as_of", "note"))
    assert notes[date(2020, 2, 16)] == ""
    assert notes[date(2020, 2, 23)] == "passive weights: volumes have changed"
    assert notes[date(2020, 3, 1)] == ""
    assert services.index_verify(stored) == []


def test_the_regime_moves_the_index_and_is_left_out_where_none_is_known(db: None) -> None:
    stored_market = market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(
        {
            "slug": "guarded-3",
            "family": "ai",
            "base": {"date": "2020-02-02"},
            "selection": {"count": 3},
            "weighting": {"max_weight": 1},
            "overlay": {"regime": True, "risk_off": "asset-000"},
        }
    )
    for offset in range(20):
        Regime.objects.create(
            as_of=date(2020, 2, 10) + timedelta(days=offset),
            rules_version=regime_version(stored_market),
            risk_share=25,
        )
    services.index_backfill(index, through=MIDDLE)
    notes = dict(Decision.objects.values_list("as_of", "note"))
    assert notes[date(2020, 2, 9)] == "fully invested: no regime is known"
    assert notes[date(2020, 2, 23)] == ""
    assert notes[date(2020, 3, 8)] == "regime of 2020-02-29"
    waiting = Decision.objects.get(as_of=date(2020, 2, 23))
    assert float(target_weights(waiting)["asset-000"]) >= 0.75
    assert services.index_verify(index) == []
    assert Asset.objects.filter(slug="asset-000").exists()


def test_rulebooks_without_grades_ask_for_nothing(stored: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(**options: object) -> None:
        raise AssertionError("grades were asked for")

    monkeypatch.setattr(signal_selectors, "grading_state", unexpected)
    monkeypatch.setattr(signal_selectors, "regime_day", unexpected)
    index = index_of({"slug": "plain", "family": "market_cap", "base": {"date": "2020-02-02"}})
    assert services.index_backfill(index, through=MIDDLE) > 0
    assert Asset.objects.exists()


def test_a_decision_waits_for_grades_that_are_being_made(
    stored: Index, run: ModelRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(run, frame(OLD_ENOUGH, date(2020, 3, 9)))
    monkeypatch.setattr(signal_selectors, "learning_busy", lambda: True)
    with steps_inline():
        assert tasks.decisions_tick() == 0
        monkeypatch.setattr(signal_selectors, "learning_busy", lambda: False)
        assert tasks.decisions_tick() == 1
    assert Decision.objects.exists()
    plain = index_of({"slug": "plain", "family": "market_cap", "base": {"date": "2020-02-02"}})
    monkeypatch.setattr(signal_selectors, "learning_busy", lambda: True)
    with steps_inline():
        assert tasks.decisions_tick() == 1, "who needs no grades waits for none"
    assert Decision.objects.filter(index=plain).exists()
