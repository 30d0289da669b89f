"""What a pot is worth, and what one unit of it is worth. Integers: micro-dollars, base units, prices in 10^-24 USD."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

from portfolios.core.money import FIRST_UNIT_PRICE, UNIT_SCALE, USD_SCALE, from_base, value_of


@dataclass(frozen=True)
class Quote:
    """An asset's mark for one cycle: `price` in 10^-24 USD, `scale` decimals of its base unit, `volume` in whole USD
    traded a day (None where unknown)."""

    price: int
    scale: int
    volume: int | None = None


@dataclass(frozen=True)
class Pot:
    """What a portfolio holds: `cash` in micro-dollars, `quantities` in base units per asset code."""

    cash: int
    quantities: Mapping[str, int]


def values(pot: Pot, quotes: Mapping[str, Quote]) -> dict[str, int]:
    """Micro-dollars per asset with a mark, each rounded down. An asset without a mark is absent: worth nothing now."""
    return {
        code: value_of(quantity, quotes[code].scale, quotes[code].price)
        for code, quantity in pot.quantities.items()
        if code in quotes
    }


def total(pot: Pot, quotes: Mapping[str, Quote]) -> int:
    """Micro-dollars of the whole pot, cash at par."""
    return pot.cash + sum(values(pot, quotes).values())


def unit_price(value: int, units: int) -> Decimal:
    """USD per unit, rounded down to 12 decimals; a portfolio without units starts at 100 USD."""
    if units <= 0:
        return from_base(FIRST_UNIT_PRICE, USD_SCALE)
    per_unit = value * 10**UNIT_SCALE * 10 ** (12 - USD_SCALE) // units
    return from_base(per_unit, 12)


def units_value(units: int, value: int, issued: int) -> int:
    """Micro-dollars that `units` of a portfolio with `issued` units and this value are worth, rounded down."""
    return units * value // issued if issued > 0 else 0


def units_worth(amount: int, value: int, issued: int) -> int:
    """Units that `amount` micro-dollars buy at the portfolio's unit price, rounded down; 100 USD each where none
    are issued. Raises ValueError when units are issued and the portfolio is worth nothing."""
    if issued <= 0:
        return amount * 10**UNIT_SCALE // FIRST_UNIT_PRICE
    if value <= 0:
        raise ValueError("a portfolio whose units are worth nothing cannot issue more of them")
    return amount * issued // value


def cost_share(cost: int, units: int, issued: int) -> int:
    """Micro-dollars of `cost`, borne by all `issued` units alike, that fall on `units` of them; rounded half up."""
    if not 0 <= units <= issued or issued == 0:
        raise ValueError(f"cost_share: {units} units of {issued} is no share")
    return (2 * cost * units + issued) // (2 * issued)


def fraction(part: int, whole: int) -> Decimal:
    """part / whole to ten decimals; zero of nothing is zero."""
    if whole == 0:
        return Decimal(0)
    return Context(prec=60).divide(Decimal(part), Decimal(whole)).quantize(Decimal("1E-10"))
