"""What should be held: indices, their rulebook versions, decisions, target weights and levels."""

from indices.models.effects import IndexEffect, RebalanceCost
from indices.models.history import Decision, IndexLevel, TargetWeight
from indices.models.receipts import Receipt, SigningKey, WeightCommitment
from indices.models.restatement import LevelRevision
from indices.models.rules import Index, RulebookVersion

__all__ = [
    "Decision",
    "Index",
    "IndexEffect",
    "IndexLevel",
    "LevelRevision",
    "RebalanceCost",
    "Receipt",
    "RulebookVersion",
    "SigningKey",
    "TargetWeight",
    "WeightCommitment",
]
