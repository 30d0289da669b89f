"""Where floats become Decimals: once, here, and exactly the same way each time.

Weights of a decision are whole multiples of 2^-52 that sum to exactly 1. Such a float survives the way through an
18-digit Decimal and back bit by bit, which is why a stored decision can be compared with a recomputed one exactly.
"""

import math
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SMALLEST_PRICE = 1e-18
"""USD; what is worth less has no price."""
_GRID = 2.0**52
_PLACES = 18
_QUANTUM = Decimal(1).scaleb(-_PLACES)
_ONE = 10**_PLACES


class ExactError(ValueError):
    """A number cannot be made exact; the message says which and why."""


def on_grid(weights: Array) -> Array:
    """Weights as multiples of 2^-52 whose sum is exactly 1, rounded by largest remainder (ties by position).

    Expects weights that are not negative and sum to 1 within 1e-9; raises ExactError otherwise.
    """
    return on_grid_rows(weights[None, :])[0]


def on_grid_rows(weights: Array) -> Array:
    """`on_grid` of each row of `weights` [row x asset]."""
    totals = weights.sum(axis=1)
    off = ~(np.abs(totals - 1.0) <= 1e-9)
    if off.any() or weights.min() < 0:
        raise ExactError(
            f"weights: must not be negative and must sum to 1, got the sum {totals[int(np.argmax(off))]!r}"
        )
    scaled = weights * _GRID
    counts = np.floor(scaled).astype(np.int64)
    left = 2**52 - counts.sum(axis=1)
    shared = np.minimum(np.maximum(left, 0), counts.shape[1])
    order = np.argsort(counts - scaled, axis=1, kind="stable")
    rows, places = np.nonzero(np.arange(counts.shape[1]) < shared[:, None])
    counts[rows, order[rows, places]] += 1
    for row in np.flatnonzero(left != shared).tolist():
        # A sum that is itself some bits off 1 leaves more than rounding explains.
        counts[row, int(np.argmax(counts[row]))] += int(left[row] - shared[row])
    return counts / _GRID


def weights_exact(weights: Mapping[str, float]) -> dict[str, Decimal]:
    """Weights as Decimals of 18 places that sum to exactly 1 (largest remainder; ties by asset id).

    Raises ExactError for weights that are negative, do not sum to 1 within 1e-9, or vanish at 18 places.
    """
    if not weights:
        raise ExactError("weights: must not be empty")
    assets = sorted(weights)
    counts = (on_grid(np.array([weights[asset] for asset in assets], dtype=np.float64)) * _GRID).astype(
        np.int64
    )
    scaled = [int(count) * _ONE for count in counts]
    units = [value >> 52 for value in scaled]
    remainders = [value & (2**52 - 1) for value in scaled]
    left = _ONE - sum(units)
    for place in sorted(range(len(assets)), key=lambda number: (-remainders[number], assets[number]))[:left]:
        units[place] += 1
    vanished = [asset for asset, unit in zip(assets, units, strict=True) if unit == 0]
    if vanished:
        raise ExactError(f"weights: {vanished[0]} vanishes at {_PLACES} decimal places; drop it first")
    return {asset: Decimal(unit).scaleb(-_PLACES) for asset, unit in zip(assets, units, strict=True)}


def weight_float(weight: Decimal) -> float:
    """The float that `weights_exact` was given: the multiple of 2^-52 nearest to `weight`."""
    return round(float(weight) * _GRID) / _GRID


def price_exact(price: float) -> Decimal:
    """A price in USD as the Decimal of its shortest decimal form, at most 18 places.

    Raises ExactError for a price that is not a positive number or vanishes at 18 places.
    """
    if not math.isfinite(price) or price <= 0:
        raise ExactError(f"price: must be a positive number, got {price!r}")
    exact = Decimal(repr(float(price)))
    if exact.as_tuple().exponent < -_PLACES:  # type: ignore[operator]  # finite, so the exponent is an integer
        exact = exact.quantize(_QUANTUM)
    if exact == 0:
        raise ExactError(f"price: {price!r} vanishes at {_PLACES} decimal places")
    return exact
