"""Questions put to the indices: what they are, what they hold, how they have done."""

from indices.selectors.attribution import (
    Attributed,
    Capacity,
    Contributions,
    attribution,
    capacity,
    contributions_of,
)
from indices.selectors.beginnings import Beginning, beginning
from indices.selectors.closes import close_marks, level_marks
from indices.selectors.custom import (
    CUSTOM_PREFIX,
    TokenName,
    base_index,
    base_rulebook,
    custom_choices,
    custom_rulebook,
    is_custom,
    token_names,
)
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
from indices.selectors.receipts import (
    KeyRow,
    ReceiptLine,
    ReceiptMark,
    ReceiptRow,
    index_open,
    receipt,
    receipt_lines,
    receipt_list,
    receipt_marks,
    sealed_decisions,
    signing_keys,
)
from indices.selectors.references import Reference, reference
from indices.selectors.restatements import Restated, levels_known, restated
from indices.selectors.standing import StandingNote, standing_note
from indices.selectors.statistics import Statistics, compared, rolling, statistics
from indices.selectors.twins import twin, twin_owner

__all__ = [
    "CUSTOM_PREFIX",
    "Attributed",
    "Beginning",
    "Capacity",
    "Contributions",
    "HoldingRow",
    "IndexNotFound",
    "KeyRow",
    "Performance",
    "RebalanceRow",
    "ReceiptLine",
    "ReceiptMark",
    "ReceiptRow",
    "Reference",
    "Restated",
    "StandingNote",
    "Statistics",
    "TokenName",
    "VersionRow",
    "WeightChange",
    "attribution",
    "base_index",
    "base_rulebook",
    "beginning",
    "capacity",
    "close_marks",
    "compared",
    "contributions_of",
    "custom_choices",
    "custom_rulebook",
    "decision_in_force",
    "decision_latest",
    "decisions",
    "decisions_due",
    "holdings",
    "index",
    "index_list",
    "index_open",
    "is_custom",
    "level_marks",
    "levels",
    "levels_known",
    "mark_prices",
    "performance",
    "rebalance_history",
    "receipt",
    "receipt_lines",
    "receipt_list",
    "receipt_marks",
    "reference",
    "restated",
    "rolling",
    "rulebook",
    "rulebook_versions",
    "sealed_decisions",
    "signing_keys",
    "standing_note",
    "statistics",
    "target_weights",
    "token_names",
    "twin",
    "twin_owner",
]
