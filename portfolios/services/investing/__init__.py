"""An investor's wishes: each is checked, its money is set aside, and it waits for the next dealing."""

from portfolios.selectors.minimums import MINIMUM_INVESTMENT
from portfolios.services.investing.placing import order_cancel, order_stake
from portfolios.services.investing.switching import switch, switch_cancel, switches_advance
from portfolios.services.investing.wishes import invest, investable, redeem
from portfolios.services.payments import checked_amount

__all__ = [
    "MINIMUM_INVESTMENT",
    "checked_amount",
    "invest",
    "investable",
    "order_cancel",
    "order_stake",
    "redeem",
    "switch",
    "switch_cancel",
    "switches_advance",
]
