"""The regime overlay: part of the index waits in a stablecoin."""

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
