"""How the parts of the quant page are made, in words."""

from signals.core.quant.falls import METHOD as FALLS
from signals.core.quant.levels import METHOD as LEVELS
from signals.core.quant.relations import BETA, CORRELATION
from signals.core.quant.scenarios import METHOD as SCENARIOS

METHODS = {
    "correlation": CORRELATION,
    "beta": BETA,
    "levels": LEVELS,
    "scenarios": SCENARIOS,
    "falls": FALLS,
}
