"""What each published figure is: its name, unit, formula in words and in symbols, and where the convention is from.

Symbols: L level, r daily simple return, n returns, T calendar days, R returns of the reference, w weights.
"""

from indices.core.formulas.holdings import HOLDINGS
from indices.core.formulas.series import SERIES
from indices.core.formulas.terms import Formula

__all__ = ["FORMULAS", "SECTIONS", "Formula", "of_section"]

FORMULAS: dict[str, Formula] = {formula.key: formula for formula in (*SERIES, *HOLDINGS)}
"""Every figure by key, in the order in which it is shown."""

SECTIONS = {
    "performance": "Return",
    "risk": "Risk",
    "relative": "Against the reference",
    "composition": "What it is like",
    "attribution": "Where the difference comes from",
    "contributions": "What each token brought",
    "capacity": "How much money it can carry",
    "falls": "Falls",
    "months": "Months and years",
    "rolling": "Moving windows",
}
"""Section key -> its title, in the order in which they are shown."""


def of_section(section: str) -> list[Formula]:
    """The formulas of one section, in order."""
    return [formula for formula in FORMULAS.values() if formula.section == section]
