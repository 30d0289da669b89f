"""When a portfolio is traded, and how far: two-stage drift bands and a turnover budget. Whole millionths throughout."""

from dataclasses import dataclass

PPM = 1_000_000


@dataclass(frozen=True)
class Bands:
    """Drift is half of sum |held - target| over the portfolio's value; all in millionths of that value.

    Up to `hold` nothing is sold and only cash is put to work; above it the portfolio is brought back to `hold`; above
    `full` it is brought all the way to target. `turnover` bounds what is bought and sold together. `smallest`
    (micro-dollars) is the least single trade, and `reserve` what purchases leave of the proceeds of sales for the cost
    of both. Both bands zero: always all the way.
    """

    hold: int = 0
    full: int = 0
    turnover: int = 2 * PPM
    smallest: int = 10_000
    reserve: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.hold <= self.full <= PPM:
            raise ValueError(f"bands: need 0 <= hold <= full <= {PPM}, got {self.hold} and {self.full}")
        if not (self.turnover >= 0 and self.smallest >= 0 and 0 <= self.reserve <= PPM):
            raise ValueError(
                "bands: turnover, smallest and reserve must not be negative, reserve at most one million"
            )


def way_to_go(drift: int, bands: Bands) -> int:
    """How much of the way to target is gone at this drift, in millionths, rounded down."""
    if bands.hold == bands.full == 0 or drift > bands.full:
        part = PPM
    else:
        part = max(0, drift - bands.hold) * PPM // max(drift, 1)
    # Both sides together move twice the drift.
    return min(part, bands.turnover * PPM // max(2 * drift, 1))
