"""Corrected prints: old values stay answerable, two persons are needed, nothing is rewritten."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from signals import selectors, services
from signals.core.clock import start_of_day
from signals.core.restating import MOVES, CorrectionError, corrected, moved, sound
from signals.models import Candle, CandleRevision, Market, Restatement
from signals.services.ingest import candles_ingest
from signals.services.markets import ticked_through_set
from signals.services.windows import window_drop, window_panel
from tests.markets import market_store, panel_make

DAY = date(2022, 1, 2)
LAST = date(2022, 1, 4)
CLOSES = {"alpha": [10.0, 11.0, 12.0, 13.0], "beta": [1.0, 2.0, 3.0, 4.0]}
PROOF = "https://example.org/prices"
REASON = "Two exchanges closed at 10.5 that day."


@pytest.fixture
def stored(db):
    return market_store(panel_make(CLOSES))


def proposed(**changes):
    told = {
        "day": DAY,
        "new": {"close": 10.5},
        "reason": REASON,
        "evidence_url": PROOF,
        "by": "ann@example.org",
    }
    return services.restatement_propose("alpha", **{**told, **changes})


def approved(treatment="restate"):
    row = proposed()
    services.restatement_previewed(row.pk, {"indices": []})
    return services.restatement_approve(row.pk, by="bob@example.org", treatment=treatment)


def applied():
    row = approved()
    with transaction.atomic():
        moment = services.candle_restate(row.pk)
        services.restatement_applied(row.pk, by="cid@example.org", at=moment, effects={"indices": []})
    return Restatement.objects.get(pk=row.pk)


def rows(day, close, *, asset="alpha"):
    return pd.DataFrame(
        {
            "asset": [asset],
            "opened_at": [pd.Timestamp(day)],
            "open": [np.nan],
            "high": [np.nan],
            "low": [np.nan],
            "close": [close],
            "volume": [5.0],
            "market_cap": [7.0],
        }
    )


def test_old_values_stay_answerable_by_the_moment(stored):
    before = timezone.now()
    row = applied()
    after = timezone.now()
    assert before < row.applied_at < after
    now, then = selectors.panel(as_of=LAST), selectors.panel(as_of=LAST, known_at=before)
    assert now.close[:, 0].tolist() == [10.0, 10.5, 12.0, 13.0]
    assert then.close[:, 0].tolist() == CLOSES["alpha"]
    assert selectors.panel(as_of=LAST, known_at=after).close.tolist() == now.close.tolist()
    # At the very moment it is the new value, a microsecond before it the old one.
    for moment, close in ((row.applied_at, 10.5), (row.applied_at - timedelta(microseconds=1), 11.0)):
        assert selectors.panel(as_of=LAST, known_at=moment).close[1, 0] == close
        bar = selectors.candle_known("alpha", day=DAY, known_at=moment)
        assert bar is not None
        assert bar.close == close
    assert then.close[:, 1].tolist() == now.close[:, 1].tolist() == CLOSES["beta"]
    assert then.market_cap.tolist() == now.market_cap.tolist()
    assert selectors.price_history("alpha", as_of=LAST, days=3) == [
        (DAY, 10.5),
        (date(2022, 1, 3), 12.0),
        (LAST, 13.0),
    ]
    assert selectors.price_history("alpha", as_of=DAY, days=1, known_at=before) == [(DAY, 11.0)]


def test_a_value_corrected_twice_has_three_answers(stored):
    moments = [timezone.now()]
    for close in (20.0, 30.0):
        Candle.objects.filter(asset__slug="alpha", opened_at=start_of_day(DAY)).update(close=close)
        moments.append(timezone.now())
    answers = [selectors.panel(as_of=LAST, known_at=moment).close[1, 0] for moment in moments]
    assert answers == [11.0, 20.0, 30.0]
    spans = CandleRevision.objects.order_by("known_until").values_list("close", "known_from", "known_until")
    assert [row[0] for row in spans] == [11.0, 20.0]
    assert spans[0][1] is None
    assert spans[1][1] == spans[0][2]
    assert Candle.objects.get(asset__slug="alpha", opened_at=start_of_day(DAY)).known_from == spans[1][2]
    assert selectors.revision_moments(after=moments[0], first=date(2022, 1, 1), last=LAST) == [
        spans[0][2],
        spans[1][2],
    ]


def test_every_way_of_changing_a_daily_candle_leaves_what_it_said(stored):
    before, stamp = timezone.now(), selectors.revision_stamp()
    again = rows(DAY, 99.0)
    candles_ingest(again, source="archive", interval="1d", known_at=datetime(2023, 1, 1, tzinfo=UTC))
    assert selectors.panel(as_of=LAST).close[1, 0] == 99.0
    assert selectors.revision_stamp() > stamp
    assert selectors.panel(as_of=LAST, known_at=before).close[1, 0] == 11.0
    Candle.objects.filter(asset__slug="beta", opened_at=start_of_day(LAST)).delete()
    assert np.isnan(selectors.panel(as_of=LAST).close[3, 1])
    assert selectors.panel(as_of=LAST, known_at=before).close.tolist() == [
        list(pair) for pair in zip(*CLOSES.values(), strict=True)
    ]
    count = CandleRevision.objects.count()
    candles_ingest(again, source="archive", interval="1d", known_at=datetime(2023, 1, 1, tzinfo=UTC))
    assert CandleRevision.objects.count() == count == 2


def test_a_candle_that_comes_after_the_ticks_of_its_day_was_not_known_then(stored):
    ticked_through_set(LAST)
    before = timezone.now()
    late = rows(date(2022, 1, 1), 5.0, asset="beta")
    Candle.objects.filter(asset__slug="beta", opened_at=start_of_day(date(2022, 1, 1))).delete()
    gone = timezone.now()
    candles_ingest(late, source="archive", interval="1d", known_at=datetime(2023, 1, 1, tzinfo=UTC))
    closes = [
        selectors.panel(as_of=LAST, known_at=moment).close[0, 1] for moment in (before, gone, timezone.now())
    ]
    assert closes[0] == 1.0
    assert np.isnan(closes[1])
    assert closes[2] == 5.0
    on_time = rows(date(2022, 1, 5), 6.0, asset="beta")
    candles_ingest(on_time, source="archive", interval="1d", known_at=datetime(2023, 1, 1, tzinfo=UTC))
    assert (
        Candle.objects.get(asset__slug="beta", opened_at=datetime(2022, 1, 5, tzinfo=UTC)).known_from is None
    )


def test_revisions_are_written_once(stored):
    applied()
    for change in (
        lambda: CandleRevision.objects.update(close=1.0),
        lambda: CandleRevision.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_minute_quotes_leave_no_trace(stored):
    opened = datetime(2022, 1, 4, 12, tzinfo=UTC)
    quote = Candle.objects.create(
        asset=Candle.objects.all()[0].asset, interval="1m", opened_at=opened, source="archive", close=1.0
    )
    Candle.objects.filter(pk=quote.pk).update(close=2.0)
    quote.delete()
    assert not CandleRevision.objects.exists()


def test_the_one_who_proposed_cannot_approve(stored):
    row = proposed()
    services.restatement_previewed(row.pk, {})
    with pytest.raises(services.SamePerson, match="ask somebody else"):
        services.restatement_approve(row.pk, by="ann@example.org", treatment="restate")
    row.refresh_from_db()
    assert (row.status, row.approved_by) == ("draft", "")
    with pytest.raises(IntegrityError, match="restatement_two_persons"), transaction.atomic():
        Restatement.objects.filter(pk=row.pk).update(approved_by="ann@example.org")


def test_nothing_is_approved_unseen_or_applied_unapproved(stored):
    row = proposed()
    with pytest.raises(CorrectionError, match="preview"):
        services.restatement_approve(row.pk, by="bob@example.org", treatment="restate")
    with pytest.raises(CorrectionError, match="draft cannot become applied"), transaction.atomic():
        services.candle_restate(row.pk)
    assert not CandleRevision.objects.exists()


def test_a_candle_that_changed_meanwhile_is_not_overwritten(stored):
    row = approved()
    Candle.objects.filter(asset__slug="alpha", opened_at=start_of_day(DAY)).update(close=10.9)
    with pytest.raises(CorrectionError, match="propose it anew"), transaction.atomic():
        services.candle_restate(row.pk)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"new": {"close": 11.0}}, "nothing to correct"),
        ({"new": {"close": -1.0}}, "close: must be a positive"),
        ({"new": {"close": float("nan")}}, "close: must be a positive"),
        ({"new": {"price": 1.0}}, "price: is no field"),
        ({"day": date(2021, 12, 1)}, "no candle of 2021-12-01"),
        ({"reason": "wrong"}, "reason:"),
        ({"evidence_url": "ftp://x"}, "evidence_url:"),
        ({"source": "kraken"}, "no candle of 2022-01-02 from kraken"),
    ],
)
def test_a_proposal_names_what_is_wrong_with_it(stored, changes, named):
    with pytest.raises(CorrectionError, match=named):
        proposed(**changes)
    assert not Restatement.objects.exists()


def test_a_day_that_has_not_closed_and_a_second_open_proposal_are_refused(stored):
    with pytest.raises(selectors.NotYetKnown):
        proposed(day=date(2022, 1, 5))
    proposed()
    with pytest.raises(CorrectionError, match="is open"):
        proposed(new={"close": 10.6})


def test_the_state_machine_is_one_table_in_python_and_in_the_database(stored):
    states = list(MOVES)
    facts = {
        "approved_by": "bob@example.org",
        "approved_at": timezone.now(),
        "treatment": "restate",
    }
    for start in states:
        for end in states:
            with transaction.atomic():
                row = proposed()
                path = {"draft": [], "approved": ["approved"], "applied": ["approved", "applied"]}.get(
                    start, [start]
                )
                for step in path:
                    change(row.pk, step, facts)
                allowed = end in MOVES[start]
                if allowed:
                    assert moved(start, end) == end
                    change(row.pk, end, facts)
                elif start != end or start not in ("draft", "approved"):
                    with pytest.raises(DatabaseError, match="cannot become"), transaction.atomic():
                        change(row.pk, end, facts)
                    with pytest.raises(CorrectionError, match=f"{start} cannot become {end}"):
                        moved(start, end)
                transaction.set_rollback(True)


def change(pk, status, facts):
    extra = facts if status == "approved" else {}
    if status == "applied":
        extra = {"applied_at": timezone.now()}
    Restatement.objects.filter(pk=pk).update(status=status, **extra)


def test_what_was_proposed_and_who_approved_cannot_be_rewritten(stored):
    row = approved()
    for values in ({"new": {"close": 1.0}}, {"reason": "another reason"}, {"proposed_by": "eve@example.org"}):
        with pytest.raises(DatabaseError, match="keeps what was proposed"), transaction.atomic():
            Restatement.objects.filter(pk=row.pk).update(**values)
    with pytest.raises(DatabaseError, match="keeps who approved"), transaction.atomic():
        Restatement.objects.filter(pk=row.pk).update(approved_by="eve@example.org")
    with pytest.raises(DatabaseError, match="is kept"), transaction.atomic():
        row.delete()


def test_drafts_are_rejected_by_anybody_and_withdrawn_by_their_own(stored):
    row = proposed()
    with pytest.raises(CorrectionError, match="withdraws it"):
        services.restatement_close(row.pk, to="withdrawn", by="bob@example.org", why="no")
    with pytest.raises(CorrectionError, match="why:"):
        services.restatement_close(row.pk, to="rejected", by="bob@example.org", why=" ")
    services.restatement_close(row.pk, to="rejected", by="bob@example.org", why="the source was right")
    rejected = selectors.restatement(row.pk)
    assert rejected is not None
    assert rejected.closed_why == "the source was right"
    mine = proposed()
    services.restatement_close(mine.pk, to="withdrawn", by="ann@example.org", why="typed wrongly")
    assert selectors.notices() == []


def test_a_notice_tells_what_changed_and_names_nobody(stored):
    row = applied()
    (notice,) = selectors.notices()
    assert (notice.slug, notice.day, notice.old, notice.new) == (
        "alpha",
        DAY,
        {"close": 11.0},
        {"close": 10.5},
    )
    assert notice.is_restated
    assert notice.applied_at == row.applied_at
    assert not hasattr(notice, "proposed_by")
    assert selectors.notices(slug="beta") == selectors.notices(ids=[]) == []
    assert [found.id for found in selectors.notices(slug="alpha", ids=[row.pk])] == [row.pk]


def test_a_panel_is_corrected_in_one_cell_and_shares_the_rest():
    panel = panel_make(CLOSES)
    changed = corrected(panel, "alpha", DAY, {"close": 10.5, "volume": 3.0})
    assert changed.close[:, 0].tolist() == [10.0, 10.5, 12.0, 13.0]
    assert (changed.volume != panel.volume).sum() == 1
    assert changed.market_cap is panel.market_cap
    assert panel.close[1, 0] == 11.0
    assert not changed.close.flags.writeable
    assert corrected(panel, "gamma", DAY, {"close": 1.0}) is panel
    assert corrected(panel, "alpha", date(2023, 1, 1), {"close": 1.0}) is panel


def test_a_corrected_close_must_lie_within_its_bar():
    bar = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 0.0, "market_cap": None}
    assert sound({"close": 11.5, "volume": 0.0}, bar) == {"close": 11.5}
    assert sound({"market_cap": 4.0}, bar) == {"market_cap": 4.0}
    with pytest.raises(CorrectionError, match=r"high: 12.0 is below the corrected close, 13.0"):
        sound({"close": 13.0}, bar)
    with pytest.raises(CorrectionError, match=r"low: 9.0 is above the corrected close, 8.0"):
        sound({"close": 8.0}, bar)
    assert sound({"close": 13.0, "high": 13.5}, bar) == {"close": 13.0, "high": 13.5}


def test_the_source_is_that_of_the_market(stored):
    assert stored.source == Market.Source.ARCHIVE
    row = applied()
    assert row.source == "archive"


def test_what_was_kept_is_read_anew_after_a_correction(stored):
    try:
        assert window_panel(as_of=LAST, days=3).close[0, 0] == 11.0
        returns = selectors.market_year(as_of=LAST).returns
        applied()
        assert window_panel(as_of=LAST, days=3).close[0, 0] == 10.5
        assert selectors.market_year(as_of=LAST).returns[-2] != returns[-2]
    finally:
        window_drop()
