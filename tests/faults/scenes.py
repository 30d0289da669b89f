"""What must have happened before some faults can bite. Every second schedule begins with one of these scenes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """Steps in this order, one person's as far as a person takes them: verbs of People, chores, or other actions of a
    schedule; with an exclamation mark the process dies, if it lives long enough. `faults` is how likely venue and bank
    go wrong meanwhile, `lateness` and `brags` what the venue makes of it, `size` how many times the usual amounts are
    asked for."""

    name: str
    steps: tuple[str, ...]
    faults: float = 0.3
    size: int = 1
    lateness: float = 0.15
    brags: float = 0.12


SCENES = (
    Scene("stopped before it is sent", ("invest", "redeem", "pause", "tick", "tick")),
    Scene("frozen before it is sent", ("invest", "freeze", "tick")),
    Scene("a venue that hardly answers", ("invest", "tick", "tick!", "tick"), faults=0.9),
    Scene("orders that arrive late", ("invest", "tick", "tick"), faults=0.9, lateness=0.45),
    Scene("a venue that reports too much", ("invest", "tick", "tick"), brags=3.0),
    Scene("cancelled while it is dealt", ("invest", "tick", "cancel", "cancel"), faults=0.9),
    Scene("cancelled before it is dealt", ("invest", "cancel", "tick")),
    Scene("asked again with a key", ("keyed!", "retry", "keyed!", "retry")),
    Scene("asked again with a reference", ("deposit!", "retry", "card!", "retry")),
    Scene("a bank that hardly answers", ("payout", "payout", "payments!", "payments"), faults=0.9),
    Scene("stopped while it leaves", ("payout", "payments!", "stop", "payments!"), faults=0.2),
    Scene("paid by page and disputed", ("card", "bank", "message", "bank", "message", "bank", "message")),
    Scene("a large investor", ("deposit", "invest", "tick", "redeem", "tick"), faults=0.1, size=1000),
)

OWNERS_SCENES = (
    Scene("a portfolio of one's own", ("open", "fund", "tick!", "draw", "tick!", "tick")),
    Scene("sold while it is bought", ("tick", "fund", "draw", "draw", "tick!", "tick", "tick")),
    Scene("books follow a decision", ("tick!", "choose", "decision", "tick!", "tick!", "tick"), faults=0.2),
    Scene("chosen while it is dealt", ("tick", "fund", "tick", "choose", "decision", "tick!"), faults=0.9),
    Scene("all of it is sold", ("tick", "empty", "tick!", "fund", "tick", "empty", "tick"), faults=0.2),
    Scene("cancelled before books are dealt", ("fund", "cancel", "tick", "draw", "cancel", "tick")),
    Scene("two must say yes", ("large", "approve", "approve", "payments!", "payments!"), faults=0.5),
    Scene("one says no", ("large", "approve", "refuse", "approve", "payments", "payments"), faults=0.1),
    Scene("nobody says yes", ("large", "approve", "later", "approve", "payments", "payments")),
    Scene("paid by the month", ("subscribe", "day", "subscribe!", "month", "subscriptions!"), faults=0.6),
    Scene("their own", ("large", "approve", "stop", "approve!", "approve", "payments!", "payments")),
)
"""Of schedules with personal portfolios and with staff."""
