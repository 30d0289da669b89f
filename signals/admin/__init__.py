"""The back office of the room. Each module registers the tables of one family."""

from signals.admin import guarding, learning, market, restating

__all__ = ["guarding", "learning", "market", "restating"]
