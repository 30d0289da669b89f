"""A person's activity as rows of a spreadsheet."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from portfolios.selectors.activity.costs import TITLES
from portfolios.selectors.records import ActivityLine
from portfolios.services.spreadsheets import rows_csv
from signals.core import figures

COST_KINDS = tuple(TITLES)
COLUMNS = (
    "market_day",
    "market_time",
    "recorded_at",
    "kind",
    "status",
    "index",
    "title",
    "detail",
    "gross_usd",
    *(f"{kind}_usd" for kind in COST_KINDS),
    "after_costs_usd",
    "free_change_usd",
    "set_aside_change_usd",
    "owed_change_usd",
    "net_change_usd",
    "dollars_after_usd",
    "units_change",
    "reference",
    "key",
)


def activity_csv(lines: Iterable[ActivityLine]) -> Iterator[bytes]:
    """The lines as a file, piece by piece. Amounts are exact; the changes sum to what the ledger has."""
    return rows_csv(_rows(lines))


def _rows(lines: Iterable[ActivityLine]) -> Iterator[list[str]]:
    yield list(COLUMNS)
    for line in lines:
        costs = {part.kind: part.usd for part in line.costs}
        yield [
            figures.market_day(line.at).isoformat(),
            line.at.isoformat(),
            line.recorded_at.isoformat(),
            line.kind,
            line.status,
            line.index_slug,
            line.title,
            line.detail,
            _number(line.gross_usd),
            *(_number(costs.get(kind)) for kind in COST_KINDS),
            _number(line.after_costs_usd),
            _number(line.free_usd),
            _number(line.set_aside_usd),
            _number(line.owed_usd),
            _number(line.net_usd),
            _number(line.dollars_after_usd),
            _number(line.units),
            line.reference,
            line.key,
        ]


def _number(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
