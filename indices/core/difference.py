"""What one version of a rulebook changes against another, clause by clause, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from indices.core.prose import RANKED_BY, WEIGHTED_BY, listed, share
from indices.core.rulebook import Rulebook
from signals.core import figures

# Clause -> what it is called where it stands at the beginning of a sentence. One without a name goes by its path.
NAMES = {
    "slug": "The address of the index",
    "name": "The name of the index",
    "summary": "The summary",
    "family": "The family",
    "base.level": "The level at the base date",
    "base.date": "The base date",
    "screens.min_market_cap": "The least market capitalisation",
    "screens.min_median_volume_30d": "The least median daily volume over 30 days",
    "screens.min_age_days": "The least price history",
    "screens.max_stale_days": "The greatest age of a price at the decision",
    "screens.min_grade": "The least grade",
    "selection.rank_by": "The ranking",
    "selection.count": "The number of tokens",
    "selection.buffer": "The rank buffer for tokens already in",
    "selection.review": "The choice of members",
    "weighting.scheme": "The weighting",
    "weighting.max_weight": "The most that one token may weigh",
    "weighting.min_weight": "The least that a token weighs",
    "weighting.smoothing_days": "The smoothing of market capitalisation",
    "weighting.smoothing": "The kind of smoothing",
    "weighting.window_days": "The window of returns that the risk schemes see",
    "weighting.free_float": "The part of a market capitalisation that counts",
    "weighting.max_weight_largest": "The most that the largest token may weigh",
    "weighting.max_weight_groups": "The most that the tokens of one kind may weigh together",
    "weighting.tilt": "The strength of the tilt toward grades",
    "calendar.frequency": "The rhythm of decisions",
    "calendar.weekday": "The weekday of decisions",
    "calendar.lag_days": "The time from decision to trade",
    "calendar.announce_days": "The time from announcement to trade",
    "overlay.regime": "The overlay by market regime",
    "overlay.risk_off": "What the rest waits in",
    "overlay.max_issuer": "The most of the index that may wait in one token",
    "trading.drift_band": "The drift that is left alone",
    "trading.max_turnover": "The most that is turned over at once",
    "trading.min_trade_usd": "The smallest trade",
    "costs.fee_bps": "The fee",
    "costs.half_spread_bps": "The half-spread",
    "costs.impact": "The charge for market impact",
    "costs.capital_usd": "The capital that costs are measured for",
    "delisting.after_missing_days": "The wait for a price before a token is given up",
    "delisting.return": "The return of a token that is given up",
    "fees.management_bps": "The management fee per year",
    "tokenized": "Whether the index is also a token",
}
MEMBERS = {
    "universe.categories": "The kinds that may enter",
    "universe.exclude_categories": "The kinds that are kept out",
    "universe.exclude": "The tokens left out by name",
    "costs.tiers": "The half-spreads by daily volume",
}
WORDS: Mapping[str, Mapping[Any, str]] = {
    "selection.rank_by": RANKED_BY,
    "weighting.scheme": WEIGHTED_BY,
    "calendar.frequency": {
        "daily": "every day",
        "weekly": "every week",
        "monthly": "the last day of each month",
        "quarterly": "the last day of each quarter",
    },
    "selection.review": {
        "always": "at every decision",
        "monthly": "once a month",
        "quarterly": "once a quarter",
    },
    "weighting.smoothing": {"mean": "a plain mean", "ewma": "an exponentially weighted mean"},
    "overlay.regime": {True: "on", False: "off"},
}
SHARES = {
    "weighting.max_weight",
    "weighting.max_weight_largest",
    "weighting.min_weight",
    "trading.drift_band",
    "trading.max_turnover",
    "overlay.max_issuer",
}
# Clauses whose value is a mapping: one value, not a clause with fields.
MAPPINGS = {
    "screens.min_market_cap",
    "screens.min_median_volume_30d",
    "screens.min_grade",
    "weighting.free_float",
    "weighting.max_weight_groups",
    "overlay.risk_off",
}
NONE = {
    "trading.max_turnover": "unlimited",
    "weighting.max_weight_largest": "no more than any other",
    "calendar.announce_days": "the day of the decision",
    "screens.min_grade": "no condition",
    "screens.min_market_cap": "no condition",
    "screens.min_median_volume_30d": "no condition",
}


@dataclass(frozen=True)
class Change:
    """One clause that is not what it was: its path, both values as `to_dict` has them, and a sentence."""

    clause: str
    before: Any
    after: Any
    text: str


def difference(before: Rulebook, after: Rulebook) -> list[Change]:
    """What `after` changes against `before`, in the order of the rulebook's clauses; empty where nothing changed."""
    was, now = dict(_leaves(before.to_dict(whole=True))), dict(_leaves(after.to_dict(whole=True)))
    return [
        Change(clause, was[clause], now[clause], _sentence(clause, was[clause], now[clause]))
        for clause in was
        if was[clause] != now[clause]
    ]


def _leaves(clauses: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in clauses.items():
        if isinstance(value, Mapping) and f"{path}{key}" not in MAPPINGS:
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _sentence(clause: str, was: Any, now: Any) -> str:
    if isinstance(was, list) and isinstance(now, list):
        return _list_sentence(clause, was, now)
    name = NAMES.get(clause, clause)
    verb = "changes"
    if _rises(was, now) is not None:
        verb = "rises" if _rises(was, now) else "falls"
    return f"{name} {verb} from {_said(clause, was)} to {_said(clause, now)}."


def _list_sentence(clause: str, was: list[Any], now: list[Any]) -> str:
    # Ids keep their case, so no sentence begins with one.
    parts = []
    joined = tuple(sorted(_item(entry) for entry in now if entry not in was))
    gone = tuple(sorted(_item(entry) for entry in was if entry not in now))
    if joined:
        parts.append(f"now with {listed(joined, 'and')}")
    if gone:
        parts.append(f"no longer with {listed(gone, 'and')}")
    if not parts:
        parts.append("in another order")
    every = " With none named, every kind may enter." if clause == "universe.categories" and not now else ""
    return f"{MEMBERS.get(clause, clause)}: {', '.join(parts)}.{every}"


def _item(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    if "half_spread_bps" in entry:
        volume = figures.compact_usd(entry["min_median_volume"])
        return f"{entry['half_spread_bps']:g} basis points from {volume} on"
    told = " ".join(
        [str(entry["asset"]), *(f"{key} {entry[key]}" for key in ("from", "until") if key in entry)]
    )
    return f"{told} ({entry['reason']})" if "reason" in entry else told


def _said(clause: str, value: Any) -> str:
    if clause in WORDS and value in WORDS[clause]:
        return WORDS[clause][value]
    if value is None:
        return NONE.get(clause, "nothing")
    if isinstance(value, Mapping):
        return _said_parts(clause, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return f"“{value}”" if clause in ("name", "summary") else (value or "nothing")
    if clause in SHARES or clause == "delisting.return":
        return share(value)
    if clause.endswith("_bps"):
        return f"{value:g} basis points"
    if clause.endswith("_days"):
        return f"{value:g} {'day' if value == 1 else 'days'}"
    if clause.endswith("_usd"):
        return str(figures.compact_usd(value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _said_parts(clause: str, value: Mapping[str, Any]) -> str:
    if not value:
        return "all of each" if clause == "weighting.free_float" else "no limit"
    if set(value) == {"enter", "stay"}:
        amounts = [
            f"{amount:g}" if clause == "screens.min_grade" else figures.compact_usd(amount)
            for amount in (value["enter"], value["stay"])
        ]
        return amounts[0] if amounts[0] == amounts[1] else f"{amounts[0]} to enter and {amounts[1]} to stay"
    return listed(tuple(f"{_said_part(part)} of {name}" for name, part in value.items()), "and")


def _said_part(part: Any) -> str:
    if not isinstance(part, list):
        return share(part)
    return ", then ".join(f"{share(step['fraction'])} from {step['from']}" for step in part)


def _rises(was: Any, now: Any) -> bool | None:
    both = (was, now)
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in both):
        return None
    return bool(now > was)
