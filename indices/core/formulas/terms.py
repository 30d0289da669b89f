"""How a figure is described: units, sources, and what stands where."""

from dataclasses import dataclass

PERCENT, SIGNED, RATIO, DAYS, COUNT, USD, LEVEL, POINTS = (
    "percent",
    "signed percent",
    "ratio",
    "days",
    "count",
    "USD",
    "level",
    "points of the level",
)
OURS = "our own rule"
CFA = "CFA Institute, Global Investment Performance Standards (GIPS)"
SHARPE = "Sharpe, The Sharpe Ratio (1994), risk-free rate 0"
SORTINO = "Sortino and Price, Performance Measurement in a Downside Risk Framework (1994), target 0"
YOUNG = "Young, Calmar Ratio: A Smoother Tool (1991), over the whole span"
TAILS = "historical simulation; CVaR as in Rockafellar and Uryasev (2000)"
MOMENTS = "population moments, as in scipy.stats"
SLOPE = "Sharpe, Capital Asset Prices (1964)"
ACTIVE = "Grinold and Kahn, Active Portfolio Management (1999)"
CAPTURE = "Morningstar, upside and downside capture ratios, on whole calendar months"
CREMERS = "Cremers and Petajisto, How Active Is Your Fund Manager? (2009)"
HERFINDAHL = "Herfindahl (1950); its inverse"
BRINSON = "Brinson and Fachler (1985) name by name, days linked by Carino (1999)"
IMPACT = "square-root law of market impact, Almgren et al., Direct Estimation of Equity Market Impact (2005)"


@dataclass(frozen=True)
class Formula:
    """One figure. `unit` says how it is written; `section` where it stands on a factsheet."""

    key: str
    name: str
    section: str
    unit: str
    words: str
    symbols: str
    source: str
