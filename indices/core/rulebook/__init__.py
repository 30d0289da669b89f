"""The rulebook of an index and the one function that turns it into target weights."""

from indices.core.rulebook.clauses import Rulebook, RulebookError
from indices.core.rulebook.deciding import Decision, DecisionError, Holding, Outlook, decide, lookback_days

__all__ = [
    "Decision",
    "DecisionError",
    "Holding",
    "Outlook",
    "Rulebook",
    "RulebookError",
    "decide",
    "lookback_days",
]
