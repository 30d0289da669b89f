"""Two plain sentences per token, from what its features added to its score."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signals.core.grading.facts import fact
from signals.core.panel import Array

_TENTHS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BETTER, WEAKER = "which has gone with better weeks", "which has gone with weaker weeks"


class Themes:
    """The themes of a list of features: which feature belongs to which."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.titles = tuple(dict.fromkeys(fact(name).theme for name in names))
        self.member = np.array(
            [[fact(name).theme == title for title in self.titles] for name in names], dtype=np.float64
        ).reshape(len(names), len(self.titles))

    def sentences(self, contributions: Array, ranks: npt.NDArray[np.floating], *, up: bool) -> list[str]:
        """Two sentences of one token: the theme that most explains its side (`up` over 50), then what speaks against.

        `contributions` and `ranks` are [feature]. Where nothing speaks against, the second theme on its side is told.
        """
        totals = contributions @ self.member
        side = 1.0 if up else -1.0
        order = np.argsort(-totals * side, kind="stable")
        first, last = int(order[0]), int(order[-1])
        out = [self._told(first, contributions, ranks)]
        if len(order) > 1:
            against = totals[last] * side < 0
            text = self._told(last if against else int(order[1]), contributions, ranks)
            out.append(f"Against that: {text[0].lower()}{text[1:]}" if against else text)
        return out

    def _told(self, theme: int, contributions: Array, ranks: npt.NDArray[np.floating]) -> str:
        members = np.flatnonzero(self.member[:, theme])
        good = float(contributions[members].sum()) >= 0
        own = contributions[members] if good else -contributions[members]
        at = int(members[int(np.argmax(own))])
        known = fact(self.names[at])
        place = float(ranks[at]) + 0.5
        words = known.more if place >= 0.5 else known.less
        tenths = min(max(round((place if place >= 0.5 else 1.0 - place) * 10), 5), 9)
        crowd = "half of the graded tokens" if tenths == 5 else f"{_TENTHS[tenths]} in ten graded tokens"
        return f"{words} than {crowd}{known.span}, {BETTER if good else WEAKER}."
