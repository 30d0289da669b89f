"""The market's regime: a risk share in {0, 25, 50, 75, 100} %, filtered, with a ledger of what it saved and cost.

`regime(panel)` gives the whole history, `RegimeRules` every number it uses and why, `ledger` the price tag.
"""

from signals.core.regime.deciding import RegimeHistory, Standing, regime
from signals.core.regime.ledger import ledger
from signals.core.regime.market import RegimeError
from signals.core.regime.rules import RegimeRules

__all__ = ["RegimeError", "RegimeHistory", "RegimeRules", "Standing", "ledger", "regime"]
