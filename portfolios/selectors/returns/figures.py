"""Steps turned into the figures of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolios.core.money import USD_SCALE, from_base
from portfolios.core.returns import Rate, Step, chained, cut, money_weighted, time_weighted

COLUMNS = (
    "day",
    "event",
    "value_before_usd",
    "money_in_usd",
    "money_out_usd",
    "value_after_usd",
    "units_after",
    "unit_price_usd",
    "growth_so_far",
)


@dataclass(frozen=True)
class Figures:
    """A period of an account or a holding. value_start + money_in - money_out + gain = value_end, exactly. `rows` is
    the worked recomputation: both returns follow from it alone."""

    first: date | None
    last: date | None
    value_start: Decimal
    money_in: Decimal
    money_out: Decimal
    value_end: Decimal
    gain: Decimal
    time_weighted: Rate
    money_weighted: Rate
    gaps: tuple[date, ...]
    steps: tuple[Step, ...]
    grown: tuple[Decimal | None, ...]

    @property
    def timing(self) -> Decimal | None:
        """What the timing of flows added: money-weighted less time-weighted return of the period."""
        if self.time_weighted.value is None or self.money_weighted.value is None:
            return None
        return self.money_weighted.value - self.time_weighted.value

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The steps as text, a column for each of COLUMNS, every value in full."""
        return [_row(step, grown) for step, grown in zip(self.steps, self.grown, strict=True)]

    @property
    def turning_points(self) -> list[tuple[Step, Decimal | None]]:
        """The first and the last step and those with a flow: closes between them cancel out of the chain."""
        last = len(self.steps) - 1
        return [
            (step, grown)
            for place, (step, grown) in enumerate(zip(self.steps, self.grown, strict=True))
            if place in (0, last) or step.money_in or step.money_out
        ]


def figures_of(steps: Sequence[Step], gaps: Sequence[date], *, start: date | None, end: date) -> Figures:
    """The figures of the days after `start` (of all days where None) up to the close of `end`."""
    inside = cut(steps, start=start, end=end)
    value_start = inside[0].before if inside else 0
    money_in, money_out = sum(step.money_in for step in inside), sum(step.money_out for step in inside)
    value_end = inside[-1].after if inside else 0
    gain = value_end - value_start - money_in + money_out
    return Figures(
        first=inside[0].day if inside else None,
        last=inside[-1].day if inside else None,
        value_start=from_base(value_start, USD_SCALE),
        money_in=from_base(money_in, USD_SCALE),
        money_out=from_base(money_out, USD_SCALE),
        value_end=from_base(value_end, USD_SCALE),
        gain=from_base(gain, USD_SCALE),
        time_weighted=time_weighted(inside),
        money_weighted=money_weighted(inside),
        gaps=tuple(day for day in gaps if day <= end and (start is None or day > start)),
        steps=tuple(inside),
        grown=tuple(chained(inside)),
    )


def _row(step: Step, grown: Decimal | None) -> tuple[str, ...]:
    def dollars(micro: int) -> str:
        return f"{from_base(micro, USD_SCALE):f}"

    return (
        step.day.isoformat(),
        step.event,
        dollars(step.before),
        dollars(step.money_in),
        dollars(step.money_out),
        dollars(step.after),
        "" if step.units is None else f"{step.units:f}",
        "" if step.price is None else f"{step.price:f}",
        "" if grown is None else f"{grown:.12f}",
    )
