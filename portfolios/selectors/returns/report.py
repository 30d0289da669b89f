"""The one function behind the page, its files and the API: how a person's money has done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from indices import selectors as index_selectors
from portfolios.core.money import USD_SCALE, to_base
from portfolios.models import Order, User
from portfolios.selectors.returns.account import account_through_time
from portfolios.selectors.returns.alternatives import (
    BITCOIN,
    FREE,
    MARKET,
    MARKET_INDEX,
    Alternative,
    Span,
    alternatives_of,
    own_orders,
    span_of,
    summed,
)
from portfolios.selectors.returns.attribution import LONGEST, ByToken, Split, by_token, split_of
from portfolios.selectors.returns.books import books_through_time
from portfolios.selectors.returns.figures import Figures, figures_of
from portfolios.selectors.returns.holding import Holding, holdings_through_time
from signals import selectors as signal_selectors

PERIODS = {
    "1m": ("1 month", 30),
    "3m": ("3 months", 91),
    "1y": ("1 year", 365),
    "ytd": ("This year", None),
    "all": ("All", None),
}
"""Key -> (name, days back). A period begins at the close of its first day."""


class PeriodError(ValueError):
    """A period that cannot be looked at; the message names the parameter at fault."""


@dataclass(frozen=True)
class HoldingReport:
    """One index or one personal portfolio: the `key` to ask for it by, its figures, its alternatives, and the parts of
    its gain (None where a price is missing)."""

    key: str
    index_slug: str
    index_name: str
    figures: Figures
    alternatives: tuple[Alternative, ...]
    split: Split | None


@dataclass(frozen=True)
class Performance:
    """How a person's money has done from the close of `start` (None: from its first day) to the close of `as_of`.

    `figures` are those of the account with its cash, or of one holding alone where `index` names it (an index by its
    slug, a personal portfolio by `book-<id>`). `holdings` gain what
    the account gains, but for `elsewhere`. `tokens` is None for a span longer than attribution.LONGEST.
    """

    as_of: date
    start: date | None
    period: str
    index: str
    figures: Figures
    holdings: tuple[HoldingReport, ...]
    elsewhere: Decimal
    alternatives: tuple[Alternative, ...]
    split: Split | None
    tokens: ByToken | None


def performance(
    user: User,
    *,
    period: str = "all",
    start: date | None = None,
    as_of: date | None = None,
    index: str = "",
) -> Performance:
    """The report. `start` beats `period`; `as_of` defaults to the last closed day. Raises PeriodError for a period that
    does not exist, lies ahead or is empty, and for an index that the user never held."""
    last = signal_selectors.last_closed_day()
    end = last if as_of is None else as_of
    if end > last:
        raise PeriodError(f"as_of: {end} lies after the last closed day, {last}.")
    begin = start if start is not None else period_start(period, end)
    if begin is not None and begin >= end:
        raise PeriodError(f"start: {begin} must lie before {end}.")
    held = [*holdings_through_time(user, through=end), *books_through_time(user, through=end)]
    held = [one for one in held if one.steps]
    if index:
        held = [one for one in held if one.key == index]
        if not held:
            raise PeriodError(f"index: you have held no units of {index!r} up to {end}.")
    figured = [(one, figures_of(one.steps, one.gaps, start=begin, end=end)) for one in held]
    spans = {
        one.key: span_of(one, figures.steps, start=begin, end=end)
        for one, figures in figured
        if figures.steps
    }
    prices = _prices([span.held for span in spans.values()], end)
    orders = own_orders(user, [span.held.portfolio_id for span in spans.values()])
    reports = [
        _holding_report(one, figures, spans[one.key], orders.get(_order_key(one), []), prices)
        for one, figures in figured
        if one.key in spans
    ]
    gain = sum((report.figures.gain for report in reports), Decimal(0))
    if index:
        whole = figured[0][1]
    else:
        history = account_through_time(user, held, through=end)
        whole = figures_of(history.steps, history.gaps, start=begin, end=end)
    return Performance(
        as_of=end,
        start=begin,
        period="" if start is not None else period,
        index=index,
        figures=whole,
        holdings=tuple(reports),
        elsewhere=whole.gain - gain,
        alternatives=tuple(summed([report.alternatives for report in reports], to_base(gain, USD_SCALE))),
        split=_split_summed(reports),
        tokens=_tokens(user, list(spans.values()), gain),
    )


def period_start(period: str, end: date) -> date | None:
    """The day at whose close a period that ends with `end` begins; None for all there is. Raises PeriodError."""
    if period not in PERIODS:
        raise PeriodError(f"period: must be one of {', '.join(PERIODS)}, got {period[:40]!r}.")
    days = PERIODS[period][1]
    if days is not None:
        return end - timedelta(days=days)
    return date(end.year - 1, 12, 31) if period == "ytd" else None


def _holding_report(
    held: Holding,
    figures: Figures,
    span: Span,
    orders: Sequence[Order],
    prices: Mapping[str, Mapping[date, Decimal]],
) -> HoldingReport:
    rows = alternatives_of(
        span,
        to_base(figures.gain, USD_SCALE),
        orders=orders,
        prices=prices,
        twin=_twin(held.index_slug),
    )
    return HoldingReport(
        held.key, held.index_slug, held.index_name, figures, tuple(rows), _split(figures.gain, rows)
    )


def _order_key(held: Holding) -> tuple[int, int | None]:
    return held.portfolio_id, None if held.book is None else held.book.book_id


def _split(gain: Decimal, rows: Sequence[Alternative]) -> Split | None:
    by_key = {row.key: row.gain for row in rows}
    return split_of(gain, market=by_key[MARKET], without_costs=by_key[FREE])


def _split_summed(reports: Sequence[HoldingReport]) -> Split | None:
    parts = [report.split for report in reports]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return Split(
        market=sum((part.market for part in known), Decimal(0)),
        choice=sum((part.choice for part in known), Decimal(0)),
        costs=sum((part.costs for part in known), Decimal(0)),
    )


def _tokens(user: User, spans: Sequence[Span], gain: Decimal) -> ByToken | None:
    if not spans:
        return None
    first, last = min(span.steps[0].day for span in spans), max(span.end for span in spans)
    return by_token(user, spans, to_base(gain, USD_SCALE)) if last - first <= LONGEST else None


def _twin(slug: str) -> str | None:
    if index_selectors.is_custom(slug):
        return None
    found = index_selectors.twin(slug)
    return None if found is None else found.slug


def _prices(held: Sequence[Holding], end: date) -> dict[str, Mapping[date, Decimal]]:
    """Bitcoin's closes, and the levels of the market index and of every twin that is needed."""
    if not held:
        return {}
    first = min(one.flows[0].day for one in held) - timedelta(days=7)
    bitcoin = index_selectors.close_marks([BITCOIN], start=first, end=end)
    found: dict[str, Mapping[date, Decimal]] = {BITCOIN: bitcoin.get(BITCOIN, {})}
    twins = {twin for one in held if (twin := _twin(one.index_slug)) is not None}
    known = {row.slug for row in index_selectors.index_list()}
    for slug in twins | ({MARKET_INDEX} & known):
        found[slug] = index_selectors.level_marks(index_selectors.levels(slug, start=first, end=end))
    return found
