"""Money that comes into personal portfolios and goes out of them: underweights are bought, overweights are sold.

One portfolio has one holder: what trading costs is the cost of whose order it is, and nobody else is touched.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolios.core.bulk.planning import PPM, WEIGHT_ONE, Block, Marks, Wishes, within
from portfolios.core.bulk.whole import Whole, muldiv
from portfolios.core.money import CENT


@dataclass(frozen=True, eq=False)
class Flow:
    """One order per portfolio at most. `coming` [portfolio] micro-dollars that are invested; `asked` [portfolio]
    micro-dollars or `share` [portfolio] millionths of the portfolio that are wanted back."""

    coming: Whole
    asked: Whole
    share: Whole

    def needed(self, worth: Whole) -> Whole:
        """Micro-dollars that are wanted back of portfolios of this `worth`; all of it where less than a cent would be
        left."""
        needed = np.maximum(self.asked, muldiv(worth, self.share, PPM))
        return np.where((needed > 0) & (needed > worth - CENT), worth, np.minimum(needed, worth))


def flow_wishes(block: Block, at: Marks, flow: Flow, smallest: int) -> Wishes:
    """What the orders want traded. An investment only buys, a redemption only sells; where nothing is ordered nothing
    is traded.

    An investment spends itself and what lies idle, in proportion to what each asset lacks, in legs of at least
    `smallest` micro-dollars. A redemption takes idle dollars first and then sells in proportion to the excess over the
    targets of what is left; all of a portfolio is sold whole.
    """
    held = at.values(block.quantities)
    worth = block.cash + held.sum(axis=0)
    needed = flow.needed(worth)
    after = worth + flow.coming - needed
    targets = muldiv(after, block.weights, WEIGHT_ONE)
    # What no asset is to have stays in dollars.
    dollars = after - targets.sum(axis=0)
    lacking = np.maximum(targets - held, 0) * (flow.coming > 0)
    spendable = np.maximum(block.cash + flow.coming - dollars, 0)
    kept = within(lacking, spendable) >= smallest
    buys = within(np.where(kept, lacking, 0), spendable)
    missing = needed - from_cash(block.cash, needed, dollars)
    excess = np.maximum(held - targets, 0) * (missing > 0)
    parts = np.minimum(muldiv(excess, missing, np.maximum(excess.sum(axis=0), 1)) + 1, excess)
    sells = np.where(parts > 0, np.minimum(at.quantities(parts) + 1, block.quantities), 0)
    everything = ((parts > 0) & (parts >= held)) | _emptied(needed, worth)
    return Wishes(np.where(everything, block.quantities, sells), buys, worth, np.zeros_like(worth))


def from_cash(cash: Whole, needed: Whole, dollars: Whole) -> Whole:
    """Of `needed`, what idle cash gives: what is there beyond the `dollars` that are to stay."""
    return np.minimum(needed, np.maximum(cash - dollars, 0))


def payouts(block: Block, at: Marks, flow: Flow, income: Whole, left: Whole) -> tuple[Whole, Whole]:
    """(paid out, dust) [portfolio] micro-dollars after sales that brought `income` [portfolio] and `left`
    [asset x portfolio] base units.

    Paid out is what idle cash and the sales gave, in whole cents; the rest of a cent stays in the portfolio, and where
    nothing else is left in it, it is dust.
    """
    worth = block.cash + at.values(block.quantities).sum(axis=0)
    needed = flow.needed(worth)
    after = worth - needed
    dollars = after - muldiv(after, block.weights, WEIGHT_ONE).sum(axis=0)
    whole = _emptied(needed, worth)
    given = np.where(
        whole, block.cash + income, np.minimum(from_cash(block.cash, needed, dollars) + income, needed)
    )
    given = np.where(needed > 0, given, 0)
    paid = given // CENT * CENT
    empty = whole & ~left.any(axis=0)
    return paid, np.where(empty, block.cash + income - paid, 0)


def _emptied(needed: Whole, worth: Whole) -> npt.NDArray[np.bool_]:
    return np.asarray((needed > 0) & (needed == worth))
