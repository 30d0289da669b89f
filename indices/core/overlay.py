"""The regime overlay: part of the index waits in stablecoins."""

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class OverlayError(ValueError):
    """The overlay cannot be applied; the message names the clause."""


def with_risk_share(weights: Array, risk_share: float) -> tuple[Array, float]:
    """Weights scaled to `risk_share` (fraction 0 to 1), and the fraction that goes to the risk-off asset."""
    if not 0.0 <= risk_share <= 1.0:
        raise OverlayError(f"overlay.regime: the risk share must be in [0, 1], got {risk_share!r}")
    return weights * risk_share, 1.0 - risk_share


def placed(
    waiting: float, shares: Array, priced: npt.NDArray[np.bool_], max_issuer: float
) -> tuple[Array, float]:
    """What of `waiting` (fraction of the index) goes into each asset of a basket, [asset], and what finds no place.

    `shares` sum to 1. An asset without a price takes nothing, the others take it up in proportion; none takes more than
    `max_issuer` of the index, and what lies above goes to those below it. What finds no place then stays invested.
    """
    if len(shares) == 1 and max_issuer >= 1.0 and priced[0]:
        return np.array([waiting]), 0.0
    result, left = np.zeros(len(shares)), waiting
    free = priced.copy()
    while free.any() and left > 0:
        wanted = result + np.where(free, left * shares / math.fsum(shares[free].tolist()), 0.0)
        full = free & (wanted >= max_issuer)
        if not full.any():
            return wanted, 0.0
        result[full] = max_issuer
        free &= ~full
        left = waiting - math.fsum(result.tolist())
    return result, max(waiting - math.fsum(result.tolist()), 0.0)
