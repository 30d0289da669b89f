"""What holding the best-scored tokens would have earned, beside every plain rule that could have been held instead."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signals.core.panel import Array
from signals.core.report.gates import Cell, Chart, Column, Gate, Section, Table, judged, not_run
from signals.core.report.material import COST, Ints, Material
from signals.core.report.portfolios import (
    Performance,
    Run,
    daily_value,
    excess,
    performance,
    run,
    shared,
    tilted,
    top,
)
from signals.core.report.writing import number, percent, t_value
from signals.core.validation import quantile_report

AI, CALM, TWIN, EQUAL, BTC = "AI top quintile", "calmest coins", "passive twin", "equal weight", "BTC"
TREND, TARGET, AI_TARGET = "twin x SMA100", "twin x SMA100 x 40 % vol", "AI top quintile x SMA100 x 40 % vol"
BITCOIN = "bitcoin"
VOLATILITY_TARGET = 0.4
MOST_TURNOVER = 0.25
QUANTILES = 5
BASELINE_YEARS = (2018, 2022)
BASELINES: Mapping[str, tuple[float, float, float | None]] = {
    "BTC": (0.39, -0.79, 0.02),
    "passive twin": (0.23, -0.90, -0.15),
    "twin x SMA100": (0.65, -0.65, 0.23),
    "twin x SMA100 x 40 % vol": (0.83, -0.47, 0.25),
    "twin tilted by 14-day momentum": (0.20, -0.93, None),
    "twin tilted to low volatility": (0.21, -0.91, None),
}
"""Rule -> Sharpe ratio, worst fall, growth a year over 2018-2022 that the grades were asked to beat."""
NOTE = (
    "Weekly, decided at Sunday's close, traded one close later, 30 bp of every dollar bought or sold, the twin's and "
    "the universe's own trading too; cash earns nothing; the fall is on daily closes. A token whose prices end is "
    "held at its last one."
)


def books(material: Material) -> dict[str, Run]:
    """Name -> the run of each portfolio over the same weeks: the scores', their twins' and the baselines'."""
    at = material.weekly
    scores, investor = material.scores.trader[at], material.scores.investor[at]
    returns = material.week_return(at)
    graded = ~np.isnan(scores)
    twin = material.twin_weights(at)
    calm = np.where(graded, -material.exposures["volatility"], np.nan)
    trend, level = _overlays(material, at)
    weights: dict[str, Array] = {
        AI: top(scores),
        "AI top quintile, investor score": top(investor),
        "twin tilted by the trader score": tilted(twin, scores),
        CALM: top(calm),
        TWIN: twin,
        EQUAL: shared(graded),
        BTC: _one(material, BITCOIN, len(at)),
        TREND: twin * trend[:, None],
        TARGET: twin * (trend * level)[:, None],
        AI_TARGET: top(scores) * (trend * level)[:, None],
        "twin tilted by 14-day momentum": tilted(
            twin, np.where(graded, material.exposures["momentum"], np.nan)
        ),
        "twin tilted to low volatility": tilted(twin, calm),
    }
    return {name: run(held, returns) for name, held in weights.items()}


def _overlays(material: Material, at: Ints) -> tuple[Array, Array]:
    """[week] Whether the market is above its mean of 100 days (1 or 0; 1 unknown), and 40 % / volatility up to 1."""
    market = material.market.iloc[material.rows[at]]
    trend, volatility = market["trend_100"].to_numpy(), market["volatility"].to_numpy()
    share = np.where(np.isnan(trend), 1.0, (trend > 0).astype(float))
    level = np.where(
        np.isnan(volatility), 1.0, np.minimum(1.0, VOLATILITY_TARGET / np.maximum(volatility, 1e-9))
    )
    return share, level


def _one(material: Material, slug: str, count: int) -> Array:
    out = np.zeros((count, len(material.panel.assets)))
    if slug in material.panel.assets:
        out[:, material.panel.assets.index(slug)] = 1.0
    return out


def measured(material: Material, runs: Mapping[str, Run]) -> dict[str, Performance]:
    """The figures of every run, falls on daily closes."""
    starts = material.rows[material.weekly] + 1
    return {
        name: performance(found, daily=daily_value(found, material.standing, starts))
        for name, found in runs.items()
    }


def comparison(material: Material, runs: Mapping[str, Run]) -> Section:
    """All portfolios side by side, and the gates on what the best-scored quintile adds after cost."""
    at = material.weekly
    figures = measured(material, runs)
    rows: list[list[Cell]] = []
    for name, found in figures.items():
        mean, t = excess(runs[name], runs[TWIN]) if name != TWIN else (None, None)
        rows.append([name, found.sharpe, found.fall, found.growth, found.volatility, found.turnover, mean, t])
    columns = [
        Column("portfolio", "text"),
        Column("Sharpe"),
        Column("max drawdown", "percent"),
        Column("CAGR", "percent"),
        Column("volatility", "percent"),
        Column("turnover a week, one way", "percent"),
        Column("over the twin a week", "percent"),
        Column("t"),
    ]
    days = [str(day.date()) for day in material.scores.dates[at]]
    drawn = (AI, CALM, TWIN, TARGET, AI_TARGET, BTC)
    chart = Chart(
        "Value of 1, after cost",
        days,
        {name: list(np.cumprod(1.0 + runs[name].net)) for name in drawn},
        is_log=True,
    )
    return Section(
        gates=[_excess_gate(runs), _calm_gate(runs), _overlay_gate(figures), _turnover_gate(figures[AI])],
        tables={
            "portfolios": Table("Portfolios side by side", columns, rows, NOTE),
            "by_year": _by_year(material, runs),
            **_baselines(material, figures),
        },
        charts={"value": chart},
    )


def _baselines(material: Material, figures: Mapping[str, Performance]) -> dict[str, Table]:
    """Ours beside the figures that the project set out with, where the span is theirs; nothing otherwise."""
    dates = material.scores.dates[material.weekly]
    if (dates[0].year, dates[-1].year) != BASELINE_YEARS:
        return {}
    rows: list[list[Cell]] = []
    for name, (sharpe, fall, growth) in BASELINES.items():
        found = figures[name]
        rows.append([name, sharpe, found.sharpe, fall, found.fall, growth, found.growth])
    columns = [Column("rule", "text")]
    for name, unit in (("Sharpe", "number"), ("max drawdown", "percent"), ("CAGR", "percent")):
        columns += [Column(f"{name}, set out with", unit), Column("ours", unit)]
    note = (
        "Our universe asks for a volume and for prices that move, the market's level is the capped twin's, the trend "
        "is looked at on Sundays only, and tilts are by rank; the earlier figures did not say how theirs were made."
    )
    return {"baselines": Table("Plain rules beside the figures that were set out with", columns, rows, note)}


def _by_year(material: Material, runs: Mapping[str, Run]) -> Table:
    years = material.scores.dates[material.weekly].year.to_numpy()
    shown = (AI, CALM, TWIN, EQUAL, TARGET, AI_TARGET)
    rows: list[list[Cell]] = [
        [str(year), *(float(np.prod(1.0 + runs[name].net[years == year]) - 1.0) for name in shown)]
        for year in np.unique(years)
    ]
    return Table(
        "Return by year, after cost",
        [Column("year", "text"), *(Column(name, "percent") for name in shown)],
        rows,
    )


def _excess_gate(runs: Mapping[str, Run]) -> Gate:
    parts = {
        name: excess(runs[AI], runs[other]) for name, other in (("universe", EQUAL), ("passive twin", TWIN))
    }
    least = min(mean for mean, _ in parts.values())
    said = "; ".join(
        f"over the {name} {percent(mean)} a week ({t_value(t)})" for name, (mean, t) in parts.items()
    )
    return judged(
        "top_quintile",
        "Top quintile after cost",
        "mean weekly excess, the lower of universe and passive twin",
        "> 0 over both",
        passed=least > 0,
        figure=least,
        shown=percent(least),
        text=said[0].upper() + said[1:],
    )


def _calm_gate(runs: Mapping[str, Run]) -> Gate:
    mean, t = excess(runs[AI], runs[CALM])
    return judged(
        "calm_twin",
        "Top quintile over the calmest coins",
        "mean weekly excess after cost over the quintile of lowest idiosyncratic volatility",
        "> 0",
        passed=mean > 0,
        figure=mean,
        shown=percent(mean),
        text=f"Its {t_value(t)}",
    )


def _overlay_gate(figures: Mapping[str, Performance]) -> Gate:
    mine, rule = figures[AI_TARGET].sharpe, figures[TARGET].sharpe
    said = "" if mine > rule else "AI adds nothing over a rule"
    return judged(
        "trend_overlay",
        "Against the trend-overlay twin",
        "Sharpe ratio of the top quintile less that of the twin, both x SMA100 x 40 % volatility",
        "> 0",
        passed=mine > rule,
        figure=mine - rule,
        shown=f"{number(mine, 2)} less {number(rule, 2)}",
        text=said,
    )


def _turnover_gate(found: Performance) -> Gate:
    return judged(
        "turnover",
        "Turnover",
        "one way a week, top quintile",
        f"≤ {MOST_TURNOVER:.0%}",
        passed=found.turnover <= MOST_TURNOVER,
        figure=found.turnover,
        shown=f"{found.turnover:.1%}",
    )


def quantiles(material: Material) -> Section:
    """Returns of the five quantiles of both scores over the universe, and the cost that would eat the top one."""
    at = material.weekly
    label = material.label(at)
    rows: list[list[Cell]] = []
    gate = not_run(
        "cost_break_even",
        "Cost break-even",
        "cost at which the top quintile earns what the universe does",
        f"≥ {2 * COST * 10_000:.0f} bp",
        "no quantile could be formed",
    )
    for name, scores in (
        ("trader score", material.scores.trader[at]),
        ("investor score", material.scores.investor[at]),
    ):
        found = quantile_report(scores, label, quantiles=QUANTILES)
        over = found.means - np.nanmean(np.where(np.isnan(scores), np.nan, label), axis=1, keepdims=True)
        rows.append(
            [
                name,
                *(float(value) for value in np.nanmean(over, axis=0)),
                found.spread.test.mean,
                found.spread.test.t,
                found.top.test.t,
                found.top.turnover,
                found.top.break_even_bp,
            ]
        )
        if name == "trader score":
            gate = _break_even_gate(found.top.break_even_bp)
    columns = [
        Column("score", "text"),
        *(Column(f"Q{place}", "percent") for place in range(1, QUANTILES + 1)),
        Column("Q5 − Q1", "percent"),
        Column("t"),
        Column("t of Q5"),
        Column("turnover of Q5", "percent"),
        Column("break-even", "bp"),
    ]
    note = "Mean weekly return over the universe, before cost, lowest scores first, equal weights."
    return Section(gates=[gate], tables={"quantiles": Table("Quantiles", columns, rows, note)})


def _break_even_gate(found: float | None) -> Gate:
    limit = 2 * COST * 10_000
    value = np.nan if found is None else found
    return judged(
        "cost_break_even",
        "Cost break-even",
        "cost of every dollar traded at which the top quintile earns what the universe does",
        f"≥ {limit:.0f} bp, twice the {COST * 10_000:.0f} bp assumed",
        passed=value >= limit,
        figure=value,
        shown=f"{number(value, 0)} bp",
    )
