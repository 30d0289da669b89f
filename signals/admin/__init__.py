"""The back office of the room. Each module registers the tables of one family."""

from signals.admin import guarding, learning, market

__all__ = ["guarding", "learning", "market"]
