from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core import clock

DAYS = st.dates(date(2009, 1, 3), date(2100, 1, 1))


def test_a_day_closes_with_its_last_second():
    assert clock.end_of_day(date(2022, 6, 1)) == datetime(2022, 6, 2, tzinfo=UTC)
    assert clock.last_closed_day(datetime(2022, 6, 2, tzinfo=UTC)) == date(2022, 6, 1)
    assert clock.last_closed_day(datetime(2022, 6, 1, 23, 59, 59, 999999, tzinfo=UTC)) == date(2022, 5, 31)


def test_the_moment_is_read_in_utc():
    tokyo = timezone(timedelta(hours=9))
    assert clock.last_closed_day(datetime(2022, 6, 2, 8, 59, tzinfo=tokyo)) == date(2022, 5, 31)
    assert clock.last_closed_day(datetime(2022, 6, 2, 9, 0, tzinfo=tokyo)) == date(2022, 6, 1)


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        clock.last_closed_day(datetime(2022, 6, 2))  # noqa: DTZ001 - the point of the test


@given(DAYS)
def test_the_last_closed_day_at_the_end_of_a_day_is_that_day(day):
    assert clock.last_closed_day(clock.end_of_day(day)) == day
    assert clock.last_closed_day(clock.end_of_day(day) - timedelta(microseconds=1)) == day - timedelta(days=1)
    assert clock.is_closed(day, at=clock.end_of_day(day))
    assert not clock.is_closed(day, at=clock.start_of_day(day))


def test_days_before_end_with_the_first_day_there_is():
    assert clock.days_before(date(2022, 3, 1), 2) == date(2022, 2, 27)
    assert clock.days_before(date(1, 1, 5), 10_000) == date.min
    assert clock.days_before(date.min, 7) == date.min


def test_days_after_are_in_order_and_end_with_the_last():
    assert list(clock.days_after(date(2022, 2, 27), through=date(2022, 3, 1))) == [
        date(2022, 2, 28),
        date(2022, 3, 1),
    ]
    assert list(clock.days_after(date(2022, 3, 1), through=date(2022, 3, 1))) == []
    assert list(clock.days_after(date(2022, 3, 1), through=date(2022, 2, 1))) == []


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2022, 1, 1), "2021-W52"),
        (date(2022, 1, 3), "2022-W01"),
        (date(2021, 1, 3), "2020-W53"),
        (date(2024, 12, 30), "2025-W01"),
        (date(2022, 6, 5), "2022-W22"),
    ],
)
def test_iso_week(day, week):
    assert clock.iso_week(day) == week
