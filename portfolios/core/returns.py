"""What a person's money has returned: time-weighted, from a chain of valuations around every flow, and
money-weighted, from the flows alone. Micro-dollars and Decimals; nothing is estimated.

Time-weighted (GIPS 2020, section 2.A.17): each step's growth is what was there before the flow over what was there
after the last one, times what the flow itself cost; steps are multiplied. Money-weighted: the one daily growth factor x
at which every dollar in, less every dollar out, would have become what is there at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal

from portfolios.core.money import USD_SCALE, from_base
from portfolios.core.roots import positive_roots

YEAR = 365
PLACES = Decimal("1E-10")
EXACTLY = Context(prec=60)

OPENING, CLOSE = "opening value", "close"

NOTHING_AT_WORK = "No money was at work in this period."
NO_DAY = "Not a day has passed between the first flow and the end: a rate needs time."
NO_RATE = "No rate makes these flows add up to what is there."
SEVERAL_RATES = "More than one rate makes these flows add up to what is there, so none of them is the return."
REVIVED = (
    "What was held was worth nothing at one close and something later: growth from nothing has no figure."
)


@dataclass(frozen=True)
class Step:
    """One row of the worked recomputation, micro-dollars: `before` is what was there right before the flow, `after`
    right after it. What `before + money_in - money_out` and `after` differ by is what the flow cost. A plain close has
    no flow. `units` and `price` say how the values come about, where one holding is looked at."""

    day: date
    event: str
    before: int
    money_in: int
    money_out: int
    after: int
    units: Decimal | None = None
    price: Decimal | None = None

    @property
    def before_usd(self) -> Decimal:
        """`before` in dollars."""
        return from_base(self.before, USD_SCALE)

    @property
    def in_usd(self) -> Decimal:
        """`money_in` in dollars."""
        return from_base(self.money_in, USD_SCALE)

    @property
    def out_usd(self) -> Decimal:
        """`money_out` in dollars."""
        return from_base(self.money_out, USD_SCALE)

    @property
    def after_usd(self) -> Decimal:
        """`after` in dollars."""
        return from_base(self.after, USD_SCALE)


@dataclass(frozen=True)
class Rate:
    """A return over `days` days as a fraction, and per year where it was a year at least. Without a value there is a
    `reason` in words."""

    value: Decimal | None
    per_year: Decimal | None
    days: int
    reason: str = ""


def cut(steps: Sequence[Step], *, start: date | None, end: date) -> list[Step]:
    """The steps of the days after `start` (all where None) up to `end`. What was there at the last step up to `start`
    stands in front of them as an opening value on the day of that step."""
    inside = [step for step in steps if step.day <= end and (start is None or step.day > start)]
    before = [step for step in steps if start is not None and step.day <= start]
    if before and before[-1].after > 0:
        last = before[-1]
        opening = Step(last.day, OPENING, last.after, 0, 0, last.after, last.units, last.price)
        return [opening, *inside]
    return inside


def growth(previous: int, step: Step) -> Decimal | None:
    """The step's growth factor: before / previous x (after + out) / (before + in). Where nothing was there 1 stands for
    the part; None where something has come of nothing."""
    if previous <= 0 < step.before:
        return None
    factor = Decimal(1)
    if previous > 0:
        factor = EXACTLY.divide(Decimal(step.before), Decimal(previous))
    ahead = step.before + step.money_in
    if ahead > 0:
        cost = EXACTLY.divide(Decimal(step.after + step.money_out), Decimal(ahead))
        factor = EXACTLY.multiply(factor, cost)
    return factor


def chained(steps: Sequence[Step]) -> list[Decimal | None]:
    """Growth since the first step after each step, 1 being no change; None from where it cannot be told any more."""
    result: list[Decimal | None] = []
    grown: Decimal | None = Decimal(1)
    previous = steps[0].before if steps else 0
    for step in steps:
        factor = growth(previous, step)
        grown = None if grown is None or factor is None else EXACTLY.multiply(grown, factor)
        result.append(grown)
        previous = step.after
    return result


def time_weighted(steps: Sequence[Step]) -> Rate:
    """The chain of all steps, which are in order; the first is the opening value or the first flow."""
    worked = [step for step in steps if step.before or step.money_in or step.after]
    if not worked:
        return Rate(None, None, 0, NOTHING_AT_WORK)
    grown = chained(steps)[-1]
    days = (steps[-1].day - worked[0].day).days
    if grown is None:
        return Rate(None, None, days, REVIVED)
    return _rate(grown, days)


def flows_of(steps: Sequence[Step]) -> list[tuple[date, int]]:
    """(day, micro-dollars put in), negative for taken out: what was there at the start counts as put in, what is there
    at the end as taken out. One line a day."""
    by_day: dict[date, int] = {}
    for place, step in enumerate(steps):
        moved = step.money_in - step.money_out + (step.before if place == 0 else 0)
        if place == len(steps) - 1:
            moved -= step.after
        by_day[step.day] = by_day.get(step.day, 0) + moved
    return [(day, amount) for day, amount in sorted(by_day.items()) if amount]


def money_weighted(steps: Sequence[Step]) -> Rate:
    """The return at which the flows of `steps` add up, over the days from the first flow to the last."""
    put_in = sum(step.money_in for step in steps) + (steps[0].before if steps else 0)
    if not put_in:
        return Rate(None, None, 0, NOTHING_AT_WORK)
    first = next(step.day for step in steps if step.before or step.money_in)
    end = steps[-1].day
    if not steps[-1].after and not any(step.money_out for step in steps):
        days = (end - first).days
        return Rate(Decimal(-1), Decimal(-1) if days >= YEAR else None, days)
    flows = flows_of(steps)
    if len(flows) < 2:
        return Rate(None, None, 0, NO_DAY if first == end else NO_RATE)
    last = flows[-1][0]
    days = (last - flows[0][0]).days
    roots = positive_roots([(amount, (last - day).days) for day, amount in flows])
    if not roots:
        return Rate(None, None, days, NO_RATE)
    if len(roots) > 1:
        return Rate(None, None, days, SEVERAL_RATES)
    return _rate(EXACTLY.power(roots[0], days), days)


def _rate(grown: Decimal, days: int) -> Rate:
    value = (grown - 1).quantize(PLACES, context=EXACTLY)
    per_year: Decimal | None = None
    if days >= YEAR:
        yearly = EXACTLY.power(grown, EXACTLY.divide(Decimal(YEAR), Decimal(days))) if grown else grown
        per_year = (yearly - 1).quantize(PLACES, context=EXACTLY)
    return Rate(value, per_year, days)
