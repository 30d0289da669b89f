"""Dealing cycles: planned over all portfolios at once, traded through block orders, settled per portfolio."""

from portfolios.services.execution.cycles import DealingSummary, cycle_advance, dealing_run
from portfolios.services.execution.planning import cycle_open
from portfolios.services.execution.venue import VenueMismatch

__all__ = ["DealingSummary", "VenueMismatch", "cycle_advance", "cycle_open", "dealing_run"]
