"""The rulebook of an index and the one function that turns it into target weights."""

from indices.core.rulebook.clauses import Rulebook, RulebookError
from indices.core.rulebook.deciding import Decision, DecisionError, Holding, decide, lookback_days

__all__ = ["Decision", "DecisionError", "Holding", "Rulebook", "RulebookError", "decide", "lookback_days"]
