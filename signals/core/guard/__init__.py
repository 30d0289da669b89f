"""The price guard: which price may be believed, which move needs confirming, and what a depeg stops."""

from signals.core.guard.consensus import Consensus, Drop, Dropped, Quote, consensus
from signals.core.guard.daily import DailyMarks, guard_daily
from signals.core.guard.memory import guard_dict, guard_state, peg_dict, peg_state
from signals.core.guard.peg import PegLevel, PegRules, PegState, PegVerdict
from signals.core.guard.rules import DAILY, NAV, TRADING, GuardRules
from signals.core.guard.state import Cause, GuardState, Pending, Status, Verdict

__all__ = [
    "DAILY",
    "NAV",
    "TRADING",
    "Cause",
    "Consensus",
    "DailyMarks",
    "Drop",
    "Dropped",
    "GuardRules",
    "GuardState",
    "PegLevel",
    "PegRules",
    "PegState",
    "PegVerdict",
    "Pending",
    "Quote",
    "Status",
    "Verdict",
    "consensus",
    "guard_daily",
    "guard_dict",
    "guard_state",
    "peg_dict",
    "peg_state",
]
