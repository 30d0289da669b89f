"""What a feature is, and the list of all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field

from signals.core.features.block import Block
from signals.core.panel import Array

CATEGORIES = {
    "momentum": "Price momentum",
    "trend": "Trend",
    "volatility": "Volatility and tails",
    "liquidity": "Liquidity",
    "valuation": "Size and valuation",
    "market": "Market and beta",
    "seasonality": "Seasonality",
    "network": "On-chain network",
    "derivatives": "Derivatives",
    "sentiment": "Sentiment and attention",
}
INPUTS = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "cap": "market cap",
    "tags": "categories",
    "calendar": "calendar",
    "onchain": "on-chain metrics",
    "perpetuals": "funding and open interest",
    "news": "news",
    "mood": "fear & greed",
}


class UnknownFeature(ValueError):
    """A feature was asked for that is not declared; the message names it."""


@dataclass(frozen=True)
class Feature:
    """One declared data point per token and date.

    `window` is how many rows, the current one included, its value is made from; earlier ones change nothing. `shared`
    is a feature that has one value per date for all tokens. `make` takes a Block and returns [date x asset] float64,
    or [date] where shared; NaN is missing. `needs` are the observations (signals.core.observations) it is made from
    beside the candles; a panel that lacks one of them does not have the feature.
    """

    name: str
    category: str
    inputs: tuple[str, ...]
    window: int
    unit: str
    shared: bool
    formula: str
    source: str
    needs: tuple[str, ...]
    make: Callable[[Block], Array] = field(repr=False, compare=False)


_FEATURES: dict[str, Feature] = {}


def declare(
    category: str,
    name: str,
    *,
    inputs: str,
    window: int | Callable[..., int],
    unit: str,
    each: Iterable[object] = (),
    shared: bool = False,
    needs: str = "",
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Declares the decorated function as a feature, or as one per element of `each`.

    An element (a number, or a tuple) fills `{0}`, `{1}` in the name and in the docstring and is passed to the function
    and to `window`. The docstring says the formula and, after `Source:`, where it is from.
    """

    def add(function: Callable[..., Array]) -> Callable[..., Array]:
        for element in each or [()]:
            values = element if isinstance(element, tuple) else (element,)
            text = " ".join(inspect.cleandoc(function.__doc__ or "").format(*values).split())
            formula, found, source = text.partition(" Source: ")
            title = name.format(*values)
            if not found or title in _FEATURES or category not in CATEGORIES:
                raise ValueError(
                    f"{title}: needs a docstring with `Source:`, a name of its own and a known category."
                )
            _FEATURES[title] = Feature(
                name=title,
                category=category,
                inputs=tuple(inputs.split()),
                window=window if isinstance(window, int) else window(*values),
                unit=unit,
                shared=shared,
                formula=formula,
                source=source,
                needs=tuple(needs.split()),
                make=_bound(function, values),
            )
        return function

    return add


def _bound(function: Callable[..., Array], values: tuple[object, ...]) -> Callable[[Block], Array]:
    return lambda block: function(block, *values)


def declared() -> Iterator[Feature]:
    """Every feature, in the order of declaration."""
    return iter(_FEATURES.values())


def chosen(names: Iterable[str] | None, observed: Container[str] = ()) -> list[Feature]:
    """The features of these names in this order; for None all that candles and the metrics `observed` allow.

    Raises UnknownFeature for a name that is none.
    """
    if names is None:
        return [one for one in _FEATURES.values() if all(metric in observed for metric in one.needs)]
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in _FEATURES]
    if unknown:
        raise UnknownFeature(
            f"names: no such feature: {', '.join(unknown[:5])}; signals.core.features.names() lists them."
        )
    return [_FEATURES[name] for name in wanted]
