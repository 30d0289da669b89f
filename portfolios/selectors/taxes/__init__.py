"""Tax lots: which units went out, what they had cost, and what was gained."""

from portfolios.selectors.taxes.choosing import RedemptionLots, redemption_lots
from portfolios.selectors.taxes.report import TaxReport, lots_for, tax_report, tax_years, year_of
from portfolios.selectors.taxes.sheet import METHODS, tax_digest, tax_sheet

__all__ = [
    "METHODS",
    "RedemptionLots",
    "TaxReport",
    "lots_for",
    "redemption_lots",
    "tax_digest",
    "tax_report",
    "tax_sheet",
    "tax_years",
    "year_of",
]
