"""One index on one sheet: the page, CSV, JSON and PDF are all written from what `factsheet` gives."""

from indices.selectors.factsheet.sheet import Cell, Factsheet, Row, Section, factsheet

__all__ = ["Cell", "Factsheet", "Row", "Section", "factsheet"]
