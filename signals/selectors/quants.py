"""The quant page of one token: its figures, the company it keeps, its levels and its what-ifs at a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from signals.selectors.assets import assets_by_slug
from signals.selectors.backdrop import MarketYear, market_year
from signals.selectors.market import market_active, require_known
from signals.selectors.panels import panel

if TYPE_CHECKING:
    from signals.core import quant as core
    from signals.core.panel import Panel
    from signals.core.quant.statistics import Array

STALE = 7
"""Days after which a last close speaks of the token no more."""


class NoRecentClose(LookupError):
    """The token has no close in the week up to the day that was asked for."""


@dataclass(frozen=True)
class Quant:
    """What the price history says of one token at the close of `day`, its last one at or before `as_of`.

    `relations` are to the market ("market") and to `references`, slugs whose names are in `names`; `falls` are those of
    the first reference. `scenarios` is empty, and `scenarios_reason` says why, where the token's share of the market is
    unknown or means nothing.
    """

    slug: str
    as_of: date
    day: date
    first_day: date
    price: float
    market_cap: float | None
    figures: list[core.Figure]
    relations: list[core.Relation]
    levels: list[core.Level]
    scenarios: list[core.Scenario]
    scenarios_reason: str
    falls: list[core.Fall]
    reference: str
    names: dict[str, str]

    @property
    def methods(self) -> dict[str, str]:
        """How each part is made, in words."""
        from signals.core.quant import METHODS

        return METHODS


def quant(slug: str, *, as_of: date) -> Quant:
    """The quant page of one token. Raises NoRecentClose without a close in the week up to `as_of`, and NotYetKnown."""
    import numpy as np

    from signals.core import quant as core

    market = market_active()
    require_known(market, as_of)
    year = market_year(as_of=as_of, market=market)
    wanted = list(dict.fromkeys([slug, *year.references]))
    history = _Calendar(panel(as_of=as_of, assets=wanted, market=market))
    close = history.column("close", slug)
    known = np.flatnonzero(~np.isnan(close))
    if not len(known) or (as_of - history.day(int(known[-1]))).days >= STALE:
        raise NoRecentClose(f"There is no close of '{slug}' in the week up to {as_of}.")
    until = int(known[-1]) + 1
    day = history.day(until - 1)
    close = close[:until]
    cap = float(history.column("market_cap", slug)[until - 1])
    kinds = history.kinds(slug)
    rows, reason = _scenarios(float(close[-1]), cap if cap > 0 else None, kinds, year, day)
    others = [name for name in year.references if name != slug]
    moves = _moves(close[-366:])
    related = [core.relation(moves, _market_moves(year, history, until, len(moves)), name="market")]
    related += [
        core.relation(moves, _moves(history.column("close", name)[:until][-366:]), name=name)
        for name in others
    ]
    # The yardstick of falls is the first reference, for itself the market's own largest falls: its own.
    reference = year.references[0] if year.references else ""
    yardstick = history.column("close", reference)[:until] if reference else close
    return Quant(
        slug=slug,
        as_of=as_of,
        day=day,
        first_day=history.day(int(known[0])),
        price=float(close[-1]),
        market_cap=cap if cap > 0 else None,
        figures=core.figure_list(close),
        relations=related,
        levels=core.levels(
            history.days[:until],
            close,
            history.column("high", slug)[:until],
            history.column("low", slug)[:until],
        ),
        scenarios=rows,
        scenarios_reason=reason,
        falls=core.shared_falls(history.days[:until], yardstick, close),
        reference=reference or slug,
        names={name: asset.name for name, asset in assets_by_slug(wanted).items()},
    )


class _Calendar:
    """A panel's columns on consecutive days: a day that no token has a candle of is there, unknown."""

    def __init__(self, panel: Panel) -> None:
        import numpy as np

        self.panel = panel
        own = panel.dates.to_numpy().astype("datetime64[D]")
        self.days = np.arange(own[0], own[-1] + 1) if len(own) else own
        self._rows = (own - self.days[0]).astype(np.int64) if len(own) else np.array([], dtype=np.int64)

    def column(self, field: str, slug: str) -> Array:
        """[date] One field of one token, NaN where unknown, also for a token without a candle."""
        import numpy as np

        values = np.full(len(self.days), np.nan)
        if slug in self.panel.assets:
            values[self._rows] = getattr(self.panel, field)[:, self.panel.assets.index(slug)]
        return values

    def day(self, row: int) -> date:
        found: date = self.days[row].item()
        return found

    def kinds(self, slug: str) -> frozenset[str]:
        return self.panel.categories[slug]


def _moves(close: Array) -> Array:
    return close[1:] / close[:-1] - 1.0


def _market_moves(year: MarketYear, history: _Calendar, until: int, count: int) -> Array:
    """The market's returns on the last `count` days before row `until`."""
    import numpy as np

    known = dict(zip(year.days, year.returns, strict=True))
    found = [known.get(history.day(row)) for row in range(until - count, until)]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def _scenarios(
    price: float, cap: float | None, kinds: frozenset[str], year: MarketYear, day: date
) -> tuple[list[core.Scenario], str]:
    from signals.core import quant as core
    from signals.core.categories import declared
    from signals.core.features.backdrop import NOT_COUNTED

    if declared(kinds) & NOT_COUNTED:
        return [], "It stands for something else, so the size of the market does not move its price."
    totals = dict(zip(year.days, year.total_caps, strict=True))
    total = totals.get(day)
    if cap is None or total is None:
        return [], "Its market cap, or that of the whole market, is not known on this day."
    seen = [
        value for at, value in totals.items() if value is not None and day - timedelta(days=365) < at <= day
    ]
    return core.scenarios(price=price, market_cap=cap, total_cap=total, low=min(seen), high=max(seen)), ""
