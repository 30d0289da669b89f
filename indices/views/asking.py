"""What the address of a factsheet asks for: the stretch of days, the scale, the rolling window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from django.http import QueryDict

RANGES = {"1m": ("1M", 30), "3m": ("3M", 91), "1y": ("1Y", 365), "all": ("All", None)}
SCALES = {"auto": "Auto", "linear": "Linear", "log": "Log"}
WINDOWS = {30: "30 days", 90: "90 days", 365: "1 year"}
OWN = "own"
PLAIN: dict[str, str | int] = {"scale": "auto", "window": 90}
"""What an address leaves out."""


@dataclass(frozen=True)
class Choice:
    """One of a few exclusive links."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Asked:
    """`start` is set where the range is one's own. `complaint` says what could not be read, and what was taken
    instead."""

    range: str = "1y"
    start: date | None = None
    scale: str = "auto"
    window: int = 90
    complaint: str = ""

    @classmethod
    def read(cls, query: QueryDict, *, day: date) -> Asked:
        """What `query` asks for on the market day `day`; unknown values are those of the plain address."""
        chosen, scale, window = (
            query.get("range", "1y"),
            query.get("scale", "auto"),
            query.get("window", "90"),
        )
        asked = cls(
            range=chosen if chosen in RANGES else "1y",
            scale=scale if scale in SCALES else "auto",
            window=next((days for days in WINDOWS if str(days) == window), 90),
        )
        written = query.get("start", "").strip()
        if not written or "range" in query:
            return asked
        try:
            start = date.fromisoformat(written)
        except ValueError:
            return replace(
                asked, complaint=f"start: write a day like 2021-06-30, not {written[:20]!r}. This is 1Y."
            )
        if start >= day:
            return replace(asked, complaint=f"start: must lie before {day:%-d %B %Y}. This is 1Y.")
        return replace(asked, range=OWN, start=start)

    def first_day(self, day: date) -> date | None:
        """The first day asked for, None for the whole history."""
        if self.range == OWN:
            return self.start
        days = RANGES[self.range][1]
        return None if days is None else day - timedelta(days=days)

    def href(self, **changed: str | int) -> str:
        """The address of the same with something `changed`, without what is the default anyway."""
        values: dict[str, str | int] = {"range": self.range, "scale": self.scale, "window": self.window}
        if self.start is not None and "range" not in changed:
            del values["range"]
            values["start"] = self.start.isoformat()
        kept = {key: value for key, value in (values | changed).items() if PLAIN.get(key) != value}
        return f"?{urlencode(kept)}"

    def ranges(self) -> list[Choice]:
        """The links of the ranges."""
        return [Choice(label, self.href(range=key), key == self.range) for key, (label, _) in RANGES.items()]

    def scales(self) -> list[Choice]:
        """The links of the scales."""
        return [Choice(label, self.href(scale=key), key == self.scale) for key, label in SCALES.items()]

    def windows(self) -> list[Choice]:
        """The links of the rolling windows."""
        return [Choice(label, self.href(window=days), days == self.window) for days, label in WINDOWS.items()]

    def hidden(self) -> dict[str, str | int]:
        """What a form that asks for another start carries along."""
        values: dict[str, str | int] = {"scale": self.scale, "window": self.window}
        return {key: value for key, value in values.items() if PLAIN[key] != value}
