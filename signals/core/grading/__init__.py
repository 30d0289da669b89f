"""Grades people can read: `grades` of a sample by two models, `walk_forward` of many dates, `usable` before use."""

from signals.core.grading.grades import COLUMNS, SIGNAL_MEAN, grades, walk_forward
from signals.core.grading.state import usable

__all__ = ["COLUMNS", "SIGNAL_MEAN", "grades", "usable", "walk_forward"]
