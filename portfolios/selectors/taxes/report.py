"""One calendar year of a person's disposals, matched to lots."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from portfolios.core.taxlots import LONG_AFTER, Acquired, Disposed, Lot, Matching, Method, Part, match
from portfolios.models import Book, TaxYear, User
from portfolios.selectors.taxes.assets import Happened, TaxedAsset
from portfolios.selectors.taxes.events import happened, methods
from signals import selectors as signal_selectors
from signals.core import figures


@dataclass(frozen=True)
class TaxLine:
    """One part of one disposal: cents, base units. `order` is the order behind it, where there is one."""

    asset: TaxedAsset
    part: Part
    order: UUID | None

    @property
    def has_basis(self) -> bool:
        """Whether a gain can be told at all."""
        return self.part.gain is not None


@dataclass(frozen=True)
class OpenLot:
    """What is left of one purchase at the end of the year, or now."""

    asset: TaxedAsset
    lot: Lot


@dataclass(frozen=True)
class TaxReport:
    """A year by one rule. `through` is the last day it covers; `long_after` the days after which a holding is long.
    `unfollowed` are choices that could not be followed: (asset, base units that were not there). `has_books`: tokens of
    personal portfolios are among them."""

    year: int
    method: Method
    long_after: int
    through: date
    is_over: bool
    closed_at: datetime | None
    closed_digest: str
    lines: list[TaxLine]
    open_lots: list[OpenLot]
    unfollowed: list[tuple[TaxedAsset, int]]
    has_books: bool

    def sums(self, term: str) -> tuple[int, int, int]:
        """(proceeds, cost, gain) in cents of the lines with a known cost: `short`, `long` or `all`."""
        parts = [line.part for line in self.lines if line.has_basis and term in ("all", self.term(line))]
        proceeds = sum(part.proceeds or 0 for part in parts)
        cost = sum(part.cost or 0 for part in parts)
        return proceeds, cost, proceeds - cost

    def term(self, line: TaxLine) -> str:
        """`long`, `short`, or nothing where nobody knows since when it was held."""
        held = line.part.is_long(self.long_after)
        return "" if held is None else "long" if held else "short"

    @property
    def without_basis(self) -> list[TaxLine]:
        """The lines of which no gain can be told."""
        return [line for line in self.lines if not line.has_basis]


def tax_report(
    user: User, year: int, *, method: Method | None = None, long_after: int = LONG_AFTER
) -> TaxReport:
    """The report that page, CSV, PDF and API show. `method` asks what another rule would say of this year alone;
    without it the person's own holds. Lots before and after the year follow the rules of their own years."""
    stored = TaxYear.objects.filter(user=user, year=year).first()
    rules = methods(user)
    if method is not None:
        rules = {**rules, year: method}
    today = signal_selectors.last_closed_day()
    last = date(year, 12, 31)
    lines: list[TaxLine] = []
    lots: list[OpenLot] = []
    unfollowed: list[tuple[TaxedAsset, int]] = []
    for events in happened(user, rules):
        matched = _matched(events, rules, last)
        own = [part for part in matched.parts if part.disposed.day.year == year]
        lines += [TaxLine(events.asset, part, events.orders.get(part.disposed.key)) for part in own]
        lots += [OpenLot(events.asset, lot) for lot in matched.open_lots]
        keys = {part.disposed.key for part in own}
        unfollowed += [(events.asset, units) for key, _, units in matched.unfollowed if key in keys]
    lines.sort(key=lambda line: (line.part.disposed.day, line.part.disposed.place, _place(line.part)))
    return TaxReport(
        year=year,
        method=rules.get(year, Method.FIFO),
        long_after=long_after,
        through=min(last, today),
        is_over=today >= last and signal_selectors.market_time() > datetime(year + 1, 1, 1, tzinfo=UTC),
        closed_at=stored.closed_at if stored is not None else None,
        closed_digest=stored.digest if stored is not None else "",
        lines=lines,
        open_lots=lots,
        unfollowed=unfollowed,
        has_books=Book.objects.filter(owner=user).exists(),
    )


def tax_years(user: User) -> list[int]:
    """Years in which something came or went, and the current one; newest first."""
    days: set[date] = set()
    for events in happened(user, {}):
        days |= {item.day for item in events.acquired} | {item.day for item in events.disposed}
    return sorted({day.year for day in days} | {signal_selectors.last_closed_day().year}, reverse=True)


def lots_for(user: User, asset_code: str, *, before: int | None = None) -> list[Lot]:
    """Lots of one asset that are open now, or were right before the ledger entry `before`, oldest first."""
    rules = methods(user)
    for events in happened(user, rules):
        if events.asset.code == asset_code:
            kept = _cut(events, date.max, before)
            return sorted(
                match(kept.acquired, kept.disposed, rules).open_lots, key=lambda lot: lot.acquired.place
            )
    return []


def _matched(events: Happened, rules: dict[int, Method], last: date) -> Matching:
    kept = _cut(events, last, None)
    return match(kept.acquired, kept.disposed, rules)


def _cut(events: Happened, last: date, before: int | None) -> Happened:
    def stays(item: Acquired | Disposed) -> bool:
        return item.day <= last and (before is None or item.place < before)

    return Happened(
        events.asset,
        [item for item in events.acquired if stays(item)],
        [item for item in events.disposed if stays(item)],
        events.orders,
    )


def _place(part: Part) -> int:
    return part.lot.place if part.lot is not None else 0


def year_of(moment: datetime) -> int:
    """The tax year of a moment of market time: midnight belongs to the day before it."""
    return figures.market_day(moment).year
