"""What a visitor asks of the token list, by the address: search, filters, order, page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

SORTS = {
    "-market_cap": "Largest first",
    "-trader_grade": "Best trader grade",
    "-investor_grade": "Best investor grade",
    "-signal": "Strongest signal",
    "-change_1d": "Best day",
    "-change_7d": "Best week",
    "-change_30d": "Best month",
    "-volume": "Most traded",
    "name": "By name",
}
"""What the form offers; a click on the head of a column also turns an order round."""
COLUMNS = (
    # key, title, first click, numeric, left out on a phone
    ("name", "Token", "name", False, False),
    ("price", "Price", "-price", True, False),
    ("change_1d", "1 day", "-change_1d", True, True),
    ("change_7d", "7 days", "-change_7d", True, True),
    ("change_30d", "30 days", "-change_30d", True, True),
    ("market_cap", "Market cap", "-market_cap", True, True),
    ("volume", "Volume", "-volume", True, True),
    ("trader_grade", "Trader", "-trader_grade", True, False),
    ("investor_grade", "Investor", "-investor_grade", True, True),
    ("signal", "Signal", "-signal", False, True),
)
ORDERS = frozenset(f"{way}{key}" for key, *_ in COLUMNS for way in ("", "-"))
VOLUMES = {"1e5": "$100K a day", "1e6": "$1M a day", "1e7": "$10M a day", "1e8": "$100M a day"}
SIGNALS = {"1": "▲ Strong", "0": "• Neutral", "-1": "▼ Weak"}
DEFAULT = "-market_cap"


@dataclass(frozen=True)
class Heading:
    """The head of one column: where a click leads and how it is sorted now, in words of aria-sort."""

    title: str
    href: str
    sorted: str
    is_number: bool
    is_wide: bool


@dataclass(frozen=True)
class Asked:
    """The question, cleaned: what is not one of the choices is left out."""

    search: str = ""
    category: str = ""
    signal: str = ""
    volume: str = ""
    sort: str = DEFAULT
    page: int = 1

    @classmethod
    def read(cls, values: QueryDict) -> Asked:
        """From the address; anything that is none counts as not asked."""
        sort = values.get("sort", DEFAULT)
        signal, volume = values.get("signal", ""), values.get("volume", "")
        return cls(
            search=text(values.get("q", "")),
            category=text(values.get("category", "")),
            signal=signal if signal in SIGNALS else "",
            volume=volume if volume in VOLUMES else "",
            sort=sort if sort in ORDERS else DEFAULT,
            page=page_number(values.get("page", "1")),
        )

    def href(self, *, sort: str | None = None, page: int = 1) -> str:
        """The address of the same question in another order or on another page."""
        values = {
            "q": self.search,
            "category": self.category,
            "signal": self.signal,
            "volume": self.volume,
            "sort": sort or self.sort,
            "page": str(page),
        }
        unsaid = {"sort": DEFAULT, "page": "1"}
        said = {name: value for name, value in values.items() if value and value != unsaid.get(name)}
        return f"?{urlencode(said)}"

    def headings(self) -> list[Heading]:
        """The heads of the columns."""
        return [
            Heading(
                title=title,
                href=self.href(sort=turned(self.sort) if self.sort.lstrip("-") == key else first),
                sorted="" if self.sort.lstrip("-") != key else way(self.sort),
                is_number=is_number,
                is_wide=is_wide,
            )
            for key, title, first, is_number, is_wide in COLUMNS
        ]

    def sorts(self) -> dict[str, str]:
        """The orders of the form, with the one in force if it is none of the usual."""
        if self.sort in SORTS:
            return SORTS
        title = next(title for key, title, *_ in COLUMNS if key == self.sort.lstrip("-"))
        return {**SORTS, self.sort: f"{title}, {way(self.sort)}"}


def way(sort: str) -> str:
    """`ascending` or `descending`."""
    return "descending" if sort.startswith("-") else "ascending"


def turned(sort: str) -> str:
    """The same column the other way round."""
    return sort[1:] if sort.startswith("-") else f"-{sort}"


def text(value: str) -> str:
    """What was typed, without what no name contains."""
    return value.replace("\0", "").strip()[:64]


def page_number(value: str) -> int:
    """A page number from the address; anything that is none is page 1."""
    return min(max(int(value), 1), 10_000) if value.isascii() and value.isdecimal() and len(value) < 6 else 1
