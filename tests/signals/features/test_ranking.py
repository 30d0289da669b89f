"""Ranks across tokens."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from signals.core.features import ranked
from signals.core.features.ranking import ranks

TABLES = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 9)),
    elements=st.one_of(st.just(float("nan")), st.integers(-3, 3).map(float)),
)


def test_ranks_are_spread_over_half_either_side() -> None:
    frame = pd.DataFrame([[3.0, 1.0, np.nan, 2.0], [5.0, np.nan, np.nan, np.nan], [7.0, 7.0, 7.0, 8.0]])
    np.testing.assert_array_equal(
        ranked(frame), [[0.5, -0.5, np.nan, 0.0], [0.0, np.nan, np.nan, np.nan], [1 / 3 - 0.5] * 3 + [0.5]]
    )


@given(TABLES)
def test_ranks_equal_those_of_pandas(table: np.ndarray) -> None:
    np.testing.assert_array_equal(ranks(table), pd.DataFrame(table).rank(axis=1).to_numpy())


@given(TABLES)
def test_ranks_turn_round_with_the_sign(table: np.ndarray) -> None:
    np.testing.assert_allclose(ranked(pd.DataFrame(-table)), -ranked(pd.DataFrame(table)), atol=1e-12)
