"""What a person may change about an index of ours: a few clauses within bounds, everything else stays the base's."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from indices.core.rulebook.choosing import needs_grades
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.values import RulebookError

SCHEMES = ("market_cap", "sqrt_market_cap", "equal", "inverse_volatility")
"""The weightings on offer. The other risk schemes solve a problem at each decision and are too slow for a page."""
FREQUENCIES = ("weekly", "monthly", "quarterly")
FEWEST, MOST = 3, 250
LEAST_CAP = 1e6
WIDEST_BAND = 0.05
MOST_EXCLUDED = 200

CLAUSES = {
    "exclude": "universe.exclude",
    "exclude_categories": "universe.exclude_categories",
    "count": "selection.count",
    "scheme": "weighting.scheme",
    "max_weight": "weighting.max_weight",
    "min_market_cap": "screens.min_market_cap",
    "frequency": "calendar.frequency",
    "drift_band": "trading.drift_band",
    "regime": "overlay.regime",
}
"""Field of `Choices` -> the clause that it changes."""


Real = float | Decimal


@dataclass(frozen=True)
class Choices:
    """What is changed against a base; None leaves the clause as it is there.

    `exclude` (asset ids) and `exclude_categories` come on top of what the base leaves out. `max_weight` and
    `drift_band` are fractions, `min_market_cap` is USD to enter; they may be exact, as a form or an API reads them.
    """

    exclude: tuple[str, ...] | None = None
    exclude_categories: tuple[str, ...] | None = None
    count: int | None = None
    scheme: str | None = None
    max_weight: Real | None = None
    min_market_cap: Real | None = None
    frequency: str | None = None
    drift_band: Real | None = None
    regime: bool | None = None


def customised(
    base: Rulebook,
    choices: Choices,
    *,
    slug: str,
    name: str,
    summary: str,
    start: date,
) -> Rulebook:
    """The rules of `base` with `choices`, as an index `slug` of its own whose record begins at the close of `start`.

    The rank buffer keeps its proportion to the count, and the stay of a threshold its proportion to the enter. Raises
    RulebookError, whose clause is one of CLAUSES for a choice out of bounds.
    """
    check(base, choices)
    body: dict[str, Any] = base.to_dict()
    body |= {"slug": slug, "name": name, "summary": summary}
    body["base"] = {**body["base"], "date": start.isoformat()}
    universe, selection = body["universe"], body["selection"]
    if choices.exclude:
        universe["exclude"] = _with(universe["exclude"], choices.exclude)
    if choices.exclude_categories:
        universe["exclude_categories"] = _with(universe["exclude_categories"], choices.exclude_categories)
    if choices.count is not None and choices.count != base.selection.count:
        selection["buffer"] = round(base.selection.buffer * choices.count / base.selection.count)
        selection["count"] = choices.count
    if choices.min_market_cap is not None:
        door = base.screens.min_market_cap
        kept = 0.8 if door is None or not door.enter else door.stay / door.enter
        least = float(choices.min_market_cap)
        if door is None or least != door.enter:
            body["screens"]["min_market_cap"] = {"enter": least, "stay": least * kept}
    for field, (clause, key) in _PLAIN.items():
        chosen = getattr(choices, field)
        if chosen is not None:
            body[clause][key] = float(chosen) if isinstance(chosen, Decimal) else chosen
    made = Rulebook.from_dict(body)
    if made.selection.count * made.weighting.max_weight < 1:
        raise RulebookError(
            CLAUSES["max_weight"],
            f"times selection.count must be at least 1, got {made.weighting.max_weight:g} x {made.selection.count}",
        )
    return made


def check(base: Rulebook, choices: Choices) -> None:
    """Raises RulebookError for a choice outside the bounds, and for the regime where the base has no use for it."""
    _within("count", choices.count, FEWEST, MOST)
    _within("min_market_cap", choices.min_market_cap, LEAST_CAP, 1e13)
    _within("drift_band", choices.drift_band, 0, WIDEST_BAND)
    _among("scheme", choices.scheme, schemes(base))
    _among("frequency", choices.frequency, frequencies(base))
    if choices.regime and not base.overlay.regime:
        raise RulebookError(CLAUSES["regime"], "is on only where the base follows the market regime")
    for field in ("exclude", "exclude_categories"):
        if len(getattr(choices, field) or ()) > MOST_EXCLUDED:
            raise RulebookError(CLAUSES[field], f"must name at most {MOST_EXCLUDED}")
    unwanted = sorted(set(choices.exclude_categories or ()) & set(base.universe.categories))
    if unwanted:
        raise RulebookError(
            CLAUSES["exclude_categories"], f"must not name {unwanted[0]}, which the base is made of"
        )


def schemes(base: Rulebook) -> tuple[str, ...]:
    """The weightings to choose from: the base's own, and those on offer."""
    own = base.weighting.scheme
    return SCHEMES if own in SCHEMES else (own, *SCHEMES)


def frequencies(base: Rulebook) -> tuple[str, ...]:
    """The rhythms to choose from: the base's own, and those on offer."""
    own = base.calendar.frequency
    return FREQUENCIES if own in FREQUENCIES else (own, *FREQUENCIES)


def chosen(base: Rulebook, rulebook: Rulebook) -> Choices:
    """The choices that lead from `base` to `rulebook`, every field filled in."""
    door = rulebook.screens.min_market_cap
    return Choices(
        exclude=_beyond(base.to_dict()["universe"]["exclude"], rulebook.to_dict()["universe"]["exclude"]),
        exclude_categories=_beyond(base.universe.exclude_categories, rulebook.universe.exclude_categories),
        count=rulebook.selection.count,
        scheme=rulebook.weighting.scheme,
        max_weight=rulebook.weighting.max_weight,
        min_market_cap=None if door is None else door.enter,
        frequency=rulebook.calendar.frequency,
        drift_band=rulebook.trading.drift_band,
        regime=rulebook.overlay.regime,
    )


def uses_signals(rulebook: Rulebook) -> bool:
    """Whether grades or the regime have a say in these rules."""
    return needs_grades(rulebook) or rulebook.overlay.regime


_PLAIN = {
    "scheme": ("weighting", "scheme"),
    "max_weight": ("weighting", "max_weight"),
    "frequency": ("calendar", "frequency"),
    "drift_band": ("trading", "drift_band"),
    "regime": ("overlay", "regime"),
}


def _with(known: list[Any], more: tuple[str, ...]) -> list[Any]:
    return [*known, *sorted(set(more).difference(item for item in known if isinstance(item, str)))]


def _beyond(known: Any, now: Any) -> tuple[str, ...]:
    return tuple(sorted(item for item in now if isinstance(item, str) and item not in known))


def _within(field: str, value: Real | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise RulebookError(CLAUSES[field], f"must be in [{low:g}, {high:g}], got {value:g}")


def _among(field: str, value: str | None, options: tuple[str, ...]) -> None:
    if value is not None and value not in options:
        raise RulebookError(CLAUSES[field], f"must be one of {', '.join(options)}, got {value!r}")
