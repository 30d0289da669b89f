"""Rulebook values with parts: dated exclusions, free floats, shares by name, tiers; one canonical form each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from indices.core.rulebook import values
from indices.core.rulebook.values import RulebookError


@dataclass(frozen=True)
class Exclusion:
    """`asset` may not enter from `from_` on, and again from `until` on; None is open. `reason` is for people."""

    asset: str
    from_: date | None = None
    until: date | None = None
    reason: str = ""

    def acts_on(self, day: date) -> bool:
        """Whether it keeps the asset out on `day`: half-open, `until` is the first day on which it may enter again."""
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day < self.until)

    def plain(self) -> dict[str, str]:
        """As in the canonical form; what is open is left out."""
        found = {"asset": self.asset}
        if self.from_ is not None:
            found["from"] = self.from_.isoformat()
        if self.until is not None:
            found["until"] = self.until.isoformat()
        return {**found, "reason": self.reason} if self.reason else found


@dataclass(frozen=True)
class Shares:
    """Fractions by name, in order of the names."""

    items: tuple[tuple[str, float], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.items)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self.items)

    def plain(self) -> dict[str, float]:
        """Name -> fraction."""
        return dict(self.items)


@dataclass(frozen=True)
class FreeFloat:
    """The share of each asset's market cap that counts, by asset: steps of (first day or None, fraction)."""

    items: tuple[tuple[str, tuple[tuple[date | None, float], ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.items)

    def on(self, day: date) -> dict[str, float]:
        """Asset -> the fraction in force on `day`; 1 before the first step."""
        found = {}
        for asset, steps in self.items:
            begun = [fraction for first, fraction in steps if first is None or first <= day]
            found[asset] = begun[-1] if begun else 1.0
        return found

    def plain(self) -> dict[str, Any]:
        """Asset -> fraction, or a list of {from, fraction}."""
        return {
            asset: steps[0][1]
            if steps[0][0] is None
            else [{"from": str(first), "fraction": fraction} for first, fraction in steps]
            for asset, steps in self.items
        }


@dataclass(frozen=True, order=True)
class Tier:
    """From a median daily volume of `min_median_volume` USD on, half the spread is `half_spread_bps`."""

    min_median_volume: float
    half_spread_bps: float

    def plain(self) -> dict[str, float]:
        """As in the canonical form."""
        return {"min_median_volume": self.min_median_volume, "half_spread_bps": self.half_spread_bps}


def exclusions(clause: str, value: Any) -> tuple[str | Exclusion, ...]:
    """Reads a list of ids and of {asset, from, until, reason}; sorted, once each. An undated one without a reason is a
    plain id, and dates of an asset that is out for good say nothing."""
    if not isinstance(value, list | tuple) or not all(
        isinstance(item, Mapping | Exclusion) or (isinstance(item, str) and item) for item in value
    ):
        raise RulebookError(
            clause, f"must be a list of names, got {value!r}; each an id or {{asset, from, until, reason}}"
        )
    plain = {item for item in value if isinstance(item, str)}
    dated = [
        _exclusion(f"{clause}[{place}]", item)
        for place, item in enumerate(value)
        if not isinstance(item, str)
    ]
    plain |= {item.asset for item in dated if item == Exclusion(item.asset)}
    left = {item for item in dated if item.asset not in plain}
    mixed: list[str | Exclusion] = [*plain, *left]
    return tuple(sorted(mixed, key=_place))


def shares(*, total: float | None = None) -> values.Reader:
    """Reads a mapping of names to fractions in (0, 1]; with `total` they must sum to it."""
    fraction = values.number(0, 1, above=True)

    def read(clause: str, value: Any) -> Shares:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
            raise RulebookError(clause, f"must be a mapping of names to fractions, got {value!r}")
        found = Shares(
            tuple(sorted((name, fraction(f"{clause}.{name}", part)) for name, part in value.items()))
        )
        amount = sum(part for _, part in found)
        if total is not None and not abs(amount - total) <= 1e-9:
            raise RulebookError(clause, f"shares must sum to {total:g}, got {amount:g}")
        return found

    return read


def basket(clause: str, value: Any) -> str | Shares:
    """Reads one id, a list of ids (equal shares) or a mapping of ids to shares that sum to 1. One id alone is plain."""
    if isinstance(value, str):
        return str(values.slug(clause, value))
    if isinstance(value, list | tuple) and value:
        ids = sorted({values.slug(f"{clause}[{place}]", item) for place, item in enumerate(value)})
        value = {name: 1.0 / len(ids) for name in ids}
    if not isinstance(value, Mapping) or not value:
        raise RulebookError(
            clause, f"must be an id, a list of ids or a mapping of ids to shares, got {value!r}"
        )
    for name in value:
        values.slug(f"{clause}.{name}", name)
    found = shares(total=1.0)(clause, value)
    return found.items[0][0] if len(found.items) == 1 else found


def free_float(clause: str, value: Any) -> FreeFloat:
    """Reads a mapping of ids to a fraction in (0, 1] or to a list of {from, fraction}, one for each first day."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and name for name in value):
        raise RulebookError(clause, f"must be a mapping of ids to fractions, got {value!r}")
    return FreeFloat(
        tuple((asset, _steps(f"{clause}.{asset}", given)) for asset, given in sorted(value.items()))
    )


def tiers(clause: str, value: Any) -> tuple[Tier, ...]:
    """Reads a list of {min_median_volume, half_spread_bps}, sorted by volume; more volume must not cost more."""
    if not isinstance(value, list | tuple):
        raise RulebookError(
            clause, f"must be a list of {{min_median_volume, half_spread_bps}}, got {value!r}"
        )
    readers = {"min_median_volume": values.number(0), "half_spread_bps": values.number(0, 10_000)}
    found = sorted(
        Tier(**fields(f"{clause}[{place}]", item, readers, required=tuple(readers)))
        for place, item in enumerate(value)
    )
    for lower, upper in pairwise(found):
        if lower.min_median_volume == upper.min_median_volume:
            raise RulebookError(clause, f"two tiers begin at {lower.min_median_volume:g} USD; keep one")
        if upper.half_spread_bps > lower.half_spread_bps:
            raise RulebookError(
                clause,
                f"the tier from {upper.min_median_volume:g} USD must not cost more than the one below it "
                f"({lower.half_spread_bps:g}), got {upper.half_spread_bps:g}",
            )
    return tuple(found)


def halves(low: float, high: float) -> values.Reader:
    """Reads a multiple of 0.5 in [low, high]: such a power is products and square roots, the same on every machine."""
    number = values.number(low, high)

    def read(clause: str, value: Any) -> float:
        found: float = number(clause, value)
        if not (found * 2).is_integer():
            raise RulebookError(clause, f"must be a multiple of 0.5, got {value!r}")
        return found

    return read


def fields(
    clause: str, value: Any, readers: Mapping[str, values.Reader], *, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The fields of the mapping `value` that `readers` know. Raises RulebookError for others and for missing ones."""
    if not isinstance(value, Mapping):
        raise RulebookError(clause, f"must be {{{', '.join(readers)}}}, got {value!r}")
    unknown = sorted(str(name) for name in value if name not in readers)
    if unknown:
        raise RulebookError(f"{clause}.{unknown[0]}", f"is not a field; use {', '.join(readers)}")
    for name in required:
        if value.get(name) is None:
            raise RulebookError(f"{clause}.{name}", "is required")
    return {name: readers[name](f"{clause}.{name}", part) for name, part in value.items() if part is not None}


def _exclusion(clause: str, value: Any) -> Exclusion:
    if isinstance(value, Exclusion):
        return value
    readers = {"asset": values.text, "from": values.day, "until": values.day, "reason": values.text}
    found = fields(clause, value, readers, required=("asset",))
    made = Exclusion(found["asset"], found.get("from"), found.get("until"), found.get("reason", ""))
    if made.from_ is not None and made.until is not None and made.until <= made.from_:
        raise RulebookError(f"{clause}.until", f"must be after from ({made.from_}), got {made.until}")
    return made


def _place(item: str | Exclusion) -> tuple[str, date, date, str]:
    if isinstance(item, str):
        return item, date.min, date.min, ""
    return item.asset, item.from_ or date.min, item.until or date.max, item.reason


def _steps(clause: str, value: Any) -> tuple[tuple[date | None, float], ...]:
    fraction = values.number(0, 1, above=True)
    if not isinstance(value, list | tuple):
        return ((None, fraction(clause, value)),)
    if not value:
        raise RulebookError(clause, "must hold at least one {from, fraction}, got an empty list")
    readers = {"from": values.day, "fraction": fraction}
    steps = [
        fields(f"{clause}[{place}]", item, readers, required=tuple(readers))
        for place, item in enumerate(value)
    ]
    days = [step["from"] for step in steps]
    if len(set(days)) < len(days):
        raise RulebookError(
            clause, f"two fractions begin on the same day, got {', '.join(map(str, sorted(days)))}"
        )
    return tuple(sorted((step["from"], step["fraction"]) for step in steps))
