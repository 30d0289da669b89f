"""The regime in plain words, every one of them made from its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from signals.core import figures
from signals.core.regime.ledger import worst_fall
from signals.core.regime.rules import CORRELATION_DAYS, RegimeRules

FOR, AGAINST, LESS, NO_VOTE, UNKNOWN = "for", "against", "shrinks", "no vote", "unknown"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Values = Mapping[str, float | None]


@dataclass(frozen=True)
class Line:
    """One reading: its figure as written, what it does to the share, and what that means."""

    name: str
    title: str
    shown: str
    vote: str
    text: str


@dataclass(frozen=True)
class Held:
    """Holding the same share all the time: what 1 became, and its worst fall (fraction, negative)."""

    value: float
    drawdown: float


def lines(readings: Values, rules: RegimeRules, *, leader: str) -> list[Line]:
    """Every reading of a day in words; `leader` is the name of the largest token."""
    found = []
    for line, who in (("trend", "The market"), ("leader", leader or "The largest token")):
        for days in rules.trend_days:
            name = f"{line}_{days}"
            value = readings.get(name)
            title = f"{who}, {days} days"
            if value is None:
                found.append(_unknown(name, title))
                continue
            way = "above" if value > 0 else "below"
            text = f"{who} stands {figures.percent(abs(value), 1)} {way} its mean of {days} days."
            found.append(
                Line(name, title, figures.signed_percent(value, 1), FOR if value > 0 else AGAINST, text)
            )
    found += [_breadth(readings, rules), *_scale(readings, rules), *_watched(readings)]
    return [*found, *_observed(readings, leader or "The largest token")]


def verdict(share: int) -> str:
    """A risk share in percent, in one word or two."""
    return {0: "Out of the market", 25: "Mostly out", 50: "Half in", 75: "Mostly in", 100: "All in"}[share]


def reckoning(readings: Values, wanted: float | None, rules: RegimeRules) -> str:
    """How the readings become the share that is wanted; the sum of the lines above it."""
    if wanted is None:
        return "Too little is known to decide anything: the last share stands."
    votes = [line.vote for line in lines(readings, rules, leader="") if line.vote in (FOR, AGAINST)]
    volatility = readings.get("volatility") or 0.0
    scale = min(1.0, rules.volatility_target / max(volatility, 1e-9))
    return (
        f"{votes.count(FOR)} of {len(votes)} votes are for the market, times {scale:.2f} for its volatility: "
        f"{figures.percent(wanted, 0)} wanted. The share moves to the nearest of five steps, once what is wanted lies "
        f"{100 * rules.move_at:g} points or more from where it stands."
    )


def next_look(day: date, rules: RegimeRules) -> date:
    """The next day after `day` whose close decides."""
    return day + timedelta(days=(rules.weekday - day.weekday() - 1) % 7 + 1)


def held_alike(passive: Sequence[float], share: float) -> Held:
    """Holding `share` (fraction) of the market on every day, the rest in cash; `passive` [date] is its value line."""
    line = np.asarray(passive, dtype=np.float64)
    if len(line) < 2:
        return Held(1.0, 0.0)
    value = np.cumprod(1 + share * (line[1:] / line[:-1] - 1), dtype=np.float64)
    return Held(float(value[-1]), float(worst_fall(value)[-1]))


def account(ledger: Values, *, first: date, day: date, alike: Held) -> list[str]:
    """What following the regime from `first` to `day` saved and cost, in five sentences.

    `alike` held its average share all the time: the difference to it is what timing did.
    """
    kept = {name: value or 0.0 for name, value in ledger.items()}
    followed, passive = 1000 * kept["followed"], 1000 * kept["passive"]
    end = "more" if followed > passive else "less"
    smaller = "no more" if alike.drawdown >= kept["followed_drawdown"] else "more"
    timing = "added" if followed > 1000 * alike.value else "took away"
    made = (
        f"From {first:%-d %B %Y} to {day:%-d %B %Y} following it would have made {_whole(followed)} out of "
        f"1,000, {end} than the {_whole(passive)} of staying in the market."
    )
    fell = (
        f"Its worst fall was {_share(-kept['followed_drawdown'])}, "
        f"the market’s {_share(-kept['passive_drawdown'])}."
    )
    stood = (
        f"It was in cash {_share(kept['cash'])} of the time. That kept it out of {_share(kept['loss_avoided'])} of "
        f"the sum of all daily falls, and out of {_share(kept['upside_missed'])} of all daily rises."
    )
    paid = f"It moved {kept['switches']:.0f} times, which cost {_share(kept['cost'], 1)} of its value altogether."
    compared = (
        f"Holding {_share(1 - kept['cash'])} of the market on every day, without any timing, would have made "
        f"{_whole(1000 * alike.value)} and fallen {_share(-alike.drawdown)}, {smaller} than the regime did: "
        f"against that, timing {timing} {_whole(abs(followed - 1000 * alike.value))}."
    )
    return [made, fell, stood, paid, compared]


def _breadth(readings: Values, rules: RegimeRules) -> Line:
    value = readings.get("breadth")
    title = "Breadth"
    if value is None:
        return _unknown("breadth", title)
    text = (
        f"{_share(value)} of the {rules.count} largest tokens are above their own mean of {rules.breadth_days} days; "
        f"it votes for the market above {_share(rules.breadth_share)}."
    )
    return Line("breadth", title, _share(value), FOR if value > rules.breadth_share else AGAINST, text)


def _scale(readings: Values, rules: RegimeRules) -> list[Line]:
    value = readings.get("volatility")
    title = "Volatility"
    if value is None:
        return [_unknown("volatility", title)]
    calm = value <= rules.volatility_target
    text = f"{_share(value)} a year over {rules.volatility_days} days, " + (
        f"within the {_share(rules.volatility_target)} that the share is made for."
        if calm
        else f"above the {_share(rules.volatility_target)} that the share is made for: it shrinks in proportion."
    )
    return [Line("volatility", title, _share(value), NO_VOTE if calm else LESS, text)]


def _watched(readings: Values) -> list[Line]:
    correlation, flow = readings.get("correlation"), readings.get("stablecoin_flow")
    found = [_unknown("correlation", "Correlation"), _unknown("stablecoin_flow", "Stablecoins")]
    if correlation is not None:
        text = (
            f"The average correlation of two tokens over {CORRELATION_DAYS} days; near 1 all fall together."
        )
        found[0] = Line("correlation", "Correlation", f"{correlation:.2f}", NO_VOTE, text)
    if flow is not None:
        way = "grew" if flow > 0 else "shrank"
        text = f"Stablecoins {way} by {figures.percent(abs(flow), 1)} in 30 days."
        found[1] = Line("stablecoin_flow", "Stablecoins", figures.signed_percent(flow, 1), NO_VOTE, text)
    return found


def _observed(readings: Values, who: str) -> list[Line]:
    # Shown only where there is such data at all.
    found = []
    mvrv, funding, mood = (readings.get(name) for name in ("leader_mvrv", "leader_funding", "fear_greed"))
    if mvrv is not None:
        way = "gain" if mvrv > 1 else "loss"
        text = f"{who} stands at {mvrv:.2f} times what its owners paid on average: they sit on a {way}."
        found.append(Line("leader_mvrv", f"{who}, price to cost", f"{mvrv:.2f}", NO_VOTE, text))
    if funding is not None:
        side = "those who bet on a rise pay" if funding > 0 else "those who bet on a fall pay"
        text = f"In {who}’s perpetual future {side}: {figures.percent(abs(funding), 3)} per 8 hours, mean of a week."
        shown = figures.signed_percent(funding, 3)
        found.append(Line("leader_funding", f"{who}, funding", shown, NO_VOTE, text))
    if mood is not None:
        text = "The fear and greed index: 0 is fear, 100 is greed."
        found.append(Line("fear_greed", "Mood", f"{mood:.0f}", NO_VOTE, text))
    return found


def _unknown(name: str, title: str) -> Line:
    return Line(name, title, "–", UNKNOWN, "Not known on this day.")


def _share(fraction: float, places: int = 0) -> str:
    return figures.percent(fraction, places)


def _whole(value: float) -> str:
    return f"{value:,.0f}"
