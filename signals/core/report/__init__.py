"""The validation report: every gate of the method, run on walk-forward scores, and published as it came out."""

from signals.core.report.gates import (
    WORDING,
    Chart,
    Column,
    Gate,
    Report,
    Section,
    Table,
    evidence_level,
)

__all__ = ["WORDING", "Chart", "Column", "Gate", "Report", "Section", "Table", "evidence_level"]
