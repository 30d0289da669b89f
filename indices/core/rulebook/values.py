"""Readers of single rulebook values: each returns the checked value or raises, naming the clause."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Reader = Callable[[str, Any], Any]

_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d{1,3}")
_SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


class RulebookError(ValueError):
    """A rulebook cannot be used; the message names the clause, what it must be and what it was."""

    def __init__(self, clause: str, message: str) -> None:
        super().__init__(f"{clause}: {message}")
        self.clause = clause


@dataclass(frozen=True)
class Threshold:
    """A screen with two doors: `enter` for newcomers and the lower `stay` for incumbents. USD."""

    enter: float
    stay: float


def number(low: float, high: float = math.inf, *, above: bool = False) -> Reader:
    """Reads a float in [low, high], or in (low, high] where `above`."""

    def read(clause: str, value: Any) -> float:
        # YAML 1.1 takes 1.0e7 for text: it wants a sign in the exponent, people do not.
        if isinstance(value, str) and _EXPONENT.fullmatch(value):
            value = float(value)
        inside = _is_number(value) and (value > low if above else value >= low) and value <= high
        if not inside:
            if high == math.inf:
                raise RulebookError(
                    clause, f"must be a number {'above' if above else 'of at least'} {low:g}, got {value!r}"
                )
            raise RulebookError(
                clause, f"must be in {'(' if above else '['}{low:g}, {high:g}], got {value!r}"
            )
        return float(value)

    return read


def whole(low: int, high: int | None = None) -> Reader:
    """Reads an integer in [low, high]."""

    def read(clause: str, value: Any) -> int:
        fits = (
            _is_number(value)
            and float(value).is_integer()
            and value >= low
            and (high is None or value <= high)
        )
        if not fits:
            bounds = f"of at least {low}" if high is None else f"in [{low}, {high}]"
            raise RulebookError(clause, f"must be a whole number {bounds}, got {value!r}")
        return int(value)

    return read


def choice(*options: str) -> Reader:
    """Reads one of `options`."""

    def read(clause: str, value: Any) -> str:
        if value not in options:
            raise RulebookError(clause, f"must be one of {', '.join(options)}, got {value!r}")
        return str(value)

    return read


def optional(reader: Reader) -> Reader:
    """Reads null, or what `reader` reads."""

    def read(clause: str, value: Any) -> Any:
        return None if value is None else reader(clause, value)

    return read


def flag(clause: str, value: Any) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise RulebookError(clause, f"must be true or false, got {value!r}")
    return value


def text(clause: str, value: Any) -> str:
    """Reads a string."""
    if not isinstance(value, str):
        raise RulebookError(clause, f"must be text, got {value!r}")
    return value


def slug(clause: str, value: Any) -> str:
    """Reads lower-case letters, digits and single separators."""
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise RulebookError(clause, f"must be lower-case letters, digits and hyphens, got {value!r}")
    return value


def names(clause: str, value: Any) -> tuple[str, ...]:
    """Reads a list of names; they come back sorted and once each, because their order means nothing."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise RulebookError(clause, f"must be a list of names, got {value!r}")
    return tuple(sorted(set(value)))


def day(clause: str, value: Any) -> date:
    """Reads a date, or its text such as 2018-01-01."""
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise RulebookError(clause, f"must be a date such as 2018-01-01, got {value!r}") from error


def threshold(clause: str, value: Any) -> Threshold:
    """Reads {enter, stay}; a plain number is both, and a missing `stay` equals `enter`."""
    amount = number(0)
    if not isinstance(value, Mapping):
        both = amount(clause, value)
        return Threshold(both, both)
    unknown = sorted(set(value) - {"enter", "stay"})
    if unknown:
        raise RulebookError(f"{clause}.{unknown[0]}", "is not a field; use enter, stay")
    if "enter" not in value:
        raise RulebookError(f"{clause}.enter", "is required where a threshold is given")
    enter = amount(f"{clause}.enter", value["enter"])
    stay = amount(f"{clause}.stay", value.get("stay", enter))
    if stay > enter:
        raise RulebookError(f"{clause}.stay", f"must not exceed enter ({enter:g}), got {stay:g}")
    return Threshold(enter, stay)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
