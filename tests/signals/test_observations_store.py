"""Observations in the store: written once, revised by a further version, read as they were known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from django.db import DatabaseError, transaction

from signals import selectors, services
from signals.core.observations import DERIVATIVES, GRACE, ONCHAIN, SENTIMENT, ObservationError, Readings
from signals.models import Market, Observation
from tests.markets import market_store, panel_make

pytestmark = pytest.mark.django_db

START = date(2022, 1, 1)
LATER = datetime(2022, 2, 1, tzinfo=UTC)


def day(number: int) -> date:
    return START + timedelta(days=number)


def readings(family: str, *rows: tuple[str | None, int, dict[str, float]], lag: int = 0) -> Readings:
    table = pd.DataFrame([values for _, _, values in rows], dtype=np.float64)
    days = np.array([np.datetime64(day(number)) for _, number, _ in rows])
    table["asset"] = pd.Series([asset for asset, _, _ in rows], dtype=object)
    table["day"] = days.astype("datetime64[s]")
    table["known_at"] = (days + 1 + lag).astype("datetime64[s]")
    return Readings(family, "archive", table)


@pytest.fixture
def stored() -> Market:
    close = {"alpha": [float(n) for n in range(1, 11)], "beta": [float(n) for n in range(11, 21)]}
    market_store(panel_make(close, first_day=START), source=Market.Source.ARCHIVE)
    return selectors.market_active()


FIRST = (("alpha", 2, {"AdrActCnt": 100.0, "TxCnt": 7.0}), ("beta", 3, {"AdrActCnt": 50.0}))


def test_a_second_load_writes_nothing_and_a_changed_value_adds_a_version(stored: Market) -> None:
    first = services.observations_ingest([readings(ONCHAIN, *FIRST, lag=1)], at=LATER)
    assert (first.read, first.written) == (2, 2)
    again = services.observations_ingest([readings(ONCHAIN, *FIRST, lag=1)], at=LATER + timedelta(days=1))
    assert (again.read, again.written) == (2, 0)
    changed = readings(ONCHAIN, ("alpha", 2, {"AdrActCnt": 101.0}), FIRST[1], lag=1)
    assert services.observations_ingest([changed], at=LATER).written == 1
    versions = Observation.objects.filter(asset__slug="alpha").order_by("known_at")
    assert [(row.known_at, row.values) for row in versions] == [
        (datetime(2022, 1, 5, tzinfo=UTC), {"AdrActCnt": 100.0, "TxCnt": 7.0}),
        # What the source did not say again stands as it was said.
        (LATER, {"AdrActCnt": 101.0, "TxCnt": 7.0}),
    ]


def test_two_revisions_at_one_moment_stay_apart(stored: Market) -> None:
    for value in (1.0, 2.0, 3.0):
        services.observations_ingest([readings(SENTIMENT, (None, 2, {"fear_greed": value}))], at=LATER)
    versions = list(Observation.objects.order_by("known_at").values_list("known_at", "values"))
    assert [values["fear_greed"] for _, values in versions] == [1.0, 2.0, 3.0]
    assert versions[1][0] == LATER
    assert versions[2][0] > LATER


def test_after_a_revision_the_past_still_shows_what_was_known(stored: Market) -> None:
    services.observations_ingest([readings(ONCHAIN, *FIRST, lag=1)], at=LATER)
    revised_at = datetime(2022, 1, 8, 12, tzinfo=UTC)
    services.observations_ingest(
        [readings(ONCHAIN, ("alpha", 2, {"AdrActCnt": 400.0}), lag=1)], at=revised_at
    )

    def known(known_at: datetime | None = None) -> float:
        found = selectors.observations(as_of=day(5), assets=["alpha"], known_at=known_at)
        return found[0].values["AdrActCnt"]

    assert known() == 100.0
    assert known(known_at=revised_at - timedelta(microseconds=1)) == 100.0
    assert known(known_at=revised_at) == 400.0
    # A panel keeps what its row knew, however late it is asked.
    panel = selectors.panel(as_of=day(9), observed=True)
    assert panel.observed["AdrActCnt"].columns == ("alpha", "beta")
    expected = np.full((10, 2), np.nan)
    expected[3, 0], expected[4, 1] = 100.0, 50.0
    np.testing.assert_array_equal(panel.observed["AdrActCnt"].values, expected)


def test_nothing_is_known_before_its_moment_or_ahead_of_the_clock(stored: Market) -> None:
    services.observations_ingest([readings(ONCHAIN, *FIRST, lag=1)], at=LATER)
    assert selectors.observations(as_of=day(2)) == []
    assert [row.asset for row in selectors.observations(as_of=day(3))] == ["alpha"]
    assert [row.asset for row in selectors.observations(as_of=day(4), days=2)] == ["beta"]
    with pytest.raises(selectors.NotYetKnown, match="known_at"):
        selectors.observations(as_of=day(3), known_at=datetime(2022, 1, 12, tzinfo=UTC))
    with pytest.raises(selectors.NotYetKnown, match="as_of"):
        selectors.observations(as_of=day(10))
    with pytest.raises(ValueError, match="days: must be at least 1"):
        selectors.observations(as_of=day(3), days=0)


def test_of_two_versions_known_in_time_the_row_has_the_later(stored: Market) -> None:
    for hour, count in ((3, 100.0), (9, 120.0), (15, 110.0)):
        made = readings(ONCHAIN, ("alpha", 2, {"AdrActCnt": count}), lag=1)
        services.observations_ingest([made], at=datetime(2022, 1, 4, hour, tzinfo=UTC), as_fetched=True)
    panel = selectors.panel(as_of=day(9), observed=True)
    assert panel.observed["AdrActCnt"].values[3, 0] == 110.0
    found = selectors.observations(as_of=day(3), known_at=datetime(2022, 1, 4, 10, tzinfo=UTC))
    assert [row.values["AdrActCnt"] for row in found] == [120.0]


def test_what_is_fetched_late_is_missing_in_its_row_for_good(stored: Market) -> None:
    close = datetime(2022, 1, 4, tzinfo=UTC)
    on_time = readings(DERIVATIVES, ("alpha", 2, {"funding_rate": 0.1}))
    services.observations_ingest([on_time], at=close + GRACE, as_fetched=True)
    late = readings(DERIVATIVES, ("beta", 2, {"funding_rate": 0.2}))
    services.observations_ingest([late], at=close + GRACE + timedelta(seconds=1), as_fetched=True)
    panel = selectors.panel(as_of=day(9), observed=True)
    assert panel.observed["funding_rate"].columns == ("alpha",)
    assert panel.observed["funding_rate"].values[2, 0] == 0.1


def test_a_panel_cut_at_a_day_and_a_longer_one_agree(stored: Market) -> None:
    rows = [("alpha", number, {"AdrActCnt": float(number)}) for number in range(9)]
    mood = [(None, number, {"fear_greed": 10.0 * number}) for number in range(10)]
    both = [readings(ONCHAIN, *rows, lag=1), readings(SENTIMENT, *mood)]
    services.observations_ingest(both, at=LATER)
    whole = selectors.panel(as_of=day(9), observed=True)
    np.testing.assert_array_equal(whole.observed["fear_greed"].values[:, 0], 10.0 * np.arange(10))
    for number in (1, 4, 8):
        short = selectors.panel(as_of=day(number), observed=True)
        for name, each in short.observed.items():
            np.testing.assert_array_equal(each.values, whole.observed[name].values[: number + 1])
    window = selectors.panel(as_of=day(9), days=3, observed=True)
    np.testing.assert_array_equal(window.observed["AdrActCnt"].values[:, 0], [6.0, 7.0, 8.0])
    assert not selectors.panel(as_of=day(9)).observed


def test_what_cannot_be_is_blanked_and_who_is_not_known_is_refused(stored: Market) -> None:
    outcome = services.observations_ingest(
        [
            readings(
                ONCHAIN,
                ("alpha", 2, {"FeeTotUSD": -1.0, "TxCnt": 3.0}),
                ("beta", 2, {"FeeTotUSD": np.inf, "TxCnt": np.nan}),
                ("nobody", 2, {"FeeTotUSD": 1.0, "TxCnt": 3.0}),
                lag=1,
            )
        ],
        at=datetime(2022, 1, 5, tzinfo=UTC),
    )
    assert (outcome.written, outcome.refused, outcome.cleared) == (
        1, {"asset_unknown": 1}, {"onchain_impossible": 2},
    )  # fmt: skip
    assert Observation.objects.get().values == {"TxCnt": 3.0}
    early = services.observations_ingest(
        [readings(ONCHAIN, ("alpha", 4, {"TxCnt": 3.0}), lag=1)], at=datetime(2022, 1, 6, tzinfo=UTC)
    )
    assert (early.written, early.refused) == (0, {"in_future": 1})
    with pytest.raises(ObservationError, match="funding_rate: is no metric of the family onchain"):
        services.observations_ingest([readings(ONCHAIN, ("alpha", 2, {"funding_rate": 1.0}))], at=LATER)
    with pytest.raises(ValueError, match="at: has no time zone"):
        services.observations_ingest([], at=datetime(2022, 1, 1))  # noqa: DTZ001


def test_another_market_does_not_see_them(stored: Market) -> None:
    services.observations_ingest([readings(ONCHAIN, *FIRST, lag=1)], at=LATER)
    live = Market(source=Market.Source.LIVE)
    assert selectors.observations(as_of=day(9), market=live) == []
    assert len(selectors.observations(as_of=day(9))) == 2


def test_the_database_refuses_to_change_or_delete_one(stored: Market) -> None:
    services.observations_ingest([readings(ONCHAIN, *FIRST, lag=1)], at=LATER)
    for change in (lambda rows: rows.update(values={}), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change(Observation.objects.all())
    assert Observation.objects.count() == 2
