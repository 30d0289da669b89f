"""Does the score know anything? Rank correlation, what is left beyond known exposures, timing, shuffles."""

from __future__ import annotations

import numpy as np

from signals.core.labels import INVESTOR_HORIZON, LAG
from signals.core.panel import Array
from signals.core.report.gates import Cell, Chart, Column, Gate, Section, Table, judged, not_run
from signals.core.report.material import COST, SUNDAY, Material
from signals.core.report.portfolios import excess, run, shared, top
from signals.core.report.writing import number, percent
from signals.core.validation import (
    ICSummary,
    ic_summary,
    placebo,
    rank_autocorrelation,
    rank_ic,
    residual_ic,
)
from signals.core.validation.exposures import residual_scores

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEAST_T, LEAST_YEARS, LEAST_RESIDUAL_T = 3.0, 0.7, 2.0
LEAST_WEEKDAYS = 6
LEAST_DATES = 8
DECAY_WEEKS = 8


def information(material: Material) -> Section:
    """The rank IC of both scores, by year and by week ahead, and net of volatility, beta, size and momentum."""
    at = material.weekly
    dates = material.scores.dates[at]
    month = material.on_weekday(SUNDAY, horizon=INVESTOR_HORIZON)
    trader = rank_ic(material.scores.trader[at], material.label(at))
    investor = rank_ic(material.scores.investor[month], material.label(month, horizon=INVESTOR_HORIZON))
    week = ic_summary(trader, dates)
    # Neighbouring Sundays share three of four weeks of the month's label.
    far = ic_summary(investor, material.scores.dates[month], overlap=INVESTOR_HORIZON // 7)
    residual, table = _residual(material)
    return Section(
        gates=[
            _ic_gate("ic", "Trader score, IC", week),
            _ic_gate("ic_investor", "Investor score, IC", far),
            residual,
        ],
        tables={
            "ic": _ic_table({"trader score, 7 days": week, "investor score, 28 days": far}),
            "ic_by_year": _by_year(week, far),
            "ic_decay": _decay(material),
            "ic_residual": table,
        },
        charts={"ic": _ic_chart(material, trader)},
    )


def _ic_gate(key: str, name: str, found: ICSummary) -> Gate:
    t = np.nan if found.t is None else found.t
    return judged(
        key,
        name,
        "Newey-West t of the mean weekly rank IC",
        f"≥ {LEAST_T:g}, and positive in ≥ {LEAST_YEARS:.0%} of years",
        passed=t >= LEAST_T and found.positive_year_share >= LEAST_YEARS,
        figure=t,
        shown=number(t, 2),
        text=f"Mean IC {number(found.mean, 4)} over {found.count} weeks, positive in "
        f"{found.positive_year_share:.0%} of {len(found.by_year)} years",
    )


def _ic_table(summaries: dict[str, ICSummary]) -> Table:
    columns = [
        Column("score", "text"),
        Column("mean IC"),
        Column("sd"),
        Column("t (Newey-West)"),
        Column("lags", "count"),
        Column("IR a week"),
        Column("weeks above 0", "percent"),
        Column("years above 0", "percent"),
        Column("weeks", "count"),
    ]
    rows = [
        [name, s.mean, s.sd, s.t, s.lags, s.ir, s.hit_share, s.positive_year_share, s.count]
        for name, s in summaries.items()
    ]
    return Table(
        "Information coefficient",
        columns,
        rows,
        "Spearman's rank correlation with the return, 1 day of delay.",
    )


def _by_year(week: ICSummary, far: ICSummary) -> Table:
    rows = [
        [str(year), found.mean, found.count, far.by_year[year].mean if year in far.by_year else None]
        for year, found in week.by_year.items()
    ]
    columns = [Column("year", "text"), Column("trader IC"), Column("weeks", "count"), Column("investor IC")]
    return Table("Information coefficient by year", columns, rows)


def _decay(material: Material) -> Table:
    at = material.on_weekday(SUNDAY, horizon=DECAY_WEEKS * 7)
    dates = material.scores.dates[at]
    rows: list[list[Cell]] = []
    for week in range(1, DECAY_WEEKS + 1) if len(at) >= LEAST_DATES else ():
        alone, whole = (
            material.label(at, start=(week - 1) * 7, horizon=7),
            material.label(at, horizon=week * 7),
        )
        cells: list[Cell] = [f"{week}"]
        for scores in (material.scores.trader[at], material.scores.investor[at]):
            single = ic_summary(rank_ic(scores, alone), dates)
            total = ic_summary(rank_ic(scores, whole), dates, overlap=week)
            cells += [single.mean, single.t, total.mean, total.t]
        rows.append(cells)
    names = [
        f"{who} {what}" for who in ("trader:", "investor:") for what in ("that week", "t", "to then", "t")
    ]
    return Table(
        "Decay of the IC by weeks ahead",
        [Column("week ahead", "text"), *(Column(name) for name in names)],
        rows,
        "That week: the return of the n-th week alone. To then: the return of all n weeks.",
    )


def _residual(material: Material) -> tuple[Gate, Table]:
    at = material.weekly
    dates = material.scores.dates[at]
    label, scores = material.label(at), material.scores.trader[at]
    rows: list[list[Cell]] = []
    nets = {"nothing": {}, **{name: {name: x} for name, x in material.exposures.items()}}
    nets["all of them"] = dict(material.exposures)
    found: ICSummary | None = None
    for name, exposures in nets.items():
        ic = residual_ic(scores, label, exposures)
        known = int((~np.isnan(ic)).sum())
        found = ic_summary(ic, dates) if known >= LEAST_DATES else None
        if found is not None:
            rows.append([f"net of {name}", found.mean, found.t, found.positive_year_share])
    for name, values in material.exposures.items():
        alone = rank_ic(np.where(np.isnan(scores), np.nan, values), label)
        if int((~np.isnan(alone)).sum()) >= LEAST_DATES:
            own = ic_summary(alone, dates)
            rows.append([f"{name} itself, as a score", own.mean, own.t, own.positive_year_share])
    columns = [Column("score", "text"), Column("mean IC"), Column("t"), Column("years above 0", "percent")]
    table = Table(
        "What the IC is made of",
        columns,
        rows,
        "Each date the ranked trader score is regressed on the ranked exposures; the residual is judged.",
    )
    arguments = ("residual_ic", "Residual IC", "t of the IC net of volatility, beta, size and momentum")
    limit = f"≥ {LEAST_RESIDUAL_T:g}"
    if found is None:
        return not_run(*arguments, limit, f"under {LEAST_DATES} dates leave anything of the score"), table
    t = np.nan if found.t is None else found.t
    gate = judged(
        *arguments,
        limit,
        passed=t >= LEAST_RESIDUAL_T,
        figure=t,
        shown=number(t, 2),
        text=f"Mean residual IC {number(found.mean, 4)}",
    )
    return gate, table


def _ic_chart(material: Material, trader: Array) -> Chart:
    at = material.weekly
    lines = {
        "trader score": trader,
        "net of the four exposures": residual_ic(
            material.scores.trader[at], material.label(at), material.exposures
        ),
    }
    return Chart(
        "Sum of weekly information coefficients",
        [str(day.date()) for day in material.scores.dates[at]],
        {name: list(np.nancumsum(line)) for name, line in lines.items()},
        "A straight line upwards is steady skill; a flat stretch is time without any.",
    )


def residual_leg(material: Material) -> tuple[float, float | None]:
    """Mean weekly return and t, before cost, of the top quintile of the residual score over the universe."""
    at = material.weekly
    left = residual_scores(material.scores.trader[at], material.exposures)
    returns = material.week_return(at)
    return excess(run(top(left), returns, cost=0.0), run(shared(~np.isnan(left)), returns, cost=0.0))


def shuffled(material: Material, *, trials: int, seed: int) -> Section:
    """The placebo: the observed IC beside that of scores shuffled within each date."""
    at = material.weekly
    found = placebo(material.scores.trader[at], material.label(at), seed=seed, trials=trials)
    gate = judged(
        "placebo",
        "Placebo",
        "mean IC",
        f"> {number(found.percentile_99, 4)}, the 99th percentile of {trials} shuffles",
        passed=found.observed > found.percentile_99,
        figure=found.observed,
        shown=number(found.observed, 4),
        text=f"p = {number(found.p_value, 4)}",
    )
    return Section(gates=[gate])


def timing(material: Material) -> Section:
    """How much the result owes to the day of trading: 0 to 2 days of delay, and each day as the start of the week."""
    delays: list[list[Cell]] = [[f"{lag} days", *_timed(material, SUNDAY, lag)] for lag in (0, 1, 2)]
    starts: list[list[Cell]] = [
        [name, *_timed(material, weekday, LAG, cost=0.0), len(material.on_weekday(weekday))]
        for weekday, name in enumerate(WEEKDAYS)
        if len(material.on_weekday(weekday)) >= LEAST_DATES
    ]
    ic = [Column("mean IC"), Column("t")]
    net, gross = (
        [Column(f"top quintile over universe a week, {when} cost", "percent"), Column("t")]
        for when in ("after", "before")
    )
    weeks = Column("weeks", "count")
    return Section(
        gates=[_delay_gate(delays), _weekday_gate(starts)],
        tables={
            "delay": Table("Delay of execution", [Column("delay", "text"), *ic, *net], delays),
            "week_start": Table(
                "Start of the week", [Column("decided on", "text"), *ic, *gross, weeks], starts
            ),
        },
    )


def _timed(material: Material, weekday: int, lag: int, *, cost: float = COST) -> tuple[float | None, ...]:
    at = material.on_weekday(weekday, lag=lag)
    scores = material.scores.trader[at]
    found = ic_summary(rank_ic(scores, material.label(at, lag=lag)), material.scores.dates[at])
    returns = material.week_return(at, lag=lag)
    books = (top(scores), shared(~np.isnan(scores)))
    mine, universe = (run(held, returns, cost=cost) for held in books)
    return found.mean, found.t, *excess(mine, universe)


def _delay_gate(rows: list[list[Cell]]) -> Gate:
    ics, nets = ([float(row[place] or 0.0) for row in rows] for place in (1, 3))
    return judged(
        "delay",
        "Execution delay 0, 1, 2 days",
        "lowest mean IC",
        "> 0 at each delay",
        passed=min(ics) > 0,
        figure=min(ics),
        shown=number(min(ics), 4),
        text=f"Top quintile over the universe after cost: {', '.join(percent(net) for net in nets)} a week",
    )


def _weekday_gate(rows: list[list[Cell]]) -> Gate:
    arguments = ("week_start", "Start of the week", "weekdays above zero")
    limit = f"≥ {LEAST_WEEKDAYS} of 7, in IC and in the top quintile's excess before cost"
    if len(rows) < len(WEEKDAYS):
        return not_run(*arguments, limit, f"scores exist for {len(rows)} of 7 weekdays")
    ics, nets = ([float(row[place] or 0.0) for row in rows] for place in (1, 3))
    alike = min(sum(x > 0 for x in values) for values in (ics, nets))
    return judged(
        *arguments,
        limit,
        passed=alike >= LEAST_WEEKDAYS,
        figure=float(alike),
        shown=f"{alike} of 7",
        text=f"Lowest mean IC {number(min(ics), 4)}; lowest excess before cost {percent(min(nets))} a week",
    )


def steadiness(material: Material) -> Table:
    """Rank autocorrelation of the scores over one and four weeks."""
    at = material.weekly
    rows: list[list[Cell]] = []
    for name, scores in (
        ("trader score", material.scores.trader[at]),
        ("investor score", material.scores.investor[at]),
    ):
        cells: list[Cell] = [name]
        for step in (1, 4):
            values = rank_autocorrelation(scores, step=step) if len(at) > step else np.array([np.nan])
            cells.append(float(np.nanmean(values)) if (~np.isnan(values)).any() else None)
        rows.append(cells)
    return Table(
        "How steady the ranking is",
        [Column("score", "text"), Column("correlation with a week before"), Column("with four weeks before")],
        rows,
    )
