"""How a long service says how far it is, without knowing who listens."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (step in plain words, rows or days done, rows or days in all); done == all ends the step."""


def silent(step: str, done: int, total: int) -> None:
    """Nobody listens."""
