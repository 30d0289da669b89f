"""At zero cost bt, vectorbt and cvxportfolio say what the engine says of random markets: level, weights, turnover."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.benchmarks.case import case
from tests.benchmarks.peer import Peers
from tests.benchmarks.test_engine import panel_of, rules, walked

EXAMPLES = {"bt": 15, "vectorbt": 15, "cvxportfolio": 5}


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    running = Peers(tmp_path_factory.mktemp("peers"))
    yield running
    running.close()


@pytest.mark.parametrize("peer", EXAMPLES)
def test_at_zero_cost_the_peers_agree(peers: Peers, peer: str) -> None:
    @settings(
        max_examples=EXAMPLES[peer], deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(
        seed=st.integers(0, 100_000),
        assets=st.integers(4, 25),
        days=st.integers(60, 200),
        count=st.integers(1, 12),
        limit=st.sampled_from([1.0, 0.4, 0.25]),
    )
    def agree(seed: int, assets: int, days: int, count: int, limit: float) -> None:
        market = case(assets, days, seed=seed, count=count, limit=limit, fee=0.0)
        result = walked(market, panel_of(market), rules(market))
        answer = peers.ask(peer, market)
        level = result.level.to_numpy()
        assert answer.level == pytest.approx(level[: len(answer.level)], rel=1e-9)
        wanted = np.zeros((len(result.rebalances), assets))
        for line, step in zip(wanted, result.rebalances, strict=True):
            line[step.columns] = step.weights
        # cvxportfolio knows the return of a day only from the next one, so it does not trade at the last two closes.
        told = len(answer.weights)
        assert told >= len(wanted) - 1
        assert np.abs(answer.weights - wanted[:told]).max() < 1e-9
        assert answer.turnover == pytest.approx(result.turnover.to_numpy()[:told], abs=1e-9)

    agree()
