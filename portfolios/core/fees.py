"""What a trade costs: half the spread, the venue's fee, and the price it moves by its own size.

Integers throughout: micro-dollars, whole USD of daily volume, and rates in parts per billion.
Size impact: coefficient x sqrt(size / daily volume), the square-root law (Almgren et al., Direct Estimation of Equity
Market Impact, 2005).
"""

from math import isqrt

PPB = 10**9
BPS = PPB // 10_000
FEE = 10 * BPS
IMPACT_COEFFICIENT = PPB // 10
LARGEST_SLIPPAGE = PPB // 5
THIN_VOLUME = 50_000
_TIERS = ((100_000_000, 2), (10_000_000, 5), (1_000_000, 15), (100_000, 40))
_WIDEST = 100


def half_spread(volume: int | None) -> int:
    """Half of the bid-ask spread, parts per billion, by the token's daily volume; unknown counts as thin."""
    for floor, bps in _TIERS:
        if (volume or 0) >= floor:
            return bps * BPS
    return _WIDEST * BPS


def impact(size: int, volume: int | None) -> int:
    """How far an order of `size` micro-dollars moves the price, parts per billion."""
    traded = max(volume or 0, THIN_VOLUME)
    return IMPACT_COEFFICIENT * isqrt(size * 10**6 // traded) // 10**6


def slippage(size: int, volume: int | None) -> int:
    """Distance of the fill from the mark, parts per billion, never more than a fifth of the price."""
    return min(LARGEST_SLIPPAGE, half_spread(volume) + impact(size, volume))


def fee_on(notional: int) -> int:
    """The venue's fee in micro-dollars, rounded up."""
    return -(-notional * FEE // PPB)


def cost_estimate(size: int, volume: int | None) -> int:
    """Micro-dollars that trading `size` micro-dollars is expected to cost: slippage and fee, rounded up."""
    return -(-size * (slippage(size, volume) + FEE) // PPB)
