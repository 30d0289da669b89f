"""The sheet of an index at a day: sections of rows of cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from indices.core.formulas import FORMULAS, SECTIONS, of_section
from indices.core.metrics import Period
from indices.models import Index
from indices.selectors.attribution import (
    Attributed,
    Capacity,
    Contribution,
    Contributions,
    attribution,
    capacity,
    contributions_of,
)
from indices.selectors.factsheet.cells import (
    EMPTY,
    Cell,
    date_cell,
    day_text,
    figure_cell,
    percent_cell,
    signed_cell,
    usd_cell,
    value_cell,
)
from indices.selectors.factsheet.kept import kept
from indices.selectors.holdings import holdings
from indices.selectors.indices import resolved
from indices.selectors.references import reference
from indices.selectors.statistics import Statistics, statistics
from signals.core import figures

FALLS_SHOWN = 5
BEST_SHOWN, WORST_SHOWN = 10, 5
NOT_WHOLE = "*"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Row:
    """One line; `key` names the formula of its figures, empty where there is none."""

    key: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Section:
    """A table: `headings` stand over the cells, `note` below the title."""

    key: str
    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Factsheet:
    """From the close of `first` to that of `as_of`; a section without rows is not there."""

    slug: str
    name: str
    summary: str
    first: date
    as_of: date
    days: int
    sections: tuple[Section, ...]

    @property
    def span(self) -> str:
        """The span in words."""
        return f"{day_text(self.first)} to {day_text(self.as_of)}, {self.days:,} days"

    def section(self, key: str) -> Section | None:
        """The section `key`, None where the sheet has none."""
        return next((section for section in self.sections if section.key == key), None)


def factsheet(index: Index | str, *, as_of: date, start: date | None = None) -> Factsheet | None:
    """Everything that is told of an index over [start, as_of], default its whole history; None without two levels.

    Raises signals.selectors.NotYetKnown and IndexNotFound.
    """
    found = resolved(index)
    return kept(found, (as_of, start), lambda: _made(found, as_of, start))


def _made(found: Index, as_of: date, start: date | None) -> Factsheet | None:
    told = statistics(found, as_of=as_of, start=start)
    if told is None:
        return None
    parts = attribution(found, as_of=told.as_of, start=told.first)
    brought = contributions_of(found, as_of=told.as_of, start=told.first)
    sections = (
        _levels(told, "performance"),
        _levels(told, "risk"),
        _relative(told),
        _composition(told, reference(found).name),
        *(_attribution(parts) if parts is not None else ()),
        *([_contributions(brought)] if brought is not None else []),
        _capacity(capacity(found, as_of=told.as_of)),
        _falls(told),
        _months(told),
        _holdings(found, told.as_of),
    )
    return Factsheet(
        slug=found.slug,
        name=found.name,
        summary=found.summary,
        first=told.first,
        as_of=told.as_of,
        days=told.days,
        sections=tuple(section for section in sections if section.rows),
    )


def _levels(told: Statistics, section: str) -> Section:
    rows = tuple(
        Row(
            formula.key,
            formula.name,
            tuple(figure_cell(column.figures[formula.key]) for column in told.columns),
        )
        for formula in of_section(section)
    )
    return Section(section, SECTIONS[section], "", tuple(column.name for column in told.columns), rows)


def _relative(told: Statistics) -> Section:
    others = told.columns[1:]
    rows = tuple(
        Row(formula.key, formula.name, tuple(figure_cell(column.against[formula.key]) for column in others))
        for formula in of_section("relative")
    )
    headings = tuple(f"to {column.name}" for column in others)
    return Section("relative", SECTIONS["relative"], "", headings, rows if others else ())


def _composition(told: Statistics, against: str) -> Section:
    rows = tuple(
        Row(formula.key, formula.name, (figure_cell(told.composition[formula.key]),))
        for formula in of_section("composition")
        if formula.key in told.composition
    )
    note = f"Target weights in force; active share against {against}."
    return Section("composition", SECTIONS["composition"], note, (told.name,), rows)


def _attribution(parts: Attributed) -> tuple[Section, Section]:
    whole = parts.whole
    rows = [
        Row(
            "attribution",
            FORMULAS["attribution"].name,
            (signed_cell(whole.active), _share(whole.shares, 1.0)),
        ),
        *(
            Row(key, FORMULAS[key].name, (signed_cell(part), _share(whole.shares, whole.shares.get(key))))
            for key, part in whole.parts.items()
        ),
        Row("cost_share", FORMULAS["cost_share"].name, (value_cell("cost_share", parts.cost), EMPTY)),
        Row("cash_share", FORMULAS["cash_share"].name, (value_cell("cash_share", parts.cash), EMPTY)),
    ]
    note = f"Against {parts.against.name}, {day_text(parts.first)} to {day_text(parts.as_of)}."
    title = SECTIONS["attribution"]
    by_year = [
        Row(
            "attribution",
            str(year),
            (signed_cell(made.active), *(signed_cell(part) for part in made.parts.values())),
        )
        for year, made in parts.years
    ]
    headings = ("Difference", *(FORMULAS[key].name for key in whole.parts))
    return (
        Section("attribution", title, note, ("Return", "Share of the difference"), tuple(rows)),
        Section("attribution_years", f"{title}, by year", "", headings, tuple(by_year)),
    )


def _share(shares: dict[str, float], share: float | None) -> Cell:
    return percent_cell(share if shares else None, 1, "there is no difference to share")


def _contributions(brought: Contributions) -> Section:
    best = brought.rows[:BEST_SHOWN]
    worst = brought.rows[BEST_SHOWN:][-WORST_SHOWN:]
    others = brought.rows[BEST_SHOWN : len(brought.rows) - len(worst)]
    rows = [_contribution(row, f"{row.name} ({row.symbol})") for row in (*best, *worst)]
    if others:
        points, share = sum(row.points for row in others), sum(row.share for row in others)
        rows.append(_contribution(Contribution("", "", "", points, share), f"{len(others)} others"))
    rows += [_contribution(row, row.name) for row in (brought.cost, brought.total)]
    note = f"{day_text(brought.first)} to {day_text(brought.as_of)}. What tokens and costs brought sums to the change."
    headings = ("Points of the level", "Of the level at the start")
    return Section("contributions", SECTIONS["contributions"], note, headings, tuple(rows))


def _contribution(row: Contribution, label: str) -> Row:
    return Row("contribution", label, (value_cell("contribution", row.points), signed_cell(row.share, 2)))


def _capacity(found: tuple[Capacity, ...]) -> Section:
    rows = tuple(
        Row(
            "capacity",
            f"A rebalance costs {row.limit_bps} basis points",
            (usd_cell(row.typical), usd_cell(row.tightest)),
        )
        for row in found
    )
    note = "In US dollars, from the last twelve rebalances."
    return Section("capacity", SECTIONS["capacity"], note, ("Median", "Tightest"), rows)


def _falls(told: Statistics) -> Section:
    rows = tuple(
        Row(
            "fall",
            str(place),
            (
                signed_cell(fall.depth),
                date_cell(fall.peak),
                date_cell(fall.trough),
                date_cell(fall.recovery),
                value_cell("longest_under_water", fall.days),
            ),
        )
        for place, fall in enumerate(told.falls[:FALLS_SHOWN], start=1)
    )
    headings = ("Depth", "Peak", "Lowest", "Made good", "Lasted")
    return Section("falls", "The deepest falls", "", headings, rows)


def _months(told: Statistics) -> Section:
    by_month = {(period.year, period.month): period for period in told.months}
    rows = tuple(Row("month", str(year.year), tuple(_year(by_month, year))) for year in reversed(told.years))
    note = f"{NOT_WHOLE} not a whole month or year."
    return Section("months", SECTIONS["months"], note, (*MONTHS, "Year"), rows)


def _year(by_month: dict[tuple[int, int], Period], year: Period) -> Iterator[Cell]:
    for month in range(1, 13):
        yield _period(by_month.get((year.year, month)))
    yield _period(year)


def _period(period: Period | None) -> Cell:
    return EMPTY if period is None else signed_cell(period.value, 1, "" if period.is_whole else NOT_WHOLE)


def _holdings(index: Index, as_of: date) -> Section:
    rows = tuple(
        Row(
            "",
            f"{row.name} ({row.symbol})",
            (
                percent_cell(row.drifted_weight),
                percent_cell(float(row.weight)),
                Cell(
                    row.price, figures.price(row.price), "" if row.price is not None else "no close that day"
                ),
                Cell(row.rank, figures.DASH if row.rank is None else str(row.rank)),
            ),
        )
        for row in holdings(index, as_of=as_of)
    )
    note = f"At the close of {day_text(as_of)}."
    return Section("holdings", "What it holds", note, ("Weight now", "Target", "Price", "Rank"), rows)
