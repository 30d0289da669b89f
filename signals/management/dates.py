"""Days as people type them on a command line."""

from datetime import date


class DayError(ValueError):
    """A day on the command line is none; the message names the option."""


def day_of(name: str, text: str | None) -> date | None:
    """The day that `text` names, None for None. Raises DayError, which names the option `name`."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DayError(f"{name}: must be a day such as 2022-06-30, got {text!r}") from error
