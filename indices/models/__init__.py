"""What should be held: indices, their rulebook versions, decisions, target weights and levels."""

from indices.models.history import Decision, IndexLevel, TargetWeight
from indices.models.rules import Index, RulebookVersion

__all__ = ["Decision", "Index", "IndexLevel", "RulebookVersion", "TargetWeight"]
