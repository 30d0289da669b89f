"""How strongly a figure is coloured, and how long its bar is. The figure itself is always written beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from signals.core.charting import share

STEPS = (0.02, 0.1, 0.25)
"""A change of less than the first is flat; each one passed is a shade stronger."""


@dataclass(frozen=True)
class Bar:
    """A bar to the right (gain) or to the left (loss) of `axis`, all in percent of the width."""

    left: str
    width: str
    is_gain: bool


def shade(change: float | None, *, steps: Sequence[float] = STEPS) -> str:
    """`up-1` to `up-3` for gains, `down-1` to `down-3` for losses, `flat`, or `none` where it is not known."""
    if change is None:
        return "none"
    passed = sum(abs(change) >= step for step in steps)
    if passed == 0:
        return "flat"
    return f"{'up' if change > 0 else 'down'}-{passed}"


def bars(values: Sequence[float]) -> tuple[str, list[Bar]]:
    """The place of zero, and a bar for each of `values` on one scale that holds them all. Zero is at the left edge
    where none is below it."""
    low, high = min([0.0, *values]), max([0.0, *values])
    wide = high - low
    if wide == 0:
        return "0.0%", [Bar("0.0%", "0.0%", is_gain=True) for _ in values]
    return share((0.0 - low) / wide), [
        Bar(share((min(value, 0.0) - low) / wide), share(abs(value) / wide), is_gain=value >= 0)
        for value in values
    ]
