"""What a token's price history says of it: return and risk, company it keeps, levels, and what-ifs.

Every figure carries its formula, and a reason where it cannot be told. 365 days make a year.
"""

from signals.core.quant.falls import Fall, market_falls, shared_falls
from signals.core.quant.figures import Figure, figure_list
from signals.core.quant.levels import Level, levels
from signals.core.quant.methods import METHODS
from signals.core.quant.relations import Relation, relation
from signals.core.quant.scenarios import Scenario, scenarios

__all__ = [
    "METHODS",
    "Fall",
    "Figure",
    "Level",
    "Relation",
    "Scenario",
    "figure_list",
    "levels",
    "market_falls",
    "relation",
    "scenarios",
    "shared_falls",
]
