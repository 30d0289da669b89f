"""Documents to take away: the factsheet as CSV, JSON and PDF, and the methodology as PDF."""

from indices.services.documents.data import factsheet_csv, factsheet_json
from indices.services.documents.factsheet import factsheet_pdf
from indices.services.documents.methodology import methodology_pdf

__all__ = ["factsheet_csv", "factsheet_json", "factsheet_pdf", "methodology_pdf"]
