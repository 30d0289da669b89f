"""How much of the result is choice and chance: trials, neighbours, best weeks, best token, random portfolios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from signals.core.panel import Array
from signals.core.report.gates import Cell, Column, Gate, Section, Table, judged, not_run
from signals.core.report.holdings import AI, EQUAL, TWIN
from signals.core.report.material import COST, Ints, Mask, Material
from signals.core.report.portfolios import WEEKS_PER_YEAR, Run, run, shared, top
from signals.core.report.writing import number, percent
from signals.core.validation import (
    ValidationError,
    backtest_overfitting,
    drop_best,
    expected_best_sharpe,
    probabilistic_sharpe,
    sharpe,
    superior_ability,
)

LEAST_DEFLATED, MOST_OVERFIT, HARD_OVERFIT, MOST_P = 0.95, 0.20, 0.50, 0.05
BEST_WEEKS = 5
PATH_BLOCKS, PATH_TEST_BLOCKS, LEAST_PATHS = 10, 2, 0.8
BLOCKS, BLOCK_WEEKS = 16, 8.0
ANNUAL = float(np.sqrt(WEEKS_PER_YEAR))


def configurations(material: Material) -> dict[str, Run]:
    """Name -> the run of each way the scores could have been held: which score, how many tokens, weights, universe."""
    at = material.weekly
    returns = material.week_return(at)
    caps = np.where(
        material.panel.market_cap[material.rows[at]] > 0, material.panel.market_cap[material.rows[at]], 0.0
    )
    trader, investor = material.scores.trader[at], material.scores.investor[at]
    size_rank = _from_largest(np.where(np.isnan(trader), np.nan, caps))
    runs: dict[str, Run] = {}
    for score, values in {
        "trader": trader,
        "investor": investor,
        "mean": _mean_rank(trader, investor),
    }.items():
        for quantiles, part in ((3, "third"), (5, "fifth"), (10, "tenth")):
            for among, name in ((size_rank <= 100, "100 largest"), (size_rank <= np.inf, "all graded")):
                for sizes, weighting in ((None, "equal"), (np.sqrt(caps), "root of cap")):
                    held = top(values, quantiles=quantiles, among=among, sizes=sizes)
                    runs[f"{score}, best {part}, {name}, {weighting}"] = run(held, returns)
    return runs


def _from_largest(caps: Array) -> Array:
    order = np.argsort(np.argsort(-np.where(np.isnan(caps), -1.0, caps), axis=1, kind="stable"), axis=1) + 1.0
    return np.where(np.isnan(caps), np.nan, order)


def _mean_rank(first: Array, second: Array) -> Array:
    from signals.core.features.ranking import ranks

    return ranks(first) + ranks(second)


def trials_counted(runs: Mapping[str, Run], neighbours: Mapping[str, Run], *, trials: int) -> Gate:
    """The deflated Sharpe ratio of the top quintile's weekly excess over the passive twin, for `trials` registered."""
    mine = runs[AI].net - runs[TWIN].net
    others = np.array([sharpe(found.net - runs[TWIN].net) or 0.0 for found in neighbours.values()])
    arguments = (
        "deflated_sharpe",
        "Deflated Sharpe ratio",
        "probability that the excess over the twin is not luck",
    )
    limit = f"≥ {LEAST_DEFLATED:g}"
    ratio = sharpe(mine)
    count = max(trials, 0) + len(others)
    if ratio is None or len(others) < 2:
        return not_run(*arguments, limit, "the excess over the twin never varies")
    scaled = (mine - mine.mean()) / mine.std()
    threshold = expected_best_sharpe(trials=count, variance=float(others.var(ddof=1)))
    found = probabilistic_sharpe(
        ratio,
        threshold=threshold,
        count=len(mine),
        skew=float((scaled**3).mean()),
        kurtosis=float((scaled**4).mean()),
    )
    return judged(
        *arguments,
        limit,
        passed=found >= LEAST_DEFLATED,
        figure=found,
        shown=number(found, 3),
        text=f"Ratio {number(ratio * ANNUAL, 2)} a year; the best of {count} worthless trials ({trials} registered, "
        f"{len(others)} neighbours of this report) is expected to show {number(threshold * ANNUAL, 2)}",
    )


def overfitting(runs: Mapping[str, Run], neighbours: Mapping[str, Run], *, draws: int, seed: int) -> Section:
    """PBO over all configurations, and Hansen's test of them against the passive twin."""
    returns = np.column_stack([found.net for found in neighbours.values()])
    names = list(neighbours)
    gates: list[Gate] = []
    arguments = (
        "overfitting",
        "Probability of backtest overfitting",
        "share of splits whose winner is below the middle",
    )
    limit = f"≤ {MOST_OVERFIT:g} (≥ {HARD_OVERFIT:g} is a hard failure)"
    try:
        found = backtest_overfitting(returns, blocks=BLOCKS)
        gates.append(
            judged(
                *arguments,
                limit,
                passed=found.probability <= MOST_OVERFIT,
                figure=found.probability,
                shown=number(found.probability, 3),
                text=f"{len(names)} ways to hold the scores, {BLOCKS} blocks, {len(found.logits):,} splits",
            )
        )
    except ValidationError as error:
        gates.append(not_run(*arguments, limit, str(error)))
    test = superior_ability(returns, runs[TWIN].net, seed=seed, block=BLOCK_WEEKS, draws=draws)
    gates.append(
        judged(
            "superior_ability",
            "Superior predictive ability",
            "Hansen's consistent p against the passive twin",
            f"< {MOST_P:g}",
            passed=test.consistent < MOST_P,
            figure=test.consistent,
            shown=number(test.consistent, 3),
            text=f"Best of {len(names)}: {names[test.best]}; bounds {number(test.lower, 3)} to {number(test.upper, 3)}",
        )
    )
    rows: list[list[Cell]] = []
    for name, held in neighbours.items():
        over = held.net - runs[TWIN].net
        ratio, active = sharpe(held.net) or 0.0, sharpe(over) or 0.0
        rows.append(
            [name, ratio * ANNUAL, active * ANNUAL, float(over.mean()), float(held.traded[1:].mean() / 2.0)]
        )
    columns = [
        Column("held", "text"),
        Column("Sharpe"),
        Column("Sharpe over the twin"),
        Column("over the twin a week", "percent"),
        Column("turnover", "percent"),
    ]
    table = Table(
        "Every way the scores could have been held",
        columns,
        rows,
        "After cost. None is chosen by this table.",
    )
    return Section(gates=gates, tables={"configurations": table})


def best_weeks(runs: Mapping[str, Run]) -> Gate:
    """Whether the excess over the passive twin survives without its five best weeks."""
    found = drop_best(runs[AI].net - runs[TWIN].net, count=BEST_WEEKS)
    return judged(
        "drop_best_weeks",
        "Without the five best weeks",
        "mean weekly excess over the twin",
        "> 0",
        passed=found.mean_without > 0,
        figure=found.mean_without,
        shown=percent(found.mean_without),
        text=f"With them {percent(found.mean)}",
    )


def best_token(material: Material, runs: Mapping[str, Run]) -> Gate:
    """Whether the gross excess of the top quintile over the universe survives without the token that gave most."""
    at = material.weekly
    returns = material.week_return(at)
    given = contributions(runs[AI], returns).sum(axis=0)
    best = int(given.argmax())
    scores = np.where(np.arange(len(given)) == best, np.nan, material.scores.trader[at])
    without = run(top(scores), returns).net - run(shared(~np.isnan(scores)), returns).net
    whole = runs[AI].net - runs[EQUAL].net
    return judged(
        "drop_best_token",
        "Without the best token",
        "mean weekly excess over the universe after cost",
        "> 0",
        passed=float(without.mean()) > 0,
        figure=float(without.mean()),
        shown=percent(float(without.mean())),
        text=f"With it {percent(float(whole.mean()))}; it was {material.panel.assets[best]}",
    )


def contributions(held: Run, returns: Array) -> Array:
    """[week x asset] what each token gave to the gross return of the week."""
    given: Array = held.weights * returns
    return given


def random_portfolios(
    material: Material, runs: Mapping[str, Run], *, count: int, seed: int, cost: float = COST
) -> Gate:
    """The top quintile among `count` random portfolios of as many tokens and as much turnover, after cost.

    Each week a random portfolio keeps a token still graded with the share that gives it the turnover of the quintile,
    and draws the others from the rest of the universe.
    """
    at = material.weekly
    returns = material.week_return(at)
    graded = ~np.isnan(material.scores.trader[at])
    keep = 1.0 - float(np.clip(_replaced(runs[AI].weights), 0.0, 1.0))
    generator = np.random.default_rng(seed)
    sizes = (runs[AI].weights > 0).sum(axis=1)
    means = np.empty(count)
    for trial in range(count):
        means[trial] = run(_drawn(graded, sizes, keep, generator), returns, cost=cost).net.mean()
    mine = float(runs[AI].net.mean())
    limit = float(np.quantile(means, 0.95))
    return judged(
        "random_portfolios",
        "Against random portfolios of equal turnover",
        "mean weekly return after cost",
        f"> {percent(limit)}, the 95th percentile of {count}",
        passed=mine > limit,
        figure=mine,
        shown=percent(mine),
        text=f"Better than {float((means < mine).mean()):.0%} of them; their median {percent(float(np.median(means)))}",
    )


def _replaced(weights: Array) -> float:
    """Mean share of the names of a week that were not held the week before."""
    held = weights > 0
    fresh = (held[1:] & ~held[:-1]).sum(axis=1) / np.maximum(held[1:].sum(axis=1), 1)
    return float(fresh.mean()) if len(fresh) else 1.0


def _drawn(graded: Mask, sizes: Ints, keep: float, generator: np.random.Generator) -> Array:
    chosen = np.zeros(graded.shape, dtype=bool)
    before = np.zeros(graded.shape[1], dtype=bool)
    for week in range(len(graded)):
        # A token held and kept comes first, then everybody else by lot, then those let go.
        lot = generator.random(graded.shape[1])
        kept = before & (generator.random(graded.shape[1]) < keep)
        order = np.where(graded[week], np.where(kept, lot - 2.0, np.where(before, lot + 1.0, lot)), np.inf)
        names = np.argsort(order, kind="stable")[: int(sizes[week])]
        names = names[np.isfinite(order[names])]
        before = np.zeros(graded.shape[1], dtype=bool)
        before[names] = True
        chosen[week] = before
    return shared(chosen)


def paths(runs: Mapping[str, Run]) -> Gate:
    """In how many of the 45 pairs of ten sub-periods the top quintile beats the passive twin after cost.

    The walk-forward scores are cut as in combinatorial cross-validation, but the models are not retrained per path.
    """
    over = runs[AI].net - runs[TWIN].net
    arguments = (
        "paths",
        "Sub-period paths",
        "share of 45 pairs of ten blocks that beat the passive twin after cost",
    )
    limit = f"≥ {LEAST_PATHS:.0%}"
    if len(over) < 2 * PATH_BLOCKS:
        return not_run(*arguments, limit, f"{len(over)} weeks are too few for ten blocks")
    blocks: Sequence[Array] = np.array_split(over, PATH_BLOCKS)
    pairs = [float(np.concatenate(pair).mean()) for pair in combinations(blocks, PATH_TEST_BLOCKS)]
    good = float(np.mean([mean > 0 for mean in pairs]))
    return judged(
        *arguments,
        limit,
        passed=good >= LEAST_PATHS,
        figure=good,
        shown=f"{good:.0%}",
        text=f"Worst pair {percent(min(pairs))} a week. Walk-forward scores, not retrained per path",
    )
