"""decide(): the one function that turns what is known at a date into target weights, live and in a backtest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from indices.core import calendar, exact, overlay, trades
from indices.core.capping import Bounded, bounded, bounded_in_groups
from indices.core.eligibility import VOLUME_DAYS, Readings, cap_days, group_members, readings, where
from indices.core.events.courses import course, frozen
from indices.core.events.kinds import Event
from indices.core.rulebook.choosing import Chosen, basket_columns, choose, scheme_weights
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.evidence import input_hash, reasons
from indices.core.weighting import WeightingError
from signals.core.panel import Panel

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


class DecisionError(ValueError):
    """No decision can be made; the message names the clause or input that is missing."""


@dataclass(frozen=True)
class Holding:
    """What an index holds at `as_of`: asset -> weight as drifted since it was traded, sum 1 (less what was lost)."""

    weights: Mapping[str, float]

    @property
    def members(self) -> frozenset[str]:
        """The incumbents."""
        return frozenset(self.weights)


@dataclass(frozen=True)
class Decision:
    """Target weights at `as_of`, to be traded at the close of `effective_on`.

    `weights` sum to exactly 1 (multiples of 2^-52). `turnover` is the sum of |target - drifted| at `as_of`, both sides.
    `held` says why the last weights stay; such a decision is not traded and its weights are those drifted. `drifted` is
    what was held at `as_of` before any trade; `ranks` are those of members and leavers, as far as they were ranked.
    """

    as_of: date
    effective_on: date
    epoch: str
    weights: dict[str, float]
    ranks: dict[str, int]
    turnover: float
    reasons: dict[str, str] = field(repr=False)
    notes: tuple[str, ...] = ()
    held: str = ""
    input_hash: str = ""
    drifted: dict[str, float] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Outlook:
    """What is known at a determination beside the market itself. None is not known: the rules then go without it.

    `grades` are asset -> 0 to 100, `regime` is the risk share as a fraction; `notes` go onto the decision.
    """

    grades: Mapping[str, float] | None = None
    regime: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Outcome:
    """A decision in columns of the panel: `columns` in slug order, `weights` parallel."""

    columns: Columns
    weights: Array
    chosen: Chosen | None
    notes: tuple[str, ...] = ()
    held: str = ""


def decide(
    *,
    as_of: date,
    panel: Panel,
    rulebook: Rulebook,
    grades: Mapping[str, float] | None = None,
    regime: float | None = None,
    previous: Holding | None = None,
    events: Sequence[Event] = (),
) -> Decision:
    """The decision of `rulebook` from closes of `as_of` and earlier.

    Rows of `panel` after `as_of` are cut off first; it must hold `as_of` itself and the `lookback_days(rulebook)`
    before it, as far as the market goes back. `grades` (asset -> 0 to 100) and `regime` (risk share, fraction) are
    required where the rulebook asks for them; `events` act on days at or before `as_of`. Where nothing passes the
    screens the decision is held. Raises DecisionError for a missing input.
    """
    known = panel.as_of(as_of)
    if not len(known.dates) or known.dates[-1] != pd.Timestamp(as_of):
        raise DecisionError(f"panel: has no closes of {as_of}; load that day before deciding on it")
    if previous is not None:
        known = widened(known, previous.members)
    eventful = course(known, events, rulebook)
    known = known if eventful is None else eventful.panel
    read = readings(known, np.array([len(known.dates) - 1]), rulebook, eventful)
    position = {asset: column for column, asset in enumerate(known.assets)}
    grade_row = None if grades is None else graded(grades, position, len(known.assets))
    drifted = np.zeros(len(known.assets))
    for asset, weight in (previous.weights if previous is not None else {}).items():
        drifted[position[asset]] = weight
    outcome = determine(read, 0, rulebook, drifted=drifted, grades=grade_row, regime=regime)
    epoch = calendar.epoch(rulebook.calendar, as_of)
    return decision(read, 0, rulebook, outcome, drifted=drifted, grades=grade_row, regime=regime, epoch=epoch)


def determine(
    read: Readings, at: int, rulebook: Rulebook, *, drifted: Array, grades: Array | None, regime: float | None
) -> Outcome:
    """The outcome at `read.rows[at]`; `drifted` is [asset] weights held, all zero before the first purchase."""
    check_inputs(rulebook, grades, regime)
    incumbent = drifted > 0
    invested = bool(incumbent.any())
    chosen = choose(read, at, rulebook, incumbent if invested else None, grades)
    if not len(chosen.columns):
        return held(read, drifted, "no asset passes the screens", chosen)
    try:
        raw = scheme_weights(read, at, rulebook, chosen.columns, grades)
    except WeightingError as error:
        return held(read, drifted, str(error), chosen)
    positive = raw > 0
    columns = chosen.columns
    if not positive.all():
        columns, raw = columns[positive], raw[positive]
    limited = limits(read, rulebook, columns, raw)
    notes = (limited.note,) if limited.note else ()
    weights = limited.weights
    sheltered = rulebook.overlay.regime and regime is not None
    stuck = None if read.course is None else read.course.halted(int(read.rows[at])) & incumbent
    if sheltered or not rulebook.trading.free or (stuck is not None and stuck.any()):
        target = np.zeros(len(drifted))
        target[columns] = weights
        if sheltered and regime is not None:
            shelter = sheltering(read, at, rulebook, target, regime)
            if shelter.held:
                return held(read, drifted, shelter.held, chosen)
            target, notes = shelter.weights, (*notes, *shelter.notes)
        if stuck is not None and stuck.any():
            target = frozen(target, drifted, stuck)
            if not target.any():
                return held(read, drifted, "nothing but what is halted could be held", chosen)
            names = ", ".join(read.panel.assets[column] for column in where(read, stuck).tolist())
            notes = (*notes, f"halted, cannot be traded: {names}")
        touched = where(read, (target > 0) | incumbent)
        traded = trades.worth_trading(target[touched], drifted[touched], rulebook.trading, rulebook.costs)
        if traded.held:
            return held(read, drifted, traded.held, chosen)
        kept = traded.weights > 0
        columns, weights = touched[kept], traded.weights[kept]
    weights = exact.on_grid(weights)
    present = weights > 0
    if not present.all():
        columns, weights = columns[present], weights[present]
    return Outcome(columns, weights, chosen, notes)


def decision(
    read: Readings,
    at: int,
    rulebook: Rulebook,
    outcome: Outcome,
    *,
    drifted: Array,
    grades: Array | None,
    regime: float | None,
    epoch: str,
) -> Decision:
    """`outcome` of the period `epoch` with names, reasons and the hash of every input."""
    as_of = read.panel.dates[int(read.rows[at])].date()
    assets = read.panel.assets
    chosen = outcome.chosen
    incumbents = np.flatnonzero(drifted > 0)
    return Decision(
        as_of=as_of,
        effective_on=calendar.effective_day(rulebook.calendar, as_of),
        epoch=epoch,
        weights={
            assets[column]: float(weight)
            for column, weight in zip(outcome.columns, outcome.weights, strict=True)
        },
        ranks={}
        if chosen is None
        else {assets[column]: rank for column, rank in chosen.ranks(np.append(outcome.columns, incumbents))},
        turnover=0.0 if outcome.held else turnover(outcome, drifted),
        reasons={}
        if outcome.held or chosen is None
        else reasons(read, at, rulebook, chosen, outcome.columns, drifted=drifted, grades=grades),
        notes=outcome.notes,
        held=outcome.held,
        input_hash=input_hash(read, at, rulebook, drifted=drifted, grades=grades, regime=regime),
        drifted={assets[column]: float(drifted[column]) for column in incumbents.tolist()},
    )


def lookback_days(rulebook: Rulebook) -> int:
    """How many calendar days of panel, `as_of` included, decide() looks at."""
    days = 1 + rulebook.screens.max_stale_days
    if rulebook.screens.min_median_volume_30d is not None or rulebook.costs.needs_volume:
        days = max(days, VOLUME_DAYS)
    days = max(days, cap_days(rulebook))
    if rulebook.weighting.scheme in ("inverse_volatility", "risk_parity", "min_variance"):
        days = max(days, rulebook.weighting.window_days + 1)
    return days


def passive(rulebook: Rulebook, *, grades: bool, regime: bool) -> Rulebook:
    """The rules without `grades` (ranked and weighted by market cap instead, screened by none), without `regime` (fully
    invested)."""
    if grades:
        selection, weighting = rulebook.selection, rulebook.weighting
        if selection.rank_by == "grade":
            rulebook = replace(rulebook, selection=replace(selection, rank_by="market_cap"))
        if weighting.scheme == "grade_tilt":
            rulebook = replace(rulebook, weighting=replace(weighting, scheme="market_cap", tilt=1.0))
        if rulebook.screens.min_grade is not None:
            rulebook = replace(rulebook, screens=replace(rulebook.screens, min_grade=None))
    if regime:
        rulebook = replace(rulebook, overlay=replace(rulebook.overlay, regime=False))
    return rulebook


def check_inputs(rulebook: Rulebook, grades: Array | None, regime: float | None) -> None:
    """Raises DecisionError where the rulebook asks for grades or a regime that are not there."""
    if grades is None and rulebook.selection.rank_by == "grade":
        raise DecisionError("selection.rank_by: grade needs grades, and none were given")
    if grades is None and rulebook.screens.min_grade is not None:
        raise DecisionError("screens.min_grade: needs grades, and none were given")
    if grades is None and rulebook.weighting.scheme == "grade_tilt":
        raise DecisionError("weighting.scheme: grade_tilt needs grades, and none were given")
    if regime is None and rulebook.overlay.regime:
        raise DecisionError("overlay.regime: needs the market regime, and none was given")


def held(read: Readings, drifted: Array, why: str, chosen: Chosen | None) -> Outcome:
    """The outcome that leaves everything as it is."""
    columns = where(read, drifted > 0)
    return Outcome(columns, drifted[columns], chosen, (), why)


def turnover(outcome: Outcome, drifted: Array) -> float:
    """Sum of |target - drifted| over what is held and what is wanted, both sides."""
    target = np.zeros(len(drifted))
    target[outcome.columns] = outcome.weights
    touched = np.flatnonzero((target > 0) | (drifted > 0))
    return trades.turnover(target[touched], drifted[touched])


def limits(read: Readings, rulebook: Rulebook, columns: Columns, raw: Array) -> Bounded:
    """The weights `raw` of `columns` within the rulebook's caps and floors."""
    clause = rulebook.weighting
    if clause.max_weight_largest is None and not clause.max_weight_groups:
        return bounded(raw, max_weight=clause.max_weight, min_weight=clause.min_weight)
    return bounded_in_groups(
        raw,
        max_weight=clause.max_weight,
        min_weight=clause.min_weight,
        largest=clause.max_weight_largest,
        groups={
            category: (group_members(read.panel, columns, category), most)
            for category, most in clause.max_weight_groups
        },
    )


@dataclass(frozen=True, eq=False)
class Sheltered:
    """[asset] weights with part of the index in the basket; `held` says why that cannot be, empty where it can."""

    weights: Array
    notes: tuple[str, ...] = ()
    held: str = ""


def sheltering(read: Readings, at: int, rulebook: Rulebook, target: Array, regime: float) -> Sheltered:
    """`target` scaled to the risk share `regime`, and the rest in the overlay's basket as far as that has prices.

    What the basket cannot take under `overlay.max_issuer` stays invested, with a note; a basket without any price is
    held.
    """
    risky, waiting = overlay.with_risk_share(target, regime)
    if waiting == 0:
        return Sheltered(risky)
    clause = rulebook.overlay
    columns, priced = basket_columns(read, at, rulebook)
    names = ", ".join(clause.basket)
    if not priced.any():
        day = read.panel.dates[int(read.rows[at])].date()
        return Sheltered(target, held=f"overlay.risk_off: {names} has no price on {day}")
    shares = np.array(list(clause.basket.values()))
    placed, left = overlay.placed(waiting, shares, priced, clause.max_issuer)
    notes: tuple[str, ...] = ()
    if left > 0:
        risky, _ = overlay.with_risk_share(target, min(regime + left, 1.0))
        notes = (f"{left:.4%} finds no place in {names} and stays invested",)
    risky[columns[priced]] += placed[priced]
    return Sheltered(risky, notes)


def graded(grades: Mapping[str, float], position: Mapping[str, int], count: int) -> Array:
    """Grades as [asset], NaN where there is none. Raises DecisionError for a grade outside 0 to 100."""
    row = np.full(count, np.nan)
    for asset, grade in grades.items():
        if not 0 <= grade <= 100:
            raise DecisionError(f"grades: {asset} must be in [0, 100], got {grade!r}")
        if asset in position:
            row[position[asset]] = grade
    return row


def widened(panel: Panel, members: frozenset[str]) -> Panel:
    """`panel` with a column of unknowns for each member that it lacks: a short panel has no column for the dead."""
    missing = sorted(members.difference(panel.assets))
    if not missing:
        return panel
    unknown = pd.DataFrame(np.nan, index=panel.dates, columns=missing)
    frames: dict[str, Any] = {
        name: pd.concat([panel.frame(name), unknown], axis=1) for name in ("close", "market_cap", "volume")
    }
    first_days = {
        asset: day.astype(date)
        for asset, day in zip(panel.assets, panel.first_days, strict=True)
        if not np.isnat(day)
    }
    return Panel.from_frames(**frames, categories=panel.categories, first_days=first_days)
