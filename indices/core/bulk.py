"""Many rebalances of plain rules at once, with the bits that one step after another would have.

Under plain rules what is bought does not hang on what the weights have drifted to. So the members of all rebalances
come first, and weights, drift and turnover follow for all of them together: the same arithmetic on longer arrays.
Whatever else a rulebook says is left to the steps of indices.core.walk, and a test holds the two together bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indices.core import costs
from indices.core.capping import bounded, capped_rows
from indices.core.eligibility import Mask, Readings
from indices.core.exact import on_grid_rows
from indices.core.levels import Rebalance, Strikes, buyable, drift, strikes, trade_volumes, unknown
from indices.core.rulebook.choosing import choose
from indices.core.rulebook.clauses import Rulebook
from signals.core.panel import Panel

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]

# Small enough for the processor's cache, large enough that the number of calls does not matter.
_CELLS = 65_536
# The clauses that are understood here. A rulebook that says anything else, now or in a later version, is not plain.
_PLAIN: dict[str, frozenset[str]] = {
    "universe": frozenset({"categories", "exclude_categories", "exclude"}),
    "screens": frozenset({"min_market_cap", "min_median_volume_30d", "min_age_days", "max_stale_days"}),
    "selection": frozenset({"rank_by", "count", "buffer", "review"}),
    "weighting": frozenset(
        {"scheme", "max_weight", "min_weight", "smoothing_days", "smoothing", "window_days"}
    ),
    "calendar": frozenset({"frequency", "weekday", "lag_days"}),
    "trading": frozenset({"drift_band", "max_turnover", "min_trade_usd"}),
    "costs": frozenset({"fee_bps", "half_spread_bps", "impact", "capital_usd"}),
    "delisting": frozenset({"after_missing_days", "return"}),
    "base": frozenset({"level", "date"}),
    "overlay": frozenset({"regime", "risk_off"}),
}
_TEXTS = frozenset({"slug", "family", "name", "summary"})


@dataclass(frozen=True, eq=False)
class Purchases:
    """What is bought at which row: one target after the other in flat arrays, `counts` columns each."""

    rows: Columns
    counts: Columns
    columns: Columns
    weights: Array

    @property
    def offsets(self) -> Columns:
        """Where each target begins in the flat arrays."""
        return np.cumsum(self.counts) - self.counts

    def kept(self, keep: Mask) -> Purchases:
        """These without those that `keep` says no to."""
        inside = np.repeat(keep, self.counts)
        return Purchases(self.rows[keep], self.counts[keep], self.columns[inside], self.weights[inside])


@dataclass(frozen=True, eq=False)
class Stretch:
    """Rebalances in order, and the level at each row from the first of the walk on."""

    rebalances: list[Rebalance]
    level: Array


def is_plain(rulebook: Rulebook) -> bool:
    """Whether `rulebook` holds no clause by which a purchase hangs on drifted weights, grades or a regime."""
    body = rulebook.to_dict()
    for name, clause in body.items():
        if name in _TEXTS:
            continue
        if name not in _PLAIN or not isinstance(clause, dict) or not _PLAIN[name].issuperset(clause):
            return False
    return (
        all(isinstance(name, str) for name in body["universe"]["exclude"])
        and rulebook.selection.rank_by == "market_cap"
        and rulebook.weighting.scheme in ("market_cap", "sqrt_market_cap", "equal")
        and not rulebook.weighting.smoothing_days
        and not rulebook.overlay.regime
        and rulebook.trading.free
    )


def stretch(
    panel: Panel,
    rulebook: Rulebook,
    *,
    days: npt.NDArray[np.int64],
    first: int,
    last: int,
    begun: tuple[int, Columns, Array],
    reads: Iterable[Readings],
    effective: Callable[[Columns], Columns],
) -> Stretch | None:
    """The walk from the first purchase `begun` (row, columns, weights) through `last`; the level is the base before.

    `reads` are the determinations after it, in order, and `effective` tells the rows they are traded at. None where
    the numbers leave what is plain (a cap of zero, a weight too small to be one): then only the steps know.
    """
    found = _targets(
        panel, rulebook, days=days, first=first, last=last, begun=begun, reads=reads, effective=effective
    )
    if found is None:
        return None
    bought = _buyable(panel, rulebook, days, found)
    ends = np.append(bought.rows[1:], last)
    totals, drifted = _drifts(panel, rulebook, days, bought, ends, first, last)
    steps = list(_traded(panel, rulebook, days, bought, drifted))
    level = np.full(last - first + 1, rulebook.base.level)
    if steps:
        value, values = rulebook.base.level, []
        growth: list[float] = totals[bought.rows - first].tolist()
        growth[0] = 1.0
        for step, grown in zip(steps, growth, strict=True):
            value = value * grown * (1.0 - step.cost)
            values.append(value)
        begin = int(bought.rows[0]) - first
        lengths = np.append(np.diff(bought.rows), last + 1 - bought.rows[-1])
        level[begin:] = np.repeat(np.array(values), lengths) * totals[begin:]
        level[bought.rows - first] = values
    return Stretch(steps, level)


def _targets(
    panel: Panel,
    rulebook: Rulebook,
    *,
    days: npt.NDArray[np.int64],
    first: int,
    last: int,
    begun: tuple[int, Columns, Array],
    reads: Iterable[Readings],
    effective: Callable[[Columns], Columns],
) -> Purchases | None:
    turn = None if _is_free(rulebook) else _Turn(panel, rulebook, days, first, last, begun)
    rows = [np.array(begun[:1], dtype=np.intp)]
    counts = [np.array([len(begun[1])], dtype=np.intp)]
    columns, weights = [begun[1]], [begun[2]]
    for read in reads:
        traded = effective(read.rows)
        chosen, sizes = _best(read, rulebook.selection.count) if turn is None else turn.chosen(read, traded)
        caps = read.cap[np.repeat(np.arange(len(sizes)), sizes), chosen]
        # Nothing passes: the decision is held, and one that waits for the same row stays.
        some = sizes > 0
        found = _weighted(caps, sizes[some], rulebook)
        if found is None:
            return None
        rows.append(traded[some])
        counts.append(sizes[some])
        columns.append(chosen)
        weights.append(found)
    every = Purchases(*(np.concatenate(part) for part in (rows, counts, columns, weights)))  # type: ignore[arg-type]
    # A later decision for the same row replaces the one that waits for it.
    return every.kept((every.rows <= last) & np.append(every.rows[1:] != every.rows[:-1], True))


def _is_free(rulebook: Rulebook) -> bool:
    """Whether it makes no difference to the choice who is a member already."""
    screens = (rulebook.screens.min_market_cap, rulebook.screens.min_median_volume_30d)
    return (
        rulebook.selection.buffer == 0
        and rulebook.selection.review == "always"
        and all(screen is None or screen.enter == screen.stay for screen in screens)
    )


def _best(read: Readings, count: int) -> tuple[Columns, Columns]:
    """The members at each of `read.rows`: the flat columns in slug order, and how many each row has."""
    passes = read.entering if read.sorted_already else read.entering[:, read.slugs]
    width = passes.shape[1]
    if width > count:
        caps = read.cap if read.sorted_already else read.cap[:, read.slugs]
        score = np.where(passes, caps, -np.inf)
        least = np.partition(score, width - count, axis=1)[:, width - count]
        passes = passes & (score >= least[:, None])
        for row in np.flatnonzero(np.count_nonzero(passes, axis=1) > count):
            # Some share the last place.
            passes[row, np.argsort(-score[row], kind="stable")[count:]] = False
    sizes = np.count_nonzero(passes, axis=1)
    columns = np.flatnonzero(passes.reshape(-1)) - np.repeat(np.arange(len(sizes)) * width, sizes)
    return columns if read.sorted_already else read.slugs[columns], sizes


class _Turn:
    """Who is a member, from one determination to the next: what the choice hangs on where it hangs on members."""

    def __init__(
        self,
        panel: Panel,
        rulebook: Rulebook,
        days: npt.NDArray[np.int64],
        first: int,
        last: int,
        begun: tuple[int, Columns, Array],
    ) -> None:
        self.panel, self.rulebook, self.days = panel, rulebook, days
        self.waiting = [begun[:2]]
        self.columns, self.bought = np.empty(0, dtype=np.intp), first
        self.lost: Strikes | None = None
        if rulebook.delisting.return_ == -1.0:
            self.lost = strikes(panel, days, first=first, last=last, rulebook=rulebook)

    def chosen(self, read: Readings, traded: Columns) -> tuple[Columns, Columns]:
        """The members at each of `read.rows`, as `_best` tells them; `traded` are the rows they are bought at."""
        found, sizes = [], np.zeros(len(read.rows), dtype=np.intp)
        for at, (row, effective) in enumerate(zip(read.rows.tolist(), traded.tolist(), strict=True)):
            incumbent = self.incumbents(row)
            columns = choose(read, at, self.rulebook, incumbent, None).columns
            if len(columns):
                if self.waiting and self.waiting[-1][0] == effective:
                    self.waiting.pop()
                self.waiting.append((effective, columns))
            found.append(columns)
            sizes[at] = len(columns)
        return np.concatenate(found), sizes

    def incumbents(self, row: int) -> Mask | None:
        """What is held at the close of `row` and worth something; None where that is nothing."""
        while self.waiting and self.waiting[0][0] <= row:
            effective, columns = self.waiting.pop(0)
            equal = np.full(len(columns), 1.0 / len(columns))
            left, _ = buyable(
                self.panel, self.days, columns=columns, weights=equal, row=effective, rulebook=self.rulebook
            )
            if len(left):
                self.columns, self.bought = left, effective
        held = np.zeros(len(self.panel.assets), dtype=bool)
        held[self.columns] = True
        if self.lost is not None:
            held[self.lost.between(self.bought, row)] = False
        return held if held.any() else None


def _weighted(caps: Array, counts: Columns, rulebook: Rulebook) -> Array | None:
    """The flat weights of members with these flat `caps`, on the grid; None where one of them would vanish."""
    weights = np.empty(len(caps))
    for places in _blocks(counts):
        found = _block_weights(caps[places], rulebook)
        if found is None:
            return None
        weights[places] = found
    return weights


def _block_weights(caps: Array, rulebook: Rulebook) -> Array | None:
    """Weights of members with `caps` [rebalance x member]."""
    clause, count = rulebook.weighting, caps.shape[1]
    if not caps.min() > 0:
        return None
    if clause.scheme == "equal":
        raw = np.full(caps.shape, 1.0 / count)
    else:
        raw = np.sqrt(caps) if clause.scheme == "sqrt_market_cap" else caps
        raw = raw / raw.sum(axis=1)[:, None]
    if not raw.min() > 0:
        return None
    if clause.min_weight > 0 or count * clause.max_weight <= 1.0:
        limits = {"max_weight": clause.max_weight, "min_weight": clause.min_weight}
        weights = np.array([bounded(line, **limits).weights for line in raw])
    else:
        weights = capped_rows(raw / raw.sum(axis=1)[:, None], clause.max_weight)
    weights = on_grid_rows(weights)
    return weights if weights.min() > 0 else None


def _blocks(counts: Columns, *, cells: int = 1) -> Iterator[Columns]:
    """Places in flat arrays, [some targets x count], for the targets of each count."""
    offsets = np.cumsum(counts) - counts
    for count in np.unique(counts).tolist():
        begins = offsets[counts == count]
        size = max(_CELLS // (count * cells), 1)
        for low in range(0, len(begins), size):
            yield begins[low : low + size, None] + np.arange(count)


def _buyable(panel: Panel, rulebook: Rulebook, days: npt.NDArray[np.int64], found: Purchases) -> Purchases:
    """`found` without what has died before it could be bought."""
    width = panel.close.shape[1]
    prices = panel.close.reshape(-1).take(np.repeat(found.rows * width, found.counts) + found.columns)
    if not unknown(prices):
        return found
    offsets = found.offsets.tolist()
    missing = np.add.reduceat(np.isnan(prices), found.offsets) > 0
    columns, weights = np.split(found.columns, offsets[1:]), np.split(found.weights, offsets[1:])
    for step in np.flatnonzero(missing).tolist():
        columns[step], weights[step] = buyable(
            panel,
            days,
            columns=columns[step],
            weights=weights[step],
            row=int(found.rows[step]),
            rulebook=rulebook,
        )
    counts = np.array([len(part) for part in columns], dtype=np.intp)
    left = Purchases(found.rows, counts, np.concatenate(columns), np.concatenate(weights))
    return left.kept(counts > 0)


def _drifts(
    panel: Panel,
    rulebook: Rulebook,
    days: npt.NDArray[np.int64],
    bought: Purchases,
    ends: Columns,
    first: int,
    last: int,
) -> tuple[Array, Array]:
    """What 1 bought at the last rebalance before each row became, [row from first], and the flat weights of each
    purchase as drifted to the next one."""
    totals, drifted = np.ones(last - first + 1), np.empty(len(bought.weights))
    width, prices = panel.close.shape[1], panel.close.reshape(-1)
    lengths, offsets = ends - bought.rows + 1, bought.offsets
    keys = bought.counts * (len(days) + 1) + lengths
    for key in np.unique(keys).tolist():
        alike = np.flatnonzero(keys == key)
        count, length = divmod(key, len(days) + 1)
        size = max(_CELLS // (count * length), 1)
        for low in range(0, len(alike), size):
            steps = alike[low : low + size]
            places = offsets[steps][:, None] + np.arange(count)
            rows = bought.rows[steps][:, None] + np.arange(length)
            columns, weights = bought.columns[places], bought.weights[places]
            values = prices.take((rows * width)[:, :, None] + columns[:, None, :])
            values /= values[:, :1].copy()
            values *= weights[:, None, :]
            sums = values.sum(axis=2)
            for place in np.flatnonzero(np.isnan(sums[:, :].sum(axis=1))).tolist():
                path = drift(
                    panel,
                    days,
                    columns=columns[place],
                    weights=weights[place],
                    first=int(rows[place, 0]),
                    last=int(rows[place, -1]),
                    rulebook=rulebook,
                )
                values[place], sums[place] = path.values, path.totals
            totals[rows[:, 1:] - first] = sums[:, 1:]
            final = sums[:, -1:]
            drifted[places] = np.divide(
                values[:, -1], final, out=np.zeros((len(steps), count)), where=final > 0
            )
    return totals, drifted


def _traded(
    panel: Panel, rulebook: Rulebook, days: npt.NDArray[np.int64], bought: Purchases, drifted: Array
) -> Iterator[Rebalance]:
    """The rebalances: what is bought, from what the purchase before has drifted to."""
    width, offsets, count = panel.close.shape[1], bought.offsets, len(bought.rows)
    size = max(_CELLS // width, 1)
    stops, weights_at = offsets + bought.counts, bought.weights
    for low in range(0, count, size):
        high = min(low + size, count)
        held = np.zeros((high - low) * width)
        begin = int(offsets[max(low - 1, 0)])
        past, now = slice(begin, int(offsets[high - 1])), slice(int(offsets[low]), int(stops[high - 1]))
        lines = np.arange(high - low) * width
        sold = (
            np.repeat(lines[int(low == 0) :], bought.counts[max(low - 1, 0) : high - 1])
            + bought.columns[past]
        )
        wanted = np.repeat(lines, bought.counts[low:high]) + bought.columns[now]
        held[sold] = drifted[past]
        sizes = np.abs(weights_at[now] - held.take(wanted))
        held[wanted] = 0.0
        left = sold[held.take(sold) > 0]
        gone = np.searchsorted(left, lines + width).tolist()
        bought_sizes, sold_sizes, at = sizes.tolist(), held.take(left).tolist(), 0
        for number, end in zip(range(low, high), gone, strict=True):
            begin, stop = int(offsets[number]), int(stops[number])
            inside = slice(begin - now.start, stop - now.start)
            turnover = math.fsum(bought_sizes[inside] + sold_sizes[at:end])
            row, volume, amounts = int(bought.rows[number]), None, sizes[inside]
            if rulebook.costs.impact > 0:
                out = left[at:end]
                amounts = np.concatenate([amounts, held.take(out)])
                touched = np.concatenate([bought.columns[begin:stop], out - (number - low) * width])
                volume = trade_volumes(panel, days, row, touched)
            cost = costs.trade_cost(amounts, turnover, rulebook.costs, volume)
            yield Rebalance(row, bought.columns[begin:stop], weights_at[begin:stop], turnover, cost)
            at = end
