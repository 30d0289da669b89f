"""What goes wrong on purpose, by a seed: the same seed gives the same misfortunes in the same order."""

import random
import threading
from collections import Counter, deque
from dataclasses import dataclass

KINDS = ("rate-limit", "server-error", "html-error", "drop-before", "drop-after", "reject")
"""429 with Retry-After; 503 in Binance's shape (execution unknown); a proxy's 502 page; the connection closed before
anything was done, or after everything was; an order refused."""


class FaultError(ValueError):
    """A fault that there is not; the message says which there are."""


@dataclass
class Faults:
    """`rates` in millionths per kind; `planned` come first, one to a request that acts."""

    rates: dict[str, int]
    seed: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.rates) - set(KINDS))
        if unknown:
            raise FaultError(f"fault: there is no {unknown[0]!r}; use {', '.join(KINDS)}")
        if any(not 0 <= rate <= 1_000_000 for rate in self.rates.values()):
            raise FaultError("fault: a rate must be between 0 and 1")
        self._dice = random.Random(self.seed)  # noqa: S311 - misfortune that repeats itself, not a secret
        self._lock = threading.Lock()
        self.planned: deque[str] = deque()
        self.happened: Counter[str] = Counter()

    def next(self) -> str | None:
        """What happens to the request at hand."""
        with self._lock:
            kind = self.planned.popleft() if self.planned else self._drawn()
            if kind is not None:
                self.happened[kind] += 1
            return kind

    def _drawn(self) -> str | None:
        for kind in KINDS:
            if self._dice.randrange(1_000_000) < self.rates.get(kind, 0):
                return kind
        return None
