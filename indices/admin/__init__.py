"""The back office of the room. Each module registers the tables of one family."""

from indices.admin import receipts, restating, rules

__all__ = ["receipts", "restating", "rules"]
