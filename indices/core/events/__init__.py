"""What happens to assets beside their prices: redenominations, forks and airdrops, halts, delistings.

An event acts at the first close at or after its day, on what is held from an earlier close on: it changes how many
units a holder has, or whether they can be traded. No price before it changes, so a decision made earlier stays as it
was. Without an event a move is what the prices say. The market cap is taken as it is given.
"""

from indices.core.events.courses import Course, course, reach_back
from indices.core.events.kinds import Airdrop, Delisting, Event, EventError, Halt, Redenomination
from indices.core.events.reading import events_from, events_from_yaml

__all__ = [
    "Airdrop",
    "Course",
    "Delisting",
    "Event",
    "EventError",
    "Halt",
    "Redenomination",
    "course",
    "events_from",
    "events_from_yaml",
    "reach_back",
]
