"""Questions put to the indices: what they are, what they hold, how they have done."""

from indices.selectors.decisions import (
    decision_in_force,
    decision_latest,
    decisions,
    decisions_due,
    target_weights,
)
from indices.selectors.holdings import HoldingRow, holdings, mark_prices
from indices.selectors.indices import IndexNotFound, index, index_list, rulebook
from indices.selectors.methodology import VersionRow, rulebook_versions
from indices.selectors.performance import Performance, levels, performance
from indices.selectors.rebalances import RebalanceRow, WeightChange, rebalance_history

__all__ = [
    "HoldingRow",
    "IndexNotFound",
    "Performance",
    "RebalanceRow",
    "VersionRow",
    "WeightChange",
    "decision_in_force",
    "decision_latest",
    "decisions",
    "decisions_due",
    "holdings",
    "index",
    "index_list",
    "levels",
    "mark_prices",
    "performance",
    "rebalance_history",
    "rulebook",
    "rulebook_versions",
    "target_weights",
]
