"""The passive twin, and when an index that uses grades begins: with all the grades of the past, never on half."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from config.replay import steps_inline
from indices import selectors, services, tasks
from indices.core.rulebook import Rulebook
from indices.core.twins import has_twin, passive_twin
from indices.models import Decision, Index, IndexLevel
from indices.services.rulebooks import index_ensure
from signals import services as signal_services
from signals.core.labels import LAG, label_reach
from signals.core.model import Spec, training_day
from signals.core.publication import days_wanted
from signals.models import Grade
from tests.signals.pipeline import LAST, market_make

BODY: dict[str, object] = {
    "slug": "clever",
    "name": "Clever",
    "family": "ai",
    "base": {"date": "2021-06-01"},
    "screens": {"min_grade": {"enter": 40, "stay": 30}, "min_age_days": 30, "max_stale_days": 2},
    "selection": {"rank_by": "grade", "count": 8, "buffer": 3},
    "weighting": {"scheme": "grade_tilt", "tilt": 3.5, "max_weight": 0.3},
    "overlay": {"regime": True, "risk_off": "steady-coin"},
    "trading": {"drift_band": 0.001},
    "costs": {"fee_bps": 25},
    "tokenized": True,
}
SUNDAYS = [LAST - timedelta(days=7 * weeks) for weeks in range(3, -1, -1)]


def test_a_twin_differs_in_what_is_clever_and_in_nothing_else() -> None:
    rulebook = Rulebook.from_dict(BODY)
    twin = passive_twin(rulebook).to_dict(whole=True)
    whole = rulebook.to_dict(whole=True)
    differing = {
        f"{clause}.{key}"
        for clause, value in whole.items()
        if isinstance(value, dict)
        for key in value
        if value[key] != twin[clause][key]
    } | {clause for clause, value in whole.items() if not isinstance(value, dict) and value != twin[clause]}
    assert differing == {
        "slug",
        "name",
        "summary",
        "family",
        "tokenized",
        "screens.min_grade",
        "selection.rank_by",
        "weighting.scheme",
        "weighting.tilt",
        "overlay.regime",
    }
    assert (twin["slug"], twin["name"]) == ("clever-passive", "Clever, passive twin")
    assert has_twin(rulebook)
    assert not has_twin(passive_twin(rulebook))
    for part in (
        {"overlay": {"regime": True}},
        {"screens": {"min_grade": 50}},
        {"selection": {"rank_by": "grade"}},
    ):
        assert has_twin(Rulebook.from_dict({"slug": "x", "family": "ai"} | part))


@pytest.fixture
def pair(db: None) -> tuple[Index, Index]:
    market_make()
    rulebook = Rulebook.from_dict(BODY)
    clever = index_ensure(rulebook)
    return clever, index_ensure(passive_twin(rulebook), twin_of=clever)


def tick() -> int:
    with steps_inline():
        return tasks.beginnings_tick()


def test_the_pair_begins_together_when_all_of_the_past_is_graded(
    pair: tuple[Index, Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    clever, passive = pair
    assert selectors.twin(clever) == passive
    assert selectors.twin_owner(passive) == clever
    assert selectors.twin(passive) is None
    assert selectors.twin_owner(clever) is None
    assert selectors.index_list() == [clever], "a twin is in no list"
    monkeypatch.setattr(
        "indices.selectors.beginnings.days_wanted", lambda last, first: days_wanted(last, first=SUNDAYS[0])
    )
    signal_services.regime_publish(through=LAST)

    assert tick() == 0
    assert services.histories_backfill(through=LAST) == {
        "clever": services.Advance(),
        "clever-passive": services.Advance(),
    }
    for done in (1, 2, 3):
        signal_services.grades_publish(as_of=SUNDAYS[-done])
        assert tick() == 0, "half of the grades are none"
        assert selectors.beginning(clever, through=LAST) == selectors.Beginning(None, done, 4)
    note, beside = (selectors.standing_note(index, as_of=LAST) for index in pair)
    assert note is not None
    assert note.kind == "waiting"
    assert note.text.endswith("when the grades of the past are computed: 3 of 4 weeks are graded.")
    assert beside is not None
    assert beside.text == "No history yet. It begins with Clever: 3 of 4 weeks are graded."

    signal_services.grades_publish(as_of=SUNDAYS[0])
    assert tick() == 1
    for index in pair:
        first = Decision.objects.filter(index=index).earliest("as_of")
        assert (first.as_of, first.effective_on) == (SUNDAYS[0], SUNDAYS[0] + timedelta(days=1))
        levels = IndexLevel.objects.filter(index=index).order_by("date")
        assert (levels[0].date, levels[len(levels) - 1].date) == (first.effective_on, LAST)
        assert selectors.standing_note(index, as_of=LAST) is None
        assert services.index_verify(index) == []
    decisions = Decision.objects.filter(index=clever)
    assert decisions.count() == 4
    assert {row.note for row in decisions} <= {"", "drift of"}, "none had to go without grades"
    assert tick() == 0
    with steps_inline():
        assert tasks.decisions_tick() == 0

    # An older Sunday that is graded later moves nothing: a history that is there keeps its first day.
    signal_services.grades_publish(as_of=SUNDAYS[0] - timedelta(days=7))
    assert selectors.beginning(clever, through=LAST).start == SUNDAYS[0] + timedelta(days=1)
    for index in pair:
        assert services.index_verify(index) == []

    # Walk-forward by construction: what a model was trained on had ended before the day that it grades.
    for row in Grade.objects.select_related("model").distinct("as_of"):
        assert row.model.trained_through == training_day(row.as_of) <= row.as_of
        spec = Spec.from_dict(row.model.spec)
        last_row = row.model.trained_through - timedelta(days=spec.gap)
        last_label_ends = last_row + timedelta(days=label_reach(horizon=spec.horizon, lag=LAG))
        assert last_label_ends < row.as_of


def test_the_older_grades_that_lead_up_to_the_year_count_as_well(
    pair: tuple[Index, Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    have = {LAST - timedelta(days=7 * weeks) for weeks in (0, 1, 2, 3, 4, 5, 7)}
    monkeypatch.setattr("signals.selectors.graded_days", lambda days: have & set(days))
    monkeypatch.setattr(
        "indices.selectors.beginnings.days_wanted", lambda last, first: days_wanted(last, first=SUNDAYS[0])
    )
    begins = selectors.beginning(pair[0], through=LAST)
    assert begins == selectors.Beginning(LAST - timedelta(days=5 * 7 - 1), 4, 4)
    assert selectors.beginning(pair[1], through=LAST).start is None, "the twin waits for the other"


def test_rules_without_grades_begin_at_their_base_date(db: None) -> None:
    market_make()
    plain = index_ensure(Rulebook.from_dict({"slug": "plain", "family": "market_cap"}))
    assert selectors.beginning(plain, through=LAST) == selectors.Beginning(date(2018, 1, 1))
