"""Where a result comes from: exchange tokens, thinly traded names, dead coins."""

from __future__ import annotations

import numpy as np

from signals.core.categories import declared
from signals.core.panel import Array
from signals.core.report.gates import Cell, Column, Gate, Section, Table, judged
from signals.core.report.material import Mask, Material
from signals.core.report.portfolios import excess, run, shared, top
from signals.core.report.writing import percent
from signals.core.validation import ic_summary, rank_ic, residual_ic
from signals.core.validation.ic import MIN_COUNT

THIN = 20e6
"""USD a day: names under this median volume are hard to hold in size."""
LEAST_DATES = 8


def origins(material: Material) -> Section:
    """The result with and without exchange tokens and thinly traded names, and what dead coins change."""
    groups, shares = _groups(material)
    return Section(
        gates=[_without_gate(material), survivorship_gate(material)],
        tables={
            "origins": groups,
            "origin_shares": shares,
            "survivorship": survivorship(material),
            "survivor_marks": survivor_marks(material),
        },
    )


def _groups(material: Material) -> tuple[Table, Table]:
    at = material.weekly
    everybody = np.ones((len(at), len(material.panel.assets)), dtype=bool)
    exchange = everybody & material.exchange
    thin = material.volume < THIN
    masks = {
        "all graded": everybody,
        "without exchange tokens": ~exchange,
        "exchange tokens only": exchange,
        "without names under $20 M a day": material.volume >= THIN,
        "names under $20 M a day only": thin,
        "neither": ~exchange & (material.volume >= THIN),
    }
    rows = [[name, *_judge(material, mask)] for name, mask in masks.items()]
    columns = [
        Column("universe", "text"),
        Column("tokens a week"),
        Column("mean IC"),
        Column("t"),
        Column("top quintile over its universe, net a week", "percent"),
        Column("t"),
    ]
    return Table("Exchange tokens and thin names", columns, rows), _shares(
        material, {"exchange tokens": exchange, "names under $20 M a day": thin}
    )


def _judge(material: Material, mask: Mask) -> list[Cell]:
    at = material.weekly
    scores = np.where(mask, material.scores.trader[at], np.nan)
    number = float((~np.isnan(scores)).sum(axis=1).mean())
    ic = rank_ic(scores, material.label(at))
    if (~np.isnan(ic)).sum() < LEAST_DATES:
        return [number, None, None, None, None]
    found = ic_summary(ic, material.scores.dates[at])
    returns = material.week_return(at)
    return [
        number,
        found.mean,
        found.t,
        *excess(run(top(scores), returns), run(shared(~np.isnan(scores)), returns)),
    ]


def _shares(material: Material, groups: dict[str, Mask]) -> Table:
    at = material.weekly
    scores = material.scores.trader[at]
    returns = material.week_return(at)
    base = shared(~np.isnan(scores))
    active = (top(scores) - base) * (returns - (base * returns).sum(axis=1, keepdims=True))
    whole = float(active.sum())
    rows: list[list[Cell]] = []
    for name, mask in groups.items():
        part = float(np.where(mask, active, 0.0).sum())
        rows.append(
            [
                name,
                float((top(scores) * mask).sum(axis=1).mean()),
                float((base * mask).sum(axis=1).mean()),
                part / len(at),
                part / whole if whole else None,
            ]
        )
    columns = [
        Column("group", "text"),
        Column("weight in the top quintile", "percent"),
        Column("weight in the universe", "percent"),
        Column("given to the excess a week, before cost", "percent"),
        Column("share of the excess", "percent"),
    ]
    note = "Weight beyond the universe's, times return beyond the universe's, summed over tokens and weeks."
    return Table("What part of the top quintile's excess comes from them", columns, rows, note)


def _without_gate(material: Material) -> Gate:
    at = material.weekly
    investable = ~material.exchange & (material.volume >= THIN)
    scores = np.where(investable, material.scores.trader[at], np.nan)
    returns = material.week_return(at)
    if ((~np.isnan(scores)).sum(axis=1) >= MIN_COUNT).sum() < LEAST_DATES:
        mean, t = float("nan"), None
    else:
        mean, t = excess(run(top(scores), returns), run(shared(~np.isnan(scores)), returns))
    return judged(
        "investable",
        "Without exchange tokens and thin names",
        "mean weekly excess of the top quintile after cost, names from $20 M a day",
        "> 0",
        passed=mean > 0,
        figure=mean,
        shown=percent(mean),
        text="" if t is None else f"t {t:.2f}",
    )


def _treatments(material: Material) -> dict[str, tuple[Array, Array]]:
    """Treatment -> scores and prices of the weekly positions."""
    ended, died = material.endings
    scores = material.scores.trader[material.weekly]
    return {
        "held at the last price": (scores, material.standing),
        "died: −100 %": (scores, material.buried(died)),
        "every end of a series: −100 %": (scores, material.buried(ended)),
        "ended tokens dropped from the start (survivors only)": (
            np.where(ended, np.nan, scores),
            material.standing,
        ),
    }


def _treated(material: Material, scores: Array, prices: Array) -> tuple[float, float, float | None]:
    """Mean weekly net return of the universe, of the top quintile over it, and its t."""
    returns = material.week_return(material.weekly, prices=prices)
    base = run(shared(~np.isnan(scores)), returns)
    return (float(base.net.mean()), *excess(run(top(scores), returns), base))


def survivorship(material: Material) -> Table:
    """The result under four treatments of tokens whose prices end before the panel does."""
    ended, died = material.endings
    rows: list[list[Cell]] = [
        [name, *_treated(material, scores, prices)]
        for name, (scores, prices) in _treatments(material).items()
    ]
    columns = [
        Column("tokens whose prices end", "text"),
        Column("universe a week, net", "percent"),
        Column("top quintile over it, net a week", "percent"),
        Column("t"),
    ]
    note = (
        f"{int(ended.sum())} series end early; {int(died.sum())} of them died, the others end where their source "
        "ends, which is no death. Counting every end as a loss of everything is a bound, not an estimate."
    )
    return Table("Survivorship", columns, rows, note)


def survivor_marks(material: Material) -> Table:
    """How well the mere fact that a source has filed a token under categories, which it does late, tells returns."""
    at = material.weekly
    filed = np.array([bool(declared(material.panel.categories[asset])) for asset in material.panel.assets])
    scores = np.where(np.isnan(material.scores.trader[at]), np.nan, filed.astype(np.float64))
    rows: list[list[Cell]] = []
    for name, exposures in (("has categories", {}), ("net of the four exposures", material.exposures)):
        ic = residual_ic(scores, material.label(at), exposures)
        if (~np.isnan(ic)).sum() >= LEAST_DATES:
            found = ic_summary(ic, material.scores.dates[at])
            rows.append([name, found.mean, found.t])
    columns = [Column("as a score", "text"), Column("mean IC"), Column("t")]
    note = (
        "Categories are of today: dead tokens have none, so knowing them is knowing the future. Features known "
        "only where a category is must not be read by the model; a t above 2 here says why."
    )
    return Table("Marks of survival", columns, rows, note)


def survivorship_gate(material: Material) -> Gate:
    """Whether the sign of the excess is the same with the dead at −100 % as with survivors only."""
    treated = _treatments(material)
    dead, survivors = (
        _treated(material, *treated[name])[1]
        for name in ("died: −100 %", "ended tokens dropped from the start (survivors only)")
    )
    return judged(
        "survivorship",
        "Survivorship",
        "mean weekly excess of the top quintile with dead coins at −100 %",
        "> 0, as with survivors only",
        passed=dead > 0 and survivors > 0,
        figure=dead,
        shown=percent(dead),
        text=f"Survivors only {percent(survivors)}: the gap is {percent(survivors - dead)} a week",
    )
