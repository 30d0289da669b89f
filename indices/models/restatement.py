"""Levels as they were published before they were computed again."""

from django.db import models
from django.db.models import Q

from indices.models.rules import Index


class LevelRevision(models.Model):
    """The level of one day that was in force until `known_until`, when `restatement` replaced it. Append-only."""

    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="+", db_index=False)
    date = models.DateField()
    level = models.FloatField()
    known_until = models.DateTimeField()
    restatement = models.ForeignKey("signals.Restatement", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["index", "date", "known_until"]
        constraints = [
            models.UniqueConstraint(fields=["index", "date", "known_until"], name="level_revision_key"),
            models.CheckConstraint(condition=Q(level__gt=0), name="level_revision_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.index_id} {self.date} {self.level:.2f} until {self.known_until:%Y-%m-%d %H:%M}"
