"""A rulebook: the versioned, declarative methodology of one index."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from typing import Any, Self

import yaml

from indices.core.calendar import FREQUENCIES, WEEKDAYS
from indices.core.rulebook import terms, values
from indices.core.rulebook.terms import Exclusion, FreeFloat, Shares, Tier
from indices.core.rulebook.values import Reader, RulebookError, Threshold

FAMILIES = ("market_cap", "thematic", "ai")
RANKINGS = ("market_cap", "smoothed_market_cap", "grade")
SCHEMES = (
    "market_cap",
    "sqrt_market_cap",
    "equal",
    "inverse_volatility",
    "risk_parity",
    "min_variance",
    "grade_tilt",
)
SMOOTHINGS = ("mean", "ewma")
REVIEWS = ("always", "monthly", "quarterly")


def _clause(
    reader: Reader, default: Any = MISSING, *, key: str | None = None, silent_default: bool = False
) -> Any:
    """A clause read by `reader`. With `silent_default` the canonical form leaves it out at its default: a clause that
    is newer than stored rulebooks must not change the digest of rules that never had it."""
    metadata = {"reader": reader, "key": key, "silent_default": silent_default}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Base:
    """Where the level starts: `level` points at the close of `date`, or of the first later day with weights."""

    level: float = _clause(values.number(0, above=True), 1000.0)
    date: date = _clause(values.day, date(2018, 1, 1))  # noqa: RUF009 - a date is immutable


@dataclass(frozen=True)
class Universe:
    """Which assets may be considered at all. Empty `categories` means any; an Exclusion acts in its time only."""

    categories: tuple[str, ...] = _clause(values.names, ())
    exclude_categories: tuple[str, ...] = _clause(values.names, ("stablecoin", "staked", "wrapped"))
    exclude: tuple[str | Exclusion, ...] = _clause(terms.exclusions, ())


@dataclass(frozen=True)
class Screens:
    """What an asset must show at `as_of`. A screen that is left out is off."""

    min_market_cap: Threshold | None = _clause(values.optional(values.threshold), None)  # noqa: RUF009
    min_median_volume_30d: Threshold | None = _clause(values.optional(values.threshold), None)  # noqa: RUF009
    min_age_days: int = _clause(values.whole(0), 0)
    max_stale_days: int = _clause(values.whole(0, 7), 0)
    min_grade: Threshold | None = _clause(  # noqa: RUF009
        values.optional(values.threshold), None, silent_default=True
    )


@dataclass(frozen=True)
class Selection:
    """How many of the ranked assets are taken; an incumbent stays to rank `count` + `buffer`.

    Members are chosen anew at each `review`: every determination, or the last one of each month or quarter. At the
    others incumbents that still pass the screens are weighted anew, and nobody enters.
    """

    rank_by: str = _clause(values.choice(*RANKINGS), "market_cap")
    count: int = _clause(values.whole(1), 100)
    buffer: int = _clause(values.whole(0), 10)
    review: str = _clause(values.choice(*REVIEWS), "always", silent_default=True)


@dataclass(frozen=True)
class Weighting:
    """How the chosen are weighted, between `min_weight` and `max_weight`. `window_days` serves the risk schemes.

    The largest alone may weigh up to `max_weight_largest`, the members of a category together up to its share in
    `max_weight_groups`. Market caps are smoothed over `smoothing_days`: their plain `mean`, or an exponentially
    weighted one (`ewma`) of that span; `free_float` of a cap counts. The grade tilt is (grade / 100) ^ `tilt`.
    """

    scheme: str = _clause(values.choice(*SCHEMES), "market_cap")
    max_weight: float = _clause(values.number(0, 1, above=True), 0.25)
    min_weight: float = _clause(values.number(0, 1), 0.0)
    smoothing_days: int = _clause(values.whole(0, 365), 0)
    smoothing: str = _clause(values.choice(*SMOOTHINGS), "mean", silent_default=True)
    window_days: int = _clause(values.whole(20, 730), 90)
    free_float: FreeFloat = _clause(terms.free_float, FreeFloat(), silent_default=True)  # noqa: RUF009 - immutable
    max_weight_largest: float | None = _clause(
        values.optional(values.number(0, 1, above=True)), None, silent_default=True
    )
    max_weight_groups: Shares = _clause(terms.shares(), Shares(), silent_default=True)  # noqa: RUF009
    tilt: float = _clause(terms.halves(0, 8), 1.0, silent_default=True)


@dataclass(frozen=True)
class Calendar:
    """When it is decided (last day of each period) and how many days later it is traded, both at the close.

    It is announced `announce_days` before the trade; at once where that is None. See calendar.announcement_day.
    """

    frequency: str = _clause(values.choice(*FREQUENCIES), "weekly")
    weekday: str = _clause(values.choice(*WEEKDAYS), "sunday")
    lag_days: int = _clause(values.whole(0, 31), 1)
    announce_days: int | None = _clause(values.optional(values.whole(0)), None, silent_default=True)


@dataclass(frozen=True)
class Overlay:
    """Whether the market regime's risk share moves the rest of the index into the basket `risk_off`, and the most of
    the index that may wait in one of its assets (`max_issuer`)."""

    regime: bool = _clause(values.flag, default=False)
    risk_off: str | Shares = _clause(terms.basket, "usd-coin")  # noqa: RUF009 - both are immutable
    max_issuer: float = _clause(values.number(0, 1, above=True), 1.0, silent_default=True)

    @property
    def basket(self) -> dict[str, float]:
        """Asset -> share of what waits, sum 1."""
        return {self.risk_off: 1.0} if isinstance(self.risk_off, str) else self.risk_off.plain()


@dataclass(frozen=True)
class Trading:
    """What is not worth a trade. Fractions of the index; `min_trade_usd` is measured against costs.capital_usd."""

    drift_band: float = _clause(values.number(0, 1), 0.0)
    max_turnover: float | None = _clause(values.optional(values.number(0, 2, above=True)), None)
    min_trade_usd: float = _clause(values.number(0), 0.0)

    @property
    def free(self) -> bool:
        """Whether every change is traded, however small or large."""
        return self.drift_band == 0 and self.min_trade_usd == 0 and self.max_turnover is None


@dataclass(frozen=True)
class Costs:
    """What trading costs; see indices.core.costs. Basis points of the amount traded, on either side.

    An asset pays the half-spread of the highest of `tiers` that its median volume reaches, below all `half_spread_bps`.
    """

    fee_bps: float = _clause(values.number(0, 10_000), 10.0)
    half_spread_bps: float = _clause(values.number(0, 10_000), 0.0)
    impact: float = _clause(values.number(0, 10), 0.0)
    capital_usd: float = _clause(values.number(0, above=True), 1_000_000.0)
    tiers: tuple[Tier, ...] = _clause(terms.tiers, (), silent_default=True)

    @property
    def needs_volume(self) -> bool:
        """Whether a trade's cost depends on the median volume of what is traded."""
        return self.impact > 0 or bool(self.tiers)


@dataclass(frozen=True)
class Delisting:
    """An asset without a price keeps its last one for `after_missing_days`, then returns `return_` once."""

    after_missing_days: int = _clause(values.whole(0), 7)
    return_: float = _clause(values.number(-1, 0), -1.0, key="return")


@dataclass(frozen=True)
class Fees:
    """What holding the index costs per year, in basis points. The level is before it; see indices.core.variants."""

    management_bps: float = _clause(values.number(0, 10_000), 0.0)


@dataclass(frozen=True)
class Rulebook:
    """The rules of one index, checked. Build one with `from_dict` or `from_yaml`."""

    slug: str = _clause(values.slug)
    family: str = _clause(values.choice(*FAMILIES))
    name: str = _clause(values.text, "")
    summary: str = _clause(values.text, "")
    base: Base = field(default_factory=Base)
    universe: Universe = field(default_factory=Universe)
    screens: Screens = field(default_factory=Screens)
    selection: Selection = field(default_factory=Selection)
    weighting: Weighting = field(default_factory=Weighting)
    calendar: Calendar = field(default_factory=Calendar)
    overlay: Overlay = field(default_factory=Overlay)
    trading: Trading = field(default_factory=Trading)
    costs: Costs = field(default_factory=Costs)
    delisting: Delisting = field(default_factory=Delisting)
    fees: Fees = field(default_factory=Fees, metadata={"silent_default": True})
    tokenized: bool = _clause(values.flag, default=False, silent_default=True)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The rulebook that `data` describes. Raises RulebookError, which names the clause, for anything amiss."""
        if not isinstance(data, Mapping):
            raise RulebookError("rulebook", f"must be a mapping of clauses, got {type(data).__name__}")
        rulebook = _read(cls, data, "")
        _check_together(rulebook)
        return rulebook

    @classmethod
    def from_yaml(cls, source: str) -> Self:
        """The rulebook in the YAML text `source`. Raises RulebookError."""
        try:
            data = yaml.safe_load(source)
        except yaml.YAMLError as error:
            raise RulebookError("rulebook", f"is not YAML: {' '.join(str(error).split())}") from error
        return cls.from_dict(data)

    def to_dict(self, *, whole: bool = False) -> dict[str, Any]:
        """The canonical form: clauses with their values, JSON types only. `from_dict` reads it back unchanged.

        Clauses newer than the first rulebooks are left out at their default, unless the `whole` is asked for.
        """
        return {key: _plain(value, whole) for key, value in _items(self, whole)}

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hexadecimal: two rulebooks with one digest are one rulebook."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _read(kind: type[Any], data: Mapping[str, Any], path: str) -> Any:
    known = {_key(item): item for item in fields(kind)}
    unknown = sorted(str(key) for key in data if key not in known)
    if unknown:
        raise RulebookError(f"{path}{unknown[0]}", f"is not a field of a rulebook; use {', '.join(known)}")
    arguments: dict[str, Any] = {}
    for key, item in known.items():
        if key not in data:
            if item.default is MISSING and item.default_factory is MISSING:
                raise RulebookError(f"{path}{key}", "is required")
            continue
        reader = item.metadata.get("reader")
        if reader is not None:
            arguments[item.name] = reader(f"{path}{key}", data[key])
            continue
        clause = data[key] if data[key] is not None else {}
        if not isinstance(clause, Mapping):
            raise RulebookError(f"{path}{key}", f"must be a mapping, got {data[key]!r}")
        arguments[item.name] = _read(item.default_factory, clause, f"{path}{key}.")  # type: ignore[arg-type]
    return kind(**arguments)


def _check_together(rulebook: Rulebook) -> None:
    weighting, count = rulebook.weighting, rulebook.selection.count
    if weighting.min_weight > weighting.max_weight:
        raise RulebookError(
            "weighting.min_weight",
            f"must not exceed max_weight ({weighting.max_weight:g}), got {weighting.min_weight:g}",
        )
    if weighting.min_weight * count > 1:
        raise RulebookError(
            "weighting.min_weight",
            f"times selection.count must not exceed 1, got {weighting.min_weight:g} x {count}",
        )
    largest = weighting.max_weight_largest
    if largest is not None and largest < weighting.max_weight:
        raise RulebookError(
            "weighting.max_weight_largest",
            f"must be at least max_weight ({weighting.max_weight:g}), got {largest:g}",
        )
    if largest is not None and weighting.scheme == "min_variance":
        raise RulebookError(
            "weighting.max_weight_largest", "does not go with scheme min_variance; raise max_weight instead"
        )
    if weighting.tilt != 1 and weighting.scheme != "grade_tilt":
        raise RulebookError("weighting.tilt", f"needs scheme grade_tilt, got {weighting.scheme}")
    grade = rulebook.screens.min_grade
    if grade is not None and grade.enter > 100:
        raise RulebookError("screens.min_grade", f"must be in [0, 100], got {grade.enter:g}")
    _check_days(rulebook.calendar)
    costs = rulebook.costs
    if (
        costs.tiers
        and costs.half_spread_bps < costs.tiers[0].half_spread_bps
        and costs.tiers[0].min_median_volume
    ):
        raise RulebookError(
            "costs.half_spread_bps",
            f"is paid below the lowest tier and must be at least its {costs.tiers[0].half_spread_bps:g}, "
            f"got {costs.half_spread_bps:g}",
        )
    smoothed = weighting.smoothing_days or rulebook.selection.rank_by == "smoothed_market_cap"
    if weighting.smoothing == "ewma" and not smoothed:
        raise RulebookError("weighting.smoothing", "ewma needs weighting.smoothing_days above 0, got 0")


def _check_days(calendar: Calendar) -> None:
    most = 7 if calendar.frequency in ("daily", "weekly") else 31
    if calendar.lag_days > most:
        raise RulebookError(
            "calendar.lag_days",
            f"must be a whole number in [0, {most}] where decisions are {calendar.frequency}, got {calendar.lag_days}",
        )
    if calendar.announce_days is not None and calendar.announce_days > calendar.lag_days:
        raise RulebookError(
            "calendar.announce_days",
            f"must not exceed lag_days ({calendar.lag_days}): nothing is announced before it is decided, "
            f"got {calendar.announce_days}",
        )


def _key(item: Any) -> str:
    return item.metadata.get("key") or item.name


def _items(clause: Any, whole: bool) -> list[tuple[str, Any]]:
    found = [(item, getattr(clause, item.name)) for item in fields(clause)]
    return [
        (_key(item), value)
        for item, value in found
        if whole or not (item.metadata.get("silent_default") and value == _default(item))
    ]


def _default(item: Any) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _plain(value: Any, whole: bool) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item, whole) for item in value]
    if isinstance(value, Exclusion | FreeFloat | Shares | Tier):
        return value.plain()
    if hasattr(value, "__dataclass_fields__"):
        return {key: _plain(item, whole) for key, item in _items(value, whole)}
    return value
