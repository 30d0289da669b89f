"""What a decision must not do, checked after it is made and before it counts; a refused one is held.

The checks read only what the decision read, so a live decision and one of a backfill are refused alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indices.core import trades
from indices.core.capping import CappingError
from indices.core.eligibility import Readings, window_start
from indices.core.overlay import OverlayError
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.deciding import Outcome, determine, held

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Columns = npt.NDArray[np.intp]

SUM_TOLERANCE = 1e-9
AT_ONCE = "guard: too much at once: "
"""How the reason begins that holds a decision once and no more."""
# A decision that is held because its own rules say that nothing is worth a trade: nobody needs to be called.
QUIET = ("drift of ", "every trade is smaller ")


@dataclass(frozen=True)
class Guard:
    """The bounds of sanity. `max_turnover` is the sum of |target - drifted| without what an overlay moves (2 is
    everything); `min_priced` the share of what is held that must have a price of the day itself."""

    max_turnover: float = 1.5
    min_priced: float = 0.5


@dataclass(frozen=True, eq=False)
class Proposal:
    """What is to be judged: `target` and `drifted` are [asset] weights, `priced` says who has a close of the day,
    `alive` who had one within the days after which silence is death, `shelter` who belongs to the overlay's basket."""

    target: Array
    drifted: Array
    priced: Mask
    alive: Mask
    shelter: Mask


def refusal(guard: Guard, rulebook: Rulebook, proposal: Proposal, *, spared: bool = False) -> str:
    """Why the proposal must not be traded, in plain words; empty where nothing speaks against it.

    The first purchase is only checked for numbers: there is nothing to go on holding instead. A turnover that was
    refused once, or comes of new rules, is `spared` the second time: what is wanted twice is meant.
    """
    target, drifted = proposal.target, proposal.drifted
    if not sane_weights(target):
        return "guard: the weights are not positive numbers that sum to 1"
    if not drifted.any():
        return ""
    share = priced_share(proposal)
    if share < guard.min_priced:
        return f"guard: only {share:.0%} of what is held has a price of the day, {guard.min_priced:.0%} is needed"
    if alone(rulebook, proposal):
        return "guard: one asset would be the whole index, which the rules do not want"
    budget = rulebook.trading.max_turnover
    whole = trades.turnover(target, drifted)
    if budget is not None and whole > budget + SUM_TOLERANCE:
        return f"guard: a turnover of {whole:.2f} is above the budget of {budget:.2f}"
    moved = turnover_of_the_risky(proposal)
    if moved > guard.max_turnover and not spared:
        return (
            f"{AT_ONCE}a turnover of {moved:.2f} is above {guard.max_turnover:.2f}, "
            "it is traded if the next decision wants it too"
        )
    return ""


def determined(
    guard: Guard | None,
    read: Readings,
    at: int,
    rulebook: Rulebook,
    *,
    drifted: Array,
    grades: Array | None,
    regime: float | None,
    spared: bool = False,
) -> Outcome:
    """The outcome of `deciding.determine`, held where `guard` refuses it; without a guard just that."""
    if guard is None:
        return determine(read, at, rulebook, drifted=drifted, grades=grades, regime=regime)
    try:
        outcome = determine(read, at, rulebook, drifted=drifted, grades=grades, regime=regime)
    except (CappingError, OverlayError) as error:
        return held(read, drifted, f"guard: {error}", None)
    if outcome.held:
        return outcome
    why = refusal(guard, rulebook, proposal(read, at, rulebook, outcome, drifted), spared=spared)
    return held(read, drifted, why, outcome.chosen) if why else outcome


def proposal(read: Readings, at: int, rulebook: Rulebook, outcome: Outcome, drifted: Array) -> Proposal:
    """`outcome` with what is known of the prices of what is held, as the checks want it."""
    row, panel = int(read.rows[at]), read.panel
    target = np.zeros(len(drifted))
    target[outcome.columns] = outcome.weights
    columns = np.flatnonzero(drifted > 0)
    low = window_start(read.days, row, rulebook.delisting.after_missing_days + 1)
    known = ~np.isnan(panel.close[low : row + 1].take(columns, axis=1))
    priced, alive, shelter = (np.zeros(len(drifted), dtype=bool) for _ in range(3))
    priced[columns], alive[columns] = known[-1], known.any(axis=0)
    if read.course is not None:
        # A halted asset is meant to have no price.
        priced |= read.course.halted(row)
    if rulebook.overlay.regime:
        basket = rulebook.overlay.basket
        shelter[[column for column, asset in enumerate(panel.assets) if asset in basket]] = True
    return Proposal(target, drifted, priced, alive, shelter)


def sane_weights(weights: Array) -> bool:
    """Whether the weights are finite, none negative, and sum to 1."""
    finite = bool(np.isfinite(weights).all())
    return finite and bool((weights >= 0).all()) and abs(math.fsum(weights.tolist()) - 1.0) <= SUM_TOLERANCE


def sane_levels(levels: list[float]) -> bool:
    """Whether every level is a finite number above zero."""
    return all(math.isfinite(level) and level > 0 for level in levels)


def priced_share(proposal: Proposal) -> float:
    """The share of what is held and not dead that has a price of the day; 1 where nothing is alive."""
    living = proposal.drifted[proposal.alive].sum()
    if not living > 0:
        return 1.0
    return float(proposal.drifted[proposal.alive & proposal.priced].sum() / living)


def alone(rulebook: Rulebook, proposal: Proposal) -> bool:
    """Whether several assets would give way to a single one, outside the basket, that the rules cap below 100 %."""
    kept = np.flatnonzero(proposal.target > 0)
    most = rulebook.weighting.max_weight_largest or rulebook.weighting.max_weight
    if len(kept) != 1 or most >= 1 or proposal.shelter[kept[0]]:
        return False
    return int((proposal.drifted > 0).sum()) > 1


def turnover_of_the_risky(proposal: Proposal) -> float:
    """Sum of |target - drifted| of what is not in the basket, each side scaled to 1: what an overlay moves is not in
    it. 0 where one side has nothing at risk."""
    before = np.where(proposal.shelter, 0.0, proposal.drifted)
    after = np.where(proposal.shelter, 0.0, proposal.target)
    if not before.sum() > 0 or not after.sum() > 0:
        return 0.0
    return trades.turnover(after / after.sum(), before / before.sum())


def alarming(held: str) -> bool:
    """Whether a held decision is one that somebody must look at."""
    return bool(held) and not held.startswith(QUIET)
