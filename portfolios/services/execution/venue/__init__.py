"""Block orders at venues: driven to rest, every fill in the books exactly once."""

from portfolios.services.execution.venue.driving import (
    ABSENT_AFTER,
    MISSES_BEFORE_ABSENT,
    MOST_ATTEMPTS,
    orders_at_rest,
    orders_drive,
)
from portfolios.services.execution.venue.fills import VenueMismatch, fills_post

__all__ = [
    "ABSENT_AFTER",
    "MISSES_BEFORE_ABSENT",
    "MOST_ATTEMPTS",
    "VenueMismatch",
    "fills_post",
    "orders_at_rest",
    "orders_drive",
]
