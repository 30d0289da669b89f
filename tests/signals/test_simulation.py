from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from signals.core.simulation.design import DEPEG_SCARE_DAY, FIRST_DAY
from signals.core.simulation.market import SimulatedMarket, last_day_of_the_dead
from signals.core.simulation.tokens import tokens
from signals.providers.simulated import SimulatedProvider
from signals.services.loading import SIMULATED_SEED

SEED = SIMULATED_SEED
LAST_DAY = date(2025, 12, 31)
FIELDS = ("open", "high", "low", "close", "volume", "market_cap")


@pytest.fixture(scope="module")
def market():
    simulated = SimulatedMarket(SEED)
    simulated.day(LAST_DAY)
    return simulated


@pytest.fixture(scope="module")
def history(market):
    days = [
        market.day(FIRST_DAY + timedelta(days=number)) for number in range((LAST_DAY - FIRST_DAY).days + 1)
    ]
    index = pd.DatetimeIndex([bar.day for bar in days])
    slugs = [token.slug for token in tokens()]
    return {
        name: pd.DataFrame(np.stack([getattr(bar, name) for bar in days]), index=index, columns=slugs)
        for name in FIELDS
    }


@pytest.fixture(scope="module")
def coins():
    return [token.slug for token in tokens() if token.kind == "coin"]


def test_there_are_enough_tokens_and_no_two_share_a_name_or_ticker():
    everyone = tokens()
    assert len(everyone) >= 160
    for attribute in ("slug", "symbol", "name"):
        assert len({getattr(token, attribute) for token in everyone}) == len(everyone)
    kinds = [token.kind for token in everyone]
    assert kinds.count("stable") >= 4
    assert kinds.count("wrapped") + kinds.count("staked") >= 3
    assert len({token.sector for token in everyone}) >= 8


def test_no_token_carries_the_name_of_a_real_one(archive_path):
    real = pd.read_csv(archive_path / "assets.csv")
    names = {str(name).lower() for name in [*real["name"], *real["asset_id"]]}
    assert not [token.name for token in tokens() if token.name.lower() in names or token.slug in names]


def test_whoever_asks_in_whatever_order_gets_the_same_bytes(market):
    jumpy = SimulatedMarket(SEED)
    for day in (date(2021, 3, 1), date(2021, 1, 5), date(2021, 3, 2), date(2021, 1, 5)):
        for name in FIELDS:
            assert getattr(jumpy.day(day), name).tobytes() == getattr(market.day(day), name).tobytes()


def test_one_day_from_the_provider_is_the_same_as_in_its_history():
    provider = SimulatedProvider(SEED)
    bulk = provider.history(through=date(2021, 2, 10)).rows
    one = provider.day(date(2021, 2, 10)).rows.reset_index(drop=True)
    last = bulk[bulk["opened_at"] == pd.Timestamp("2021-02-10")].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, last, check_exact=True)
    assert last["close"].to_numpy().tobytes() == one["close"].to_numpy().tobytes()


def test_another_seed_is_another_market(market):
    other = SimulatedMarket(SEED + 1)
    assert not np.array_equal(other.day(FIRST_DAY).close, market.day(FIRST_DAY).close, equal_nan=True)


def test_there_is_nothing_before_the_first_day(market):
    with pytest.raises(ValueError, match="2021-01-01"):
        market.day(date(2020, 12, 31))


def test_prices_are_positive_and_bars_hold_together(history):
    for name in FIELDS:
        values = history[name].to_numpy()
        assert not (values <= 0).any()
        assert not np.isinf(values).any()
    assert not (history["high"] < history["close"]).any(axis=None)
    assert not (history["high"] < history["open"]).any(axis=None)
    assert not (history["low"] > history["close"]).any(axis=None)
    assert not (history["low"] > history["open"]).any(axis=None)


def test_every_day_opens_where_the_last_one_closed(history):
    gap = (history["open"] / history["close"].shift(1) - 1).abs()
    assert gap.max(axis=None) < 1e-12


def test_tails_are_fat_volatility_clusters_and_coins_move_together(history, coins):
    returns = np.log(history["close"][coins]).diff()
    assert returns.kurt().median() > 4
    assert returns.abs().apply(lambda column: column.autocorr(1)).median() > 0.1
    together = returns.corr().to_numpy()
    assert np.nanmean(together[np.triu_indices(len(coins), 1)]) > 0.3


def test_volatility_is_that_of_large_and_small_coins(history, coins):
    a_year = np.log(history["close"][coins]).diff().std() * np.sqrt(365)
    assert 0.5 < a_year.iloc[0] < 0.75
    assert 0.95 < a_year.iloc[100:].median() < 1.5


def test_sizes_fall_by_a_power_law_and_tails_trade_thinly(history, coins):
    caps, volumes = history["market_cap"][coins], history["volume"][coins]
    share = caps.iloc[:, 0] / caps.sum(axis=1)
    assert 0.3 < share.median() < 0.6
    traded = (volumes / caps).median()
    assert 0.02 < traded.iloc[:20].median() < 0.15
    assert traded.iloc[100:].median() < traded.iloc[:20].median()


def test_a_hundred_coins_can_be_held_from_the_first_month_on(history, coins):
    large = history["market_cap"][coins] > 1e7
    liquid = history["volume"][coins].rolling(30).median() > 1e5
    assert (large & liquid).sum(axis=1).loc["2021-02-01":].min() >= 103


def test_coins_list_and_die(history, coins):
    alive = history["close"][coins].notna()
    listed_later = ~alive.iloc[0] & alive.any()
    dead = alive.any() & ~alive.iloc[-1]
    assert listed_later.sum() >= 30
    assert dead.sum() >= 15
    for slug in dead[dead].index:
        path = history["close"][slug].dropna()
        assert path.iloc[-1] < 0.02 * path.max()


def test_the_market_crashes_once(history, coins):
    two_days = history["close"][coins[0]].pct_change(2)
    assert two_days.idxmin() == pd.Timestamp("2022-06-13")
    assert -0.55 < two_days.min() < -0.35


def test_one_stablecoin_dies_and_another_recovers(history):
    dying = history["close"]["perpetuum-dollar"].dropna()
    assert dying.index[-1].date() == last_day_of_the_dead()
    assert dying.iloc[-1] < 0.05
    shaken = history["close"]["bulwark-dollar"]
    scare = pd.Timestamp(DEPEG_SCARE_DAY)
    assert shaken.loc[scare : scare + pd.Timedelta(days=3)].min() < 0.9
    assert shaken.loc[scare + pd.Timedelta(days=10) :].sub(1).abs().max() < 0.01


def test_wrapped_and_staked_tokens_follow_what_they_stand_for(history):
    close = history["close"]
    assert (close["wrapped-orrinium"] / close["orrinium"] - 1).abs().max() < 0.01
    earned = close["staked-quorvane"] / close["quorvane"]
    assert 1.1 < earned.iloc[-1] < 1.3


def test_minutes_stay_within_their_day_and_end_at_its_close():
    provider, market = SimulatedProvider(SEED), SimulatedMarket(SEED)
    day = date(2021, 4, 9)
    bar = market.day(day)
    alive = ~np.isnan(bar.close)
    for minute in range(1, 1441, 7):
        moment = datetime(2021, 4, 9, tzinfo=UTC) + timedelta(minutes=minute, seconds=31)
        rows = provider.quotes(moment).rows
        assert (rows["opened_at"] == pd.Timestamp(day) + pd.Timedelta(minutes=minute - 1)).all()
        assert (rows["close"].to_numpy() <= bar.high[alive]).all()
        assert (rows["close"].to_numpy() >= bar.low[alive]).all()
    at_close = provider.quotes(datetime(2021, 4, 10, tzinfo=UTC)).rows
    np.testing.assert_allclose(at_close["close"], bar.close[alive], rtol=1e-12)


def test_the_same_minute_is_the_same_price():
    moment = datetime(2021, 4, 9, 13, 5, 2, tzinfo=UTC)
    first = SimulatedProvider(SEED).quotes(moment).rows["close"].to_numpy()
    assert (
        SimulatedProvider(SEED).quotes(moment + timedelta(seconds=50)).rows["close"].to_numpy().tobytes()
        == first.tobytes()
    )
