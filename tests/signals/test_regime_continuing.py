"""One more day, from a window and yesterday's standing, is to the bit what the whole history says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.core.panel import Panel
from signals.core.regime import RegimeError, RegimeHistory, RegimeRules, Standing, regime
from tests.signals.test_regime import SMALL, market

RULES = replace(SMALL, trend_days=(20, 40, 60), breadth_days=20, volatility_days=20)
DAYS = 420


def changing() -> Panel:
    """A market in which tokens die, come late and pause, so that a window has other columns than the whole."""
    whole = market(DAYS, seed=11)
    gone = np.zeros(whole.shape, dtype=bool)
    gone[150:, whole.assets.index("token-14")] = True
    gone[:260, whole.assets.index("token-13")] = True
    gone[300:309, whole.assets.index("token-12")] = True
    hidden = pd.DataFrame(gone, index=whole.dates, columns=whole.assets)
    kept = np.r_[0:203, 205:DAYS]  # and a weekend that nobody traded
    days = whole.dates[kept]
    return Panel.from_frames(
        close=whole.frame("close").mask(hidden).reindex(days),
        market_cap=whole.frame("market_cap").mask(hidden).reindex(days),
        volume=whole.frame("volume").mask(hidden).reindex(days),
        categories=whole.categories,
    )


WHOLE = changing()
FULL = regime(WHOLE, RULES)


def standing(history: RegimeHistory, row: int) -> Standing:
    first = max(row - history.rules.lag_days - 1, 0)
    moved = history.moved_on.iloc[row]
    return Standing(
        day=history.risk_share.index[row].date(),
        shares=tuple(history.risk_share.iloc[first : row + 1]),
        moved=None if pd.isna(moved) else moved.date(),
        ledger={str(name): value for name, value in history.ledger.iloc[row].items()},
    )


def same(part: RegimeHistory, first: int, last: int) -> None:
    rows = slice(first, last + 1)
    assert part.risk_share.equals(FULL.risk_share.iloc[rows])
    assert part.wanted.equals(FULL.wanted.iloc[rows])
    assert part.moved_on.equals(FULL.moved_on.iloc[rows])
    assert part.leader.equals(FULL.leader.iloc[rows])
    pd.testing.assert_frame_equal(part.readings, FULL.readings.iloc[rows], check_exact=True)
    pd.testing.assert_frame_equal(part.ledger, FULL.ledger.iloc[rows], check_exact=True)


def window(first: int, last: int) -> Panel:
    part = WHOLE.as_of(WHOLE.dates[last]).last(last - first + RULES.memory_rows)
    return part.select(slug for at, slug in enumerate(part.assets) if not np.isnan(part.close[:, at]).all())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, len(WHOLE.dates) - 1), st.integers(0, 20))
def test_days_from_a_window_are_those_of_the_history(first: int, more: int) -> None:
    last = min(first + more, len(WHOLE.dates) - 1)
    same(regime(window(first, last), RULES, standing=standing(FULL, first - 1)), first, last)


def test_the_market_of_these_tests_moves() -> None:
    assert FULL.ledger["switches"].iloc[-1] >= 4
    assert FULL.readings["correlation"].notna().any()
    assert FULL.readings["stablecoin_flow"].notna().any()
    assert FULL.leader.nunique() >= 2


def test_one_row_less_than_the_memory_is_too_little() -> None:
    rows = RULES.memory_rows
    assert rows == 120 + 1 + 62
    assert RegimeRules().memory_rows == 200 + 1 + 62


def test_a_standing_outside_the_panel_is_refused() -> None:
    with pytest.raises(RegimeError, match="standing: its day, 2022-01-05"):
        regime(WHOLE.last(100), RULES, standing=standing(FULL, 4))


def test_nothing_new_is_nothing() -> None:
    last = len(WHOLE.dates) - 1
    part = regime(window(last, last), RULES, standing=standing(FULL, last))
    assert part.risk_share.empty
    assert part.ledger.empty


def test_the_digest_changes_with_any_number() -> None:
    assert RULES.digest() == replace(RULES).digest()
    assert len({RULES.digest(), SMALL.digest(), replace(RULES, cost=0.004).digest()}) == 3
