"""Determination days and the names of their periods."""

from datetime import date

import pytest

from indices.core.calendar import determination_days, effective_day, epoch
from indices.core.rulebook.clauses import Calendar


@pytest.mark.parametrize(
    ("calendar", "days", "epochs"),
    [
        (Calendar(), ["2021-12-26", "2022-01-02", "2022-01-09"], ["2021-W51", "2021-W52", "2022-W01"]),
        (Calendar(weekday="wednesday"), ["2021-12-29", "2022-01-05"], ["2021-W52", "2022-W01"]),
        (Calendar(frequency="monthly"), ["2021-12-31"], ["2021-12"]),
        (Calendar(frequency="quarterly"), ["2021-12-31"], ["2021-Q4"]),
    ],
)
def test_the_last_day_of_each_period(calendar: Calendar, days: list[str], epochs: list[str]) -> None:
    found = list(determination_days(calendar, after=date(2021, 12, 25), through=date(2022, 1, 10)))
    assert [day.isoformat() for day in found] == days
    assert [epoch(calendar, day) for day in found] == epochs


def test_after_is_not_included_and_through_is() -> None:
    sunday = date(2022, 6, 5)
    assert list(determination_days(Calendar(), after=sunday, through=date(2022, 6, 12))) == [
        date(2022, 6, 12)
    ]
    assert list(determination_days(Calendar(), after=date(2022, 6, 4), through=sunday)) == [sunday]
    daily = determination_days(Calendar(frequency="daily"), after=sunday, through=date(2022, 6, 8))
    assert [day.day for day in daily] == [6, 7, 8]


def test_months_and_quarters_end_when_they_end() -> None:
    monthly = determination_days(
        Calendar(frequency="monthly"), after=date(2023, 12, 31), through=date(2024, 6, 30)
    )
    assert [day.isoformat() for day in monthly] == [
        "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30",
    ]  # fmt: skip
    quarterly = determination_days(
        Calendar(frequency="quarterly"), after=date(2023, 12, 31), through=date(2024, 12, 31)
    )
    assert [epoch(Calendar(frequency="quarterly"), day) for day in quarterly] == [
        "2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4",
    ]  # fmt: skip


def test_a_first_day_within_a_period_is_the_initial_one() -> None:
    assert epoch(Calendar(), date(2022, 6, 1)) == "initial"
    assert effective_day(Calendar(lag_days=2), date(2022, 6, 30)) == date(2022, 7, 2)
