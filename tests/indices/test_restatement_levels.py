"""Stored decisions traded once more: the bits of the published levels, and nothing else where a price is corrected."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from indices import selectors, services
from indices.core.restating import (
    NOTICE,
    RESTATE,
    Policy,
    decision_changes,
    level_change,
)
from indices.core.rulebook import Decision as Decided
from indices.models import Decision, Index, IndexLevel, LevelRevision, TargetWeight
from indices.selectors.restatements import levels_known, restated
from indices.services.replaying import levels_replayed, score_of
from indices.services.restatement import (
    blast_radius,
    restatement_apply,
    restatement_decide,
    restatement_preview,
)
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day
from signals.core.restating import CorrectionError
from tests.indices.markets import market
from tests.indices.test_history import BODY, MIDDLE, PANEL, clock_at, index_of
from tests.markets import market_store

EVERYTHING = Policy(min_effect=0.0, max_age_days=10_000)


@pytest.fixture
def stored(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    services.index_backfill(index, through=MIDDLE)
    return index


def levels_of(index: Index) -> dict[date, float]:
    return dict(IndexLevel.objects.filter(index=index).order_by("date").values_list("date", "level"))


def largest_held(index: Index, day: date) -> str:
    """The largest holding in force at the close of `day` that has a candle then."""
    decision = selectors.decision_in_force(index, as_of=day)
    assert decision is not None
    for slug in selectors.target_weights(decision):
        if signal_selectors.candle_known(slug, day=day) is not None:
            return slug
    raise AssertionError("nothing that is held has a candle")


def proposed(index: Index, day: date, *, factor: float, slug: str = "") -> int:
    slug = slug or largest_held(index, day)
    bar = signal_selectors.candle_known(slug, day=day)
    assert bar is not None
    new = {"close": bar.close * factor}
    if bar.market_cap is not None:
        new["market_cap"] = bar.market_cap * factor
    row = signal_services.restatement_propose(
        slug,
        day=day,
        new=new,
        reason="Three other sources say so.",
        evidence_url="https://example.org/print",
        by="ann@example.org",
    )
    return row.pk


def applied(index: Index, day: date, *, factor: float, slug: str = "") -> int:
    pk = proposed(index, day, factor=factor, slug=slug)
    restatement_preview(pk, policy=EVERYTHING)
    restatement_decide(pk, by="bob@example.org")
    restatement_apply(pk, by="ann@example.org")
    return pk


@pytest.mark.parametrize("since", [None, date(2020, 1, 10), date(2020, 1, 11), date(2020, 2, 25), MIDDLE])
def test_a_replay_has_the_bits_of_what_was_published(stored: Index, since: date | None) -> None:
    score = score_of(stored, since=since)
    assert score is not None
    days = (MIDDLE - score.reads).days + 1
    again = levels_replayed(score, signal_selectors.panel(as_of=MIDDLE, days=days))
    published = {day: level for day, level in levels_of(stored).items() if day >= score.since}
    assert again == published
    assert since is None or score.since <= since
    if since == date(2020, 2, 25):
        assert score.since == date(2020, 2, 24)


def test_a_replay_follows_a_change_of_rules(db: None) -> None:
    panel = market(days=160, assets=14, seed=11, gaps=0.25)
    market_store(panel, clock_at=end_of_day(MIDDLE))
    index = index_of({**BODY, "delisting": {"after_missing_days": 1, "return": -0.5}})
    services.index_backfill(index, through=date(2020, 3, 1))
    index_of({**BODY, "selection": {"count": 3, "buffer": 0}, "costs": {"fee_bps": 90}})
    services.index_backfill(index, through=MIDDLE)
    for since in (None, date(2020, 2, 20), date(2020, 3, 20)):
        score = score_of(index, since=since)
        assert score is not None
        again = levels_replayed(score, signal_selectors.panel(as_of=MIDDLE))
        stored = {day: level for day, level in levels_of(index).items() if day >= score.since}
        assert again.keys() == stored.keys()
        assert all(abs(again[day] / stored[day] - 1) < 1e-13 for day in stored)


def test_a_print_between_two_rebalances_changes_one_level(stored: Index) -> None:
    day = date(2020, 3, 18)  # a Wednesday; bought on Monday the 16th
    before, decisions = levels_of(stored), history_of_decisions(stored)
    moment = timezone.now()
    slug = largest_held(stored, day)
    pk = applied(stored, day, factor=1.1, slug=slug)
    after = levels_of(stored)
    changed = {when for when in before if before[when] != after[when]}
    assert changed == {day}
    decision = selectors.decision_in_force(stored, as_of=day)
    assert decision is not None
    bought = decision.effective_on
    was = PANEL.close[PANEL.dates.get_loc(str(day)), PANEL.assets.index(slug)]
    paid = PANEL.close[PANEL.dates.get_loc(str(bought)), PANEL.assets.index(slug)]
    weight = float(selectors.target_weights(decision)[slug])
    by_hand = before[day] + before[bought] * weight * (was * 1.1 - was) / paid
    assert after[day] == pytest.approx(by_hand, rel=1e-12)
    assert history_of_decisions(stored) == decisions
    revision = LevelRevision.objects.get()
    assert (revision.date, revision.level, revision.restatement_id) == (day, before[day], pk)
    assert levels_known(stored, known_at=moment) == list(before.items())
    assert levels_known(stored, known_at=timezone.now()) == list(after.items())
    assert levels_known(stored, known_at=moment, start=day, end=day) == [(day, before[day])]
    (told,) = restated(stored)
    assert (told.restatement_id, told.count, told.first, told.last) == (pk, 1, day, day)
    assert services.index_verify(stored) == []


def test_a_print_at_a_purchase_moves_every_level_from_then_on(stored: Index) -> None:
    day = date(2020, 3, 16)
    before = levels_of(stored)
    applied(stored, day, factor=1.2)
    after = levels_of(stored)
    assert all(after[when] == before[when] for when in before if when < day)
    assert all(after[when] != before[when] for when in before if when >= day)
    assert LevelRevision.objects.count() == sum(when >= day for when in before)
    assert services.index_verify(stored) == []


def test_a_history_goes_on_from_restated_levels_and_verifies(stored: Index) -> None:
    applied(stored, date(2020, 3, 16), factor=1.2)
    middle = levels_of(stored)
    for offset in range(1, 20):
        clock_at(MIDDLE + timedelta(days=offset))
        services.index_advance(stored, through=MIDDLE + timedelta(days=offset))
    applied(stored, date(2020, 4, 8), factor=0.9)
    services.index_backfill(stored, through=MIDDLE + timedelta(days=19))
    assert {day: level for day, level in levels_of(stored).items() if day <= MIDDLE} == middle
    assert services.index_verify(stored) == []


def test_a_level_that_nobody_restated_is_still_found(stored: Index) -> None:
    applied(stored, date(2020, 3, 18), factor=1.1)
    IndexLevel.objects.filter(index=stored, date=date(2020, 3, 18)).update(level=1.0)
    assert any("2020-03-18: level" in line for line in services.index_verify(stored))


def test_a_candle_that_changed_without_a_restatement_is_found(stored: Index) -> None:
    day = date(2020, 3, 16)
    slug = largest_held(stored, day)
    from signals.models import Candle

    candle = Candle.objects.get(asset__slug=slug, opened_at=str(day) + "T00:00Z")
    Candle.objects.filter(pk=candle.pk).update(close=candle.close * 1.3)
    found = services.index_verify(stored)
    assert found
    assert all("level" in line for line in found)


def test_the_preview_writes_nothing_and_tells_the_levels_that_come(stored: Index) -> None:
    day = date(2020, 3, 16)
    pk = proposed(stored, day, factor=1.2)
    before, decisions = levels_of(stored), history_of_decisions(stored)
    effects = restatement_preview(pk, policy=EVERYTHING)
    assert levels_of(stored) == before
    assert history_of_decisions(stored) == decisions
    assert not LevelRevision.objects.exists()
    assert not signal_selectors.notices()
    (entry,) = effects["indices"]
    assert entry["slug"] == "small-5"
    assert entry["levels"]["first"] == "2020-03-16"
    assert entry["levels"]["last"] == MIDDLE.isoformat()
    assert entry["decisions"]["of"] == 2
    # The second one stands on the purchase of the 23rd, which has forgotten the price of the 16th.
    assert entry["decisions"]["read_otherwise"] == 1
    restatement_decide(pk, by="bob@example.org")
    done = restatement_apply(pk, by="ann@example.org")
    assert done["indices"][0]["levels"] == pytest.approx(entry["levels"])
    assert done["indices"][0]["decisions"] == entry["decisions"]
    after = levels_of(stored)
    largest = max(abs(after[when] / before[when] - 1) for when in before)
    assert abs(entry["levels"]["largest"]) == pytest.approx(largest, rel=1e-12)
    assert entry["levels"]["at_the_end"] == pytest.approx(after[MIDDLE] / before[MIDDLE] - 1, rel=1e-9)


def test_decisions_told_by_the_preview_are_those_of_a_history_made_anew(stored: Index) -> None:
    day = date(2020, 3, 1)
    slug = largest_held(stored, day)
    radius = blast_radius(proposed(stored, day, factor=0.01, slug=slug))
    made = {row.as_of: selectors.target_weights(row) for row in Decision.objects.filter(index=stored)}
    TargetWeight.objects.all().delete()
    from signals.models import Candle, Restatement

    new = Restatement.objects.get().new
    Candle.objects.filter(asset__slug=slug, opened_at=f"{day}T00:00Z").update(**new)
    Decision.objects.filter(index=stored, receipts__isnull=True).count()
    again = index_of({**BODY, "slug": "small-5-again"})
    services.index_backfill(again, through=MIDDLE)
    anew = {row.as_of: selectors.target_weights(row) for row in Decision.objects.filter(index=again)}
    otherwise = {as_of for as_of in made if made[as_of] != anew[as_of]}
    assert otherwise
    (told,) = radius
    assert {change.as_of for change in told.decisions if change.shifts} == otherwise


def test_a_print_of_something_that_no_index_reads_touches_none(stored: Index) -> None:
    pk = proposed(stored, MIDDLE, factor=1.000001)
    assert [touched.index.slug for touched in blast_radius(pk)] == ["small-5"]
    effects = restatement_preview(pk)
    assert effects["policy"]["treatment"] == NOTICE


def test_a_notice_changes_nothing_and_is_published(stored: Index) -> None:
    pk = proposed(stored, date(2020, 3, 18), factor=1.0001)
    before = levels_of(stored)
    restatement_preview(pk)
    restatement_decide(pk, by="bob@example.org")
    restatement_apply(pk, by="ann@example.org")
    assert levels_of(stored) == before
    (notice,) = signal_selectors.notices()
    assert not notice.is_restated
    assert notice.effects["treatment"] == NOTICE
    assert signal_selectors.revision_stamp() == 0
    assert restated(stored) == []
    assert services.index_verify(stored) == []


def test_departing_from_the_policy_takes_a_reason_that_is_published(stored: Index) -> None:
    pk = proposed(stored, date(2020, 2, 1), factor=1.5)
    assert restatement_preview(pk)["policy"]["treatment"] == NOTICE
    with pytest.raises(CorrectionError, match="why:"):
        restatement_decide(pk, by="bob@example.org", treatment=RESTATE)
    restatement_decide(pk, by="bob@example.org", treatment=RESTATE, why="It is the base of a product.")
    restatement_apply(pk, by="cid@example.org")
    (notice,) = signal_selectors.notices()
    assert notice.is_restated
    assert notice.treatment_reason == "It is the base of a product."
    assert services.index_verify(stored) == []


def test_nothing_is_applied_by_halves(stored: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    pk = proposed(stored, date(2020, 3, 16), factor=1.2)
    restatement_preview(pk, policy=EVERYTHING)
    restatement_decide(pk, by="bob@example.org")
    before = levels_of(stored)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(signal_services, "restatement_applied", broken)
    with pytest.raises(RuntimeError):
        restatement_apply(pk, by="ann@example.org")
    assert levels_of(stored) == before
    assert not LevelRevision.objects.exists()
    assert signal_selectors.revision_stamp() == 0


def test_level_revisions_are_written_once(stored: Index) -> None:
    applied(stored, date(2020, 3, 18), factor=1.1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LevelRevision.objects.update(level=1.0)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LevelRevision.objects.all().delete()


def test_the_policy_at_its_bounds() -> None:
    policy = Policy(min_effect=0.005, max_age_days=30)
    assert policy.treatment(0.005, age_days=30)[0] == RESTATE
    assert policy.treatment(0.00499, age_days=0)[0] == NOTICE
    assert policy.treatment(0.5, age_days=31) == (NOTICE, "the day lies 31 days back, more than 30")


def test_changes_of_levels_and_decisions_are_counted_exactly() -> None:
    one, two, three = date(2021, 1, 1), date(2021, 1, 2), date(2021, 1, 3)
    published = {one: 100.0, two: 200.0, three: 400.0}
    assert level_change(published, dict(published)) is None
    change = level_change(published, {two: 190.0, three: 408.0})
    assert change is not None
    assert (change.count, change.first, change.last, change.largest_on) == (2, two, three, two)
    assert change.largest == pytest.approx(-0.05)
    assert change.at_the_end == pytest.approx(0.02)

    def made(weights: dict[str, float], hashed: str = "a", held: str = "") -> Decided:
        return Decided(one, two, "2021-W01", weights, {}, 0.0, {}, held=held, input_hash=hashed)

    assert decision_changes([made({"x": 1.0})], [made({"x": 1.0})]) == []
    (read,) = decision_changes([made({"x": 1.0})], [made({"x": 1.0}, "b")])
    assert read.shifts == ()
    (weighed,) = decision_changes([made({"x": 0.6, "y": 0.4})], [made({"x": 0.5, "z": 0.5}, "b")])
    assert [(shift.asset, shift.decided, shift.corrected) for shift in weighed.shifts] == [
        ("z", 0.0, 0.5),
        ("y", 0.4, 0.0),
        ("x", 0.6, 0.5),
    ]
    assert (weighed.entered, weighed.left) == (("z",), ("y",))
    (held,) = decision_changes([made({"x": 1.0})], [made({"x": 1.0}, "b", held="why")])
    assert held.held_changed


def history_of_decisions(index: Index) -> list[tuple[object, ...]]:
    rows = TargetWeight.objects.filter(decision__index=index).order_by("decision__as_of", "asset__slug")
    return list(rows.values_list("decision__as_of", "decision__input_hash", "asset__slug", "weight"))


def test_a_panel_that_was_read_before_a_correction_is_not_used(stored: Index) -> None:
    later = MIDDLE + timedelta(days=7)
    clock_at(later)
    stamp, stale = signal_selectors.revision_stamp(), signal_selectors.panel(as_of=later)
    applied(stored, date(2020, 3, 30), factor=1.3)
    services.index_advance(stored, through=later, panel=stale, stamp=stamp)
    assert services.index_verify(stored) == []
