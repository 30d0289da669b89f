"""What a USDC is worth in dollars now, and whether anything should be done at that price. Never "1 USDC = $1"."""

from dataclasses import dataclass
from decimal import Context, Decimal

from django.conf import settings

from indices import selectors as index_selectors
from portfolios.core.money import CENT, USD_SCALE, USDC_SCALE, from_base, to_base
from signals import selectors as signal_selectors
from signals.core.guard import PegLevel

WARN_BELOW = Decimal("0.995")
WAIT_BELOW = Decimal("0.98")
_PLACES = 6
_ONE = 10**_PLACES


@dataclass(frozen=True)
class UsdcMark:
    """`value` is USD per USDC, at most six decimals, rounded down; None where there is none to be believed. `waits`
    says in words why nothing is changed at it by itself, and is empty where it is."""

    value: Decimal | None
    waits: str = ""
    warned: bool = False


def usdc_mark() -> UsdcMark:
    """The mark at market time."""
    slug, at = settings.USDC_ASSET, signal_selectors.market_time()
    if slug in signal_selectors.halts([slug], at=at):
        return UsdcMark(None, "The price of USDC cannot be relied on right now.")
    price = index_selectors.mark_prices([slug], at=at).get(slug)
    if price is None:
        return UsdcMark(None, "There is no price of USDC in this market.")
    value = Decimal(int(price.scaleb(_PLACES, Context(prec=60)))).scaleb(-_PLACES)
    level = signal_selectors.pegs().get(slug, PegLevel.PAR)
    if value < WAIT_BELOW or level >= PegLevel.BUYS_PAUSED:
        return UsdcMark(value, f"USDC is too far below its dollar: it stands at ${value}.")
    return UsdcMark(value, warned=value < WARN_BELOW or level >= PegLevel.WARNED)


def dollars_for(amount: Decimal, mark: Decimal) -> Decimal:
    """Whole cents for `amount` USDC at `mark`, rounded down; never more than a dollar each."""
    micro = to_base(amount, USDC_SCALE) * min(_scaled(mark), _ONE) // _ONE
    return from_base(micro // CENT, 2)


def usdc_for(usd: Decimal, mark: Decimal) -> Decimal:
    """USDC for dollars at `mark`, rounded down to a millionth."""
    return from_base(to_base(usd, USD_SCALE) * _ONE // _scaled(mark), USDC_SCALE)


def _scaled(mark: Decimal) -> int:
    if not mark.is_finite() or mark <= 0:
        raise ValueError(f"mark: {mark} is not a positive number of dollars for a USDC")
    return int(mark.scaleb(_PLACES))
