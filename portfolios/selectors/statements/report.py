"""One market month of one person: what was there, what came and went, what it brought, what it cost."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from portfolios.core.money import UNIT_SCALE, USD_SCALE, to_base
from portfolios.core.statement import Held, Month, bounds, in_cents, month_sum
from portfolios.models import Book, LedgerAsset, Order, User
from portfolios.selectors.activity import history
from portfolios.selectors.activity.costs import TITLES
from portfolios.selectors.activity.movements import Movement, movements
from portfolios.selectors.records import ActivityLine
from portfolios.selectors.returns.account import account_through_time
from portfolios.selectors.returns.books import books_through_time
from portfolios.selectors.returns.figures import Figures, figures_of
from portfolios.selectors.returns.holding import holdings_through_time
from portfolios.selectors.statements.books import book_values
from portfolios.selectors.statements.prices import UnitPrice, unit_prices
from signals.core import figures

_ORDER = re.compile(r"order:([0-9a-f-]{36}):")
_PRICE_SCALE = 12
FLOW_COSTS = tuple(kind for kind in TITLES if kind != "plan")
"""Costs that are inside what a person's money came to. What a plan charges is paid from elsewhere."""


@dataclass(frozen=True)
class HeldLine:
    """One index over the month: `held` in whole cents; units in base units and their price at its end. A portfolio of
    one's own has neither."""

    name: str
    slug: str
    held: Held
    units_closing: int
    price: UnitPrice | None


@dataclass(frozen=True)
class MonthReport:
    """Everything that a statement says. Dollars in micro-dollars: free, set aside and owed at the month's end."""

    user: User
    month: date
    through: datetime
    sums: Month
    held: list[HeldLine]
    dollars_opening: int
    free: int
    set_aside: int
    owed: int
    costs: list[tuple[str, int]]
    plan_charges: list[ActivityLine]
    lines: list[ActivityLine]
    returns: Figures
    entries_digest: str


class Account:
    """What one person's statements are made of, read once for any number of months."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.moved = movements(user)
        self.lines = history(user)
        rows = LedgerAsset.objects.filter(
            code__in={code for line in self.moved for code in line.others}, portfolio__isnull=False
        ).select_related("portfolio__index")
        self.portfolios = {row.code: row.portfolio for row in rows}
        self.books = {
            f"book:{book.pk}": book
            for book in Book.objects.filter(owner=user).select_related("nominee__index").order_by("pk")
        }
        self.orders = {
            str(key): f"book:{book}" if book is not None else code
            for key, book, code in Order.objects.filter(user=user).values_list(
                "pk", "book_id", "portfolio__units__code"
            )
        }

    @property
    def began(self) -> date | None:
        """First day of the month of the first movement, None while nothing has moved."""
        moments = [line.at for line in self.moved]
        return figures.market_day(min(moments)).replace(day=1) if moments else None

    def prices(self, moment: datetime) -> dict[int, UnitPrice]:
        """Portfolio id -> price at the moment, of every portfolio that was ever held."""
        return unit_prices([row.pk for row in self.portfolios.values()], moment)

    def units_at(self, moment: datetime) -> dict[str, int]:
        """Asset code -> base units of every index at the moment, those that wait for a redemption included."""
        held: dict[str, int] = defaultdict(int)
        for line in self.moved:
            if line.at <= moment:
                for code, units in line.others.items():
                    if code in self.portfolios:
                        held[code] += units
        return {code: units for code, units in held.items() if units}

    def month(self, month: date) -> MonthReport:
        """The report of one month; `month` is its first day."""
        after, through = bounds(month)
        inside = [line for line in self.moved if after < line.at <= through]
        before = [line for line in self.moved if line.at <= after]
        ended = before + inside
        held = self._held(inside, after, through)
        shown = [line for line in self.lines if after < line.at <= through]
        costs = _costs(shown)
        opening = sum(line.net for line in before)
        sums = month_sum(
            dollars_opening=opening,
            dollars_closing=sum(line.net for line in ended),
            deposits=sum(line.net for line in inside if line.kind == "deposit"),
            withdrawals=-sum(line.net for line in inside if line.kind == "withdrawal"),
            held=[line.held for line in held],
            costs=[amount for _, amount in costs],
        )
        return MonthReport(
            user=self.user,
            month=month,
            through=through,
            sums=sums,
            held=held,
            dollars_opening=opening,
            free=sum(line.free for line in ended),
            set_aside=sum(line.set_aside for line in ended),
            owed=sum(line.owed for line in ended),
            costs=[(kind, amount) for (kind, _), amount in zip(costs, sums.costs, strict=True)],
            plan_charges=[line for line in shown if line.kind == "plan"],
            lines=[line for line in shown if line.net_usd],
            returns=self._returns(figures.market_day(after), figures.market_day(through)),
            entries_digest=_digest(ended),
        )

    def _returns(self, start: date, end: date) -> Figures:
        """The returns of the whole account over the month, as the page of returns has them."""
        held = [
            *holdings_through_time(self.user, through=end),
            *books_through_time(self.user, through=end),
        ]
        history = account_through_time(self.user, [one for one in held if one.steps], through=end)
        return figures_of(history.steps, history.gaps, start=start, end=end)

    def _held(self, inside: Sequence[Movement], after: datetime, through: datetime) -> list[HeldLine]:
        opening, closing = self.units_at(after), self.units_at(through)
        first, last = self.prices(after), self.prices(through)
        put_in: dict[str, int] = defaultdict(int)
        taken_out: dict[str, int] = defaultdict(int)
        for line in inside:
            code, amount = self._flow(line)
            if code:
                (put_in if amount > 0 else taken_out)[code] += abs(amount)
        found = []
        for code in opening.keys() | closing.keys() | put_in.keys() | taken_out.keys():
            if code in self.books:
                continue
            row = self.portfolios[code]
            held = Held(
                code,
                worth(opening.get(code, 0), first.get(row.pk)),
                put_in[code],
                taken_out[code],
                worth(closing.get(code, 0), last.get(row.pk)),
            )
            found.append(
                HeldLine(
                    row.index.name,
                    row.index.slug,
                    in_cents(held),
                    closing.get(code, 0),
                    last.get(row.pk),
                )
            )
        own = list(self.books.values())
        worths = book_values(own, after), book_values(own, through)
        for code, book in self.books.items():
            held = Held(code, worths[0][book.pk], put_in[code], taken_out[code], worths[1][book.pk])
            if any((held.opening, held.put_in, held.taken_out, held.closing)):
                name = f"{book.title} (in tokens of your own)"
                found.append(HeldLine(name, code, in_cents(held), 0, None))
        return sorted(found, key=lambda line: (line.name, line.slug))

    def _flow(self, line: Movement) -> tuple[str, int]:
        """(asset or book, micro-dollars put into it by this entry, negative for taken out). Units that came or went
        without dollars count at the price of their moment: they are no gain and no loss."""
        order = _ORDER.match(line.reference)
        code = self.orders.get(order[1], "") if order else ""
        if code in self.books or code in self.portfolios:
            return (code, -line.net) if line.net else ("", 0)
        for code, units in line.others.items():
            if not units or code not in self.portfolios:
                continue
            if line.net:
                return code, -line.net
            price = self.prices(line.at).get(self.portfolios[code].pk)
            return code, worth(units, price) if units > 0 else -worth(-units, price)
        return "", 0


def worth(units: int, price: UnitPrice | None) -> int:
    """Micro-dollars of `units` base units at the price, rounded down; nothing without one."""
    if price is None:
        return 0
    exact = to_base(price.usd.quantize(Decimal(1).scaleb(-_PRICE_SCALE)), _PRICE_SCALE)
    return units * exact // 10 ** (UNIT_SCALE + _PRICE_SCALE - USD_SCALE)


def _costs(lines: Sequence[ActivityLine]) -> list[tuple[str, int]]:
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        for part in line.costs:
            sums[part.kind] += to_base(part.usd.quantize(Decimal("0.000001")), USD_SCALE)
    return [(kind, sums[kind]) for kind in FLOW_COSTS if sums[kind]]


def _digest(moved: Sequence[Movement]) -> str:
    """SHA-256 of all that the ledger had of this person by then."""
    text = ";".join(
        f"{line.entry_id}:{line.free}:{line.set_aside}:{line.owed}:"
        + ",".join(f"{code}={units}" for code, units in sorted(line.others.items()))
        for line in sorted(moved, key=lambda line: line.entry_id)
    )
    return hashlib.sha256(text.encode()).hexdigest()
