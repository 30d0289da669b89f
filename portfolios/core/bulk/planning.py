"""What each portfolio of a block wants to trade: targets, two-stage drift band, turnover budget, smallest trade.

The rules are those of portfolios.core.dealing for one portfolio; a test holds the two together to the last unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from portfolios.core.bands import PPM, Bands
from portfolios.core.bulk.whole import Whole, muldiv, whole
from portfolios.core.money import PRICE_SCALE, USD_SCALE, price_base

WEIGHT_ONE = 10**12
"""Target weights of a portfolio sum to this."""
_PRICE_DIGITS = 15
_LARGEST_DIVISOR = 10**18


class BlockError(ValueError):
    """A block cannot be planned; the message names the argument."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Prices of a cycle as exact fractions: one base unit of asset a is worth numerator[a] / denominator[a]
    micro-dollars. Marks have at most fifteen digits, rounded down once."""

    numerator: Whole
    denominator: Whole

    def values(self, quantities: Whole) -> Whole:
        """Micro-dollars of base units [asset x portfolio], each rounded down."""
        return muldiv(quantities, self.numerator[:, None], self.denominator[:, None])

    def quantities(self, micro: Whole) -> Whole:
        """Base units that micro-dollars [asset x portfolio] buy, each rounded down."""
        return muldiv(micro, self.denominator[:, None], self.numerator[:, None])


@dataclass(frozen=True, eq=False)
class Block:
    """Some portfolios side by side. `cash` [portfolio] micro-dollars; `quantities` [asset x portfolio] base units;
    `weights` [asset x portfolio] in parts of WEIGHT_ONE, each column summing to at most it: the rest stays in dollars,
    and in a column of zeros nothing is wanted."""

    cash: Whole
    quantities: Whole
    weights: Whole

    def __post_init__(self) -> None:
        shape = self.quantities.shape
        if len(shape) != 2 or self.weights.shape != shape or self.cash.shape != shape[1:]:
            raise BlockError(
                f"block: cash {self.cash.shape}, quantities {shape}, weights {self.weights.shape} differ"
            )
        for name in ("cash", "quantities", "weights"):
            amounts = whole(getattr(self, name))
            if amounts.size and int(amounts.min()) < 0:
                raise BlockError(f"{name}: must not be negative")
            object.__setattr__(self, name, amounts)


@dataclass(frozen=True, eq=False)
class Wishes:
    """What a block wants: `sells` [asset x portfolio] base units, `buys` [asset x portfolio] micro-dollars, fees
    included; `worth` [portfolio] micro-dollars and `drift` [portfolio] millionths before."""

    sells: Whole
    buys: Whole
    worth: Whole
    drift: Whole

    @property
    def trades(self) -> npt.NDArray[np.bool_]:
        """Which portfolios trade at all."""
        return np.asarray(self.sells.any(axis=0) | self.buys.any(axis=0))


def marks(prices: list[Decimal], scales: list[int]) -> Marks:
    """The marks of assets with these USD prices and decimals of a base unit. Raises ValueError for a bad price."""
    numerators, denominators = [], []
    for price, scale in zip(prices, scales, strict=True):
        numerator, denominator = price_base(price), 10 ** (scale + PRICE_SCALE - USD_SCALE)
        cut = 10 ** max(len(str(numerator)) - _PRICE_DIGITS, 0)
        if denominator % cut:
            raise BlockError(
                f"price: {price} USD of an asset with {scale} decimals is too large to be counted"
            )
        numerator, denominator = numerator // cut, denominator // cut
        if denominator > _LARGEST_DIVISOR:
            # Too cheap for fifteen digits beside such a divisor: fewer digits, the same size.
            again = -(-denominator // _LARGEST_DIVISOR)
            numerator, denominator = numerator // again, denominator // again
        if numerator == 0:
            raise BlockError(
                f"price: {price} USD of an asset with {scale} decimals is too small to be counted"
            )
        numerators.append(numerator)
        denominators.append(denominator)
    return Marks(np.array(numerators, dtype=np.int64), np.array(denominators, dtype=np.int64))


def countable(prices: Sequence[Decimal | None], scales: Sequence[int]) -> list[int]:
    """Places of the assets that have a price by which portfolios in arrays can count."""
    found = []
    for place, (price, scale) in enumerate(zip(prices, scales, strict=True)):
        if price is None:
            continue
        try:
            marks([price], [scale])
        except BlockError:
            continue
        found.append(place)
    return found


def wishes(block: Block, at: Marks, bands: Bands) -> Wishes:
    """Trades that bring each portfolio where its bands say; one with zero weights trades nothing.

    Without bands that is: sell what is above target, buy what is below, legs under `smallest` left for next time. What
    is no longer wanted is sold whole whatever the bands say; its proceeds and idle cash buy what is lacking. Purchases
    never exceed cash and the proceeds of sales less `reserve`.
    """
    held = at.values(block.quantities)
    worth = block.cash + held.sum(axis=0)
    targets = muldiv(worth, block.weights, WEIGHT_ONE)
    change = targets - held
    drift = muldiv(np.abs(change).sum(axis=0), PPM, 2 * np.maximum(worth, 1))
    wanted = block.weights.any(axis=0)
    part = _part(drift, bands) * wanted
    leaving = (block.weights == 0) & (block.quantities > 0) & wanted
    lacking = np.maximum(change, 0)
    less = np.where(leaving, 0, np.maximum(-change, 0))
    if not (part == PPM).all():
        idle = np.maximum(block.cash - (worth - targets.sum(axis=0)), 0) * wanted
        freed = idle + np.where(leaving, held, 0).sum(axis=0)
        lacking = within(lacking, muldiv(lacking.sum(axis=0), part, PPM) + muldiv(freed, PPM - part, PPM))
        less = muldiv(less, part, PPM)
    sells = _sells(block.quantities, held, less, leaving, at, bands.smallest)
    buys = np.where(lacking >= bands.smallest, lacking, 0)
    return Wishes(sells, _payable(buys, sells, block, at, bands), worth, drift)


def _part(drift: Whole, bands: Bands) -> Whole:
    """How much of the way to target is gone, in millionths [portfolio]."""
    part = np.where(
        drift > bands.full, PPM, muldiv(np.maximum(drift - bands.hold, 0), PPM, np.maximum(drift, 1))
    )
    part = np.where(drift > bands.hold, part, 0)
    if bands.hold == 0 and bands.full == 0:
        part = np.full_like(drift, PPM)
    # Both sides together move twice the drift.
    return np.minimum(part, muldiv(bands.turnover, PPM, np.maximum(2 * drift, 1)))


def _sells(
    quantities: Whole, held: Whole, less: Whole, leaving: npt.NDArray[np.bool_], at: Marks, smallest: int
) -> Whole:
    wanted = np.where(less >= max(smallest, 1), less, 0)
    # One more than rounding down gives: what is sold must not be worth less than what was wanted.
    sells = np.where(wanted > 0, np.minimum(at.quantities(wanted) + 1, quantities), 0)
    return np.where(leaving | ((wanted > 0) & (wanted >= held)), quantities, sells)


def _payable(buys: Whole, sells: Whole, block: Block, at: Marks, bands: Bands) -> Whole:
    coming = muldiv(at.values(sells).sum(axis=0), PPM - bands.reserve, PPM)
    return within(buys, block.cash + coming)


def within(buys: Whole, spendable: Whole) -> Whole:
    """`buys` [asset x portfolio], scaled down (rounded down) where a portfolio would exceed `spendable` [portfolio]."""
    asked = buys.sum(axis=0)
    short = np.flatnonzero(asked > spendable)
    if not len(short):
        return buys
    buys = buys.copy()
    buys[:, short] = muldiv(buys[:, short], spendable[short], asked[short])
    return buys
