"""The one formatter: how numbers are written on pages and charts. Text only, nothing is rounded anywhere else."""

from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from math import floor, isfinite, log10
from typing import SupportsFloat

MINUS = "\u2212"
DASH = "\u2013"
"""Stands where there is no figure."""

Number = Decimal | int | SupportsFloat


def usd(amount: Number | None, places: int = 2) -> str:
    """`$1,234.50`; a true minus before the sign of the dollar; a dash for None."""
    if amount is None:
        return DASH
    value = decimal(amount)
    text = f"{abs(value):,.{places}f}"
    sign = MINUS if value < 0 and text.strip("0.,") else ""
    return f"{sign}${text}"


def usd_exact(amount: Number | None) -> str:
    """Like `usd`, with as many decimals as it takes (two to six) to show an amount below a cent."""
    if amount is None:
        return DASH
    value = decimal(amount)
    if value and abs(value) < Decimal("0.01"):
        return usd(value, 6).rstrip("0")
    return usd(value)


def signed_usd(amount: Number | None) -> str:
    """`+$12.30`, `\u2212$4.00`, `$0.00`."""
    if amount is None:
        return DASH
    text = usd(amount)
    return f"+{text}" if decimal(amount) > 0 and text.strip("$0.,") else text


def price(amount: Number | None) -> str:
    """A market price: two decimals from a dollar up, four significant digits below."""
    if amount is None:
        return DASH
    value = decimal(amount)
    if value == 0 or abs(value) >= 1:
        return usd(value)
    places = min(18, 3 - floor(log10(abs(value))))
    return usd(value, places)


def chart_usd(amount: Number | None) -> str:
    """Dollars beside a chart: like `price`, without cents from ten thousand up."""
    if amount is not None and abs(decimal(amount)) >= 10_000:
        return usd(amount, 0)
    return price(amount)


def compact_usd(amount: Number | None) -> str:
    """`$1.23T`, `$45.6B`, `$7.89M`, `$12.3K`: three significant digits."""
    if amount is None:
        return DASH
    value = decimal(amount)
    for size, letter in ((12, "T"), (9, "B"), (6, "M"), (3, "K")):
        if abs(value) >= Decimal(10) ** size * Decimal("0.9995"):
            scaled = value / Decimal(10) ** size
            places = 2 if abs(scaled) < Decimal("9.995") else 1 if abs(scaled) < Decimal("99.95") else 0
            return f"{usd(scaled, places)}{letter}"
    return usd(value)


def percent(fraction: Number | None, places: int = 1) -> str:
    """`12.3%` for 0.123; a true minus; a dash for None."""
    if fraction is None:
        return DASH
    value = decimal(fraction) * 100
    text = f"{abs(value):,.{places}f}"
    return f"{MINUS if value < 0 and text.strip('0.,') else ''}{text}%"


def signed_percent(fraction: Number | None, places: int = 1) -> str:
    """`+12.3%`, `\u22124.0%`, `0.0%`."""
    if fraction is None:
        return DASH
    text = percent(fraction, places)
    return f"+{text}" if decimal(fraction) > 0 and text.strip("0.,%") else text


def points(value: Number | None, places: int = 1) -> str:
    """A difference of two grades: `+1.2`, `\u22120.4`, `0.0`."""
    if value is None:
        return DASH
    text = ratio(value, places)
    return f"+{text}" if decimal(value) > 0 and text.strip("0.,") else text


def ratio(value: Number | None, places: int = 2) -> str:
    """A bare number: `1.25`, `\u22120.40`; a true minus; a dash for None."""
    if value is None:
        return DASH
    exact = decimal(value)
    text = f"{abs(exact):,.{places}f}"
    return f"{MINUS if exact < 0 and text.strip('0.,') else ''}{text}"


def reading(value: Number | None, unit: str) -> str:
    """A feature in its unit: percent for fractions, whole days and ranks, else three significant digits."""
    if value is None:
        return DASH
    if unit.startswith("fraction"):
        return percent(value, 2 if unit != "fraction" else 1)
    if unit in ("days", "rank", "news", "0 or 1"):
        return ratio(value, 0)
    if unit == "USD":
        return compact_usd(value)
    exact = decimal(value)
    if exact == 0:
        return "0"
    size = floor(log10(abs(exact)))
    if size < -6:
        return f"{MINUS if exact < 0 else ''}{abs(exact):.2e}".replace("e-", f"e{MINUS}")
    return ratio(exact, max(0, 2 - size))


def direction(value: Number | None, places: int = 1) -> str:
    """Which way a fraction points once it is written as a percentage with `places` decimals: `up`, `down`, `flat`."""
    return way(percent(value, places))


def usd_direction(amount: Number | None) -> str:
    """Which way an amount points once it is written in whole cents."""
    return way(usd(amount))


def way(text: str) -> str:
    """`flat` where no digit but zero is written, else `down` after a minus and `up` without."""
    if not any(digit in text for digit in "123456789"):
        return "flat"
    return "down" if text.startswith(MINUS) else "up"


def level(value: Number | None) -> str:
    """An index level: two decimals below 10,000, none from there on."""
    if value is None:
        return DASH
    exact = decimal(value)
    return f"{exact:,.0f}" if abs(exact) >= 10_000 else f"{exact:,.2f}"


def quantity(amount: Number | None, digits: int = 6) -> str:
    """A token quantity or a number of units, cut (never rounded up) to `digits` significant digits."""
    if amount is None:
        return DASH
    value = decimal(amount)
    if value == 0:
        return "0"
    places = max(0, min(18, digits - 1 - floor(log10(abs(value)))))
    cut = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
    text = f"{abs(cut):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS if cut < 0 else ''}{text}"


def market_day(at: datetime) -> date:
    """The market day that a moment belongs to: midnight UTC is the close of the day before."""
    return at.date() - timedelta(days=1) if at.time() == time() else at.date()


def market_moment(at: datetime | None) -> str:
    """`12 Jan 2026, at the close` for midnight UTC after that day, else `12 Jan 2026, 14:05 UTC`."""
    if at is None:
        return DASH
    return f"{market_day(at):%-d %b %Y}, " + ("at the close" if at.time() == time() else f"{at:%H:%M} UTC")


def decimal(value: Number) -> Decimal:
    """`value` as a Decimal, floats by their shortest text. Raises ValueError for NaN and infinities."""
    if isinstance(value, Decimal):
        result = value
    elif isinstance(value, int):
        result = Decimal(value)
    else:
        number = float(value)
        if not isfinite(number):
            raise ValueError(f"value: must be finite, got {number}")
        result = Decimal(repr(number))
    if not result.is_finite():
        raise ValueError(f"value: must be finite, got {result}")
    return result
