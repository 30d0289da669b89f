"""The peers, each asked for the case in its own words; run in .venv-bench, because none of them is in the product.

`python -m tests.benchmarks.peers` reads one JSON request per line, {"peer", "case", "out", "best_of"}, and answers each
with the processor seconds of the best run; level, weights and turnover lie in the file `out`. The weights wanted are
handed to vectorbt and cvxportfolio; bt chooses by itself.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.benchmarks.case import Case, case

Array = npt.NDArray[np.float64]
Answer = tuple[Array, Array, Array]
"""Level [day], weights [rebalance x asset], turnover [rebalance]."""
Run = Callable[[], Callable[[], Answer]]


def bt(case: Case) -> Run:
    """bt: a tree of securities, a stack of algos."""
    import bt as library  # type: ignore[import-not-found]

    index = pd.DatetimeIndex(case.dates)
    listed = case.prices
    for column, first in enumerate((~np.isnan(case.close)).argmax(axis=0)):
        listed[:first, column] = np.nan
    prices = pd.DataFrame(listed, index=index, columns=case.names)
    caps = pd.DataFrame(case.cap, index=index, columns=case.names)

    class WeighByCap(library.Algo):
        """What bt has no algo for; ranking and the limit it has."""

        def __call__(self, target: Any) -> bool:
            raw = caps.loc[target.now, target.temp["selected"]]
            if len(raw) * case.limit <= 1:
                # Its own algo would leave everything in cash.
                target.temp["weights"] = dict.fromkeys(raw.index, 1 / len(raw))
                return True
            target.temp["weights"] = (raw / raw.sum()).to_dict()
            return bool(library.algos.LimitWeights(case.limit)(target))

    when = index[case.rows]

    def run() -> Callable[[], Answer]:
        words = library.algos
        algos = [words.RunOnDate(*when), words.SelectAll(), words.SetStat(caps), words.SelectN(case.count)]
        algos += [WeighByCap(), words.Rebalance()]
        test = library.Backtest(
            library.Strategy("index", algos),
            prices,
            initial_capital=1e6,  # with more, its search for an amount that pays the commission does not end
            commissions=(lambda quantity, price: abs(quantity) * price * case.fee) if case.fee else None,
            integer_positions=False,
            progress_bar=False,
        )
        result = library.run(test)
        told = (result.get_security_weights(0), test.turnover)
        assert len(told[0]) == len(told[1])

        def answer() -> Answer:
            values = test.strategy.values.loc[index]
            positions = test.positions.reindex(columns=case.names).fillna(0.0).loc[index].to_numpy()
            worth = positions * case.prices
            weights = worth[case.rows] / worth[case.rows].sum(axis=1)[:, None]
            before = np.vstack([np.zeros(worth.shape[1]), positions[:-1]])[case.rows] * case.prices[case.rows]
            total = before.sum(axis=1)
            total[0] = worth[0].sum()
            turnover = np.abs(worth[case.rows] - before).sum(axis=1) / total
            return values.to_numpy() / 1e6 * 1000.0, weights, turnover

        return answer

    return run


def vectorbt(case: Case) -> Run:
    """vectorbt: one matrix of target percentages."""
    import vectorbt as library  # type: ignore[import-not-found]

    index = pd.DatetimeIndex(case.dates)
    wanted = np.full(case.close.shape, np.nan)
    wanted[case.rows] = case.targets()
    prices = pd.DataFrame(case.prices, index=index, columns=case.names)
    sizes = pd.DataFrame(wanted, index=index, columns=case.names)

    def run() -> Callable[[], Answer]:
        portfolio = library.Portfolio.from_orders(
            prices,
            size=sizes,
            size_type="targetpercent",
            fees=case.fee,
            init_cash=1e6,
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
            freq="1D",
        )
        value = portfolio.value()
        told = (portfolio.asset_value(group_by=False), portfolio.asset_flow())
        assert len(told[0]) == len(told[1])

        def answer() -> Answer:
            worth = portfolio.asset_value(group_by=False).to_numpy()
            held = portfolio.assets().to_numpy()
            before = np.vstack([np.zeros(worth.shape[1]), held[:-1]])[case.rows] * case.prices[case.rows]
            total = before.sum(axis=1)
            total[0] = worth[0].sum()
            weights = worth[case.rows] / worth[case.rows].sum(axis=1)[:, None]
            turnover = np.abs(worth[case.rows] - before).sum(axis=1) / total
            return value.to_numpy() / 1e6 * 1000.0, weights, turnover

        return answer

    return run


def cvxportfolio(case: Case) -> Run:
    """cvxportfolio: a market simulator and a policy of fixed weights."""
    import cvxportfolio as library  # type: ignore[import-not-found]

    index = pd.DatetimeIndex(case.dates, tz="UTC")
    # Returns are from a day to the next: the last day only closes the one before, and that one is not traded on.
    returns = pd.DataFrame(case.prices[1:] / case.prices[:-1] - 1.0, index=index[:-1], columns=case.names)
    returns["cash"] = 0.0
    when = case.rows[case.rows < len(case.close) - 2]
    wanted = pd.DataFrame(case.targets()[: len(when)], index=index[when], columns=case.names)
    wanted["cash"] = 0.0

    def run() -> Callable[[], Answer]:
        data = library.UserProvidedMarketData(
            returns=returns, cash_key="cash", min_history=pd.Timedelta("0d")
        )
        costs = [library.TransactionCost(a=case.fee, b=None)] if case.fee else []
        simulator = library.MarketSimulator(market_data=data, costs=costs)
        result = simulator.backtest(
            library.FixedWeights(wanted), start_time=index[0], end_time=index[-2], initial_value=1e6
        )

        def answer() -> Answer:
            level = np.asarray(result.v, dtype=float) / 1e6 * 1000.0
            # Its frames say nothing, not zero, of what cannot be traded on a day.
            held, flows = (frame.reindex(columns=case.names).fillna(0.0) for frame in (result.h, result.u))
            before, traded = held.to_numpy(dtype=float)[when], flows.to_numpy(dtype=float)[when]
            after = before + traded
            total = before.sum(axis=1)
            total[0] = 1e6
            return level, after / after.sum(axis=1)[:, None], np.abs(traded).sum(axis=1) / total

        return answer

    return run


PEERS: dict[str, Callable[[Case], Run]] = {"bt": bt, "vectorbt": vectorbt, "cvxportfolio": cvxportfolio}


def main() -> None:
    """Answers requests until there are no more."""
    warnings.simplefilter("ignore")
    spoken, sys.stdout = sys.stdout, sys.stderr
    warm: set[str] = set()
    for line in sys.stdin:
        request = json.loads(line)
        peer = PEERS[request["peer"]]
        if request["peer"] not in warm:
            # What compiles or loads at first use is nobody's speed.
            peer(case(12, 60, count=5))()
            warm.add(request["peer"])
        run, seconds = peer(Case.load(request["case"])), []
        for _ in range(request.get("best_of", 1)):
            began = time.process_time()
            answer = run()
            seconds.append(time.process_time() - began)
        level, weights, turnover = answer()
        np.savez(request["out"], level=level, weights=weights, turnover=turnover)
        spoken.write(json.dumps({"seconds": min(seconds)}) + "\n")
        spoken.flush()


if __name__ == "__main__":
    main()
