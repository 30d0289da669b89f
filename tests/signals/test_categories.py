import numpy as np
import pytest

from signals.core.categories import (
    category_slugs,
    declared,
    kinds_by_name,
    marked,
    slugged,
    still_assets,
    tracking_assets,
)


def test_long_names_become_slugs_and_keep_their_own():
    assert category_slugs(["Layer 1 (L1)", "Decentralized Finance (DeFi)", "", "Oracle"]) == {
        "layer-1-l1",
        "layer-1",
        "decentralized-finance-defi",
        "defi",
        "oracle",
    }


def test_slugs_hold_letters_digits_and_single_hyphens():
    assert slugged("boringdao-[old]") == "boringdao-old"
    assert slugged("  Proof of Work (PoW) ") == "proof-of-work-pow"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("Wrapped Bitcoin", {"wrapped"}),
        ("Coinbase Wrapped Staked ETH", {"wrapped", "staked"}),
        ("Lido Staked SOL", {"staked", "wrapped"}),
        ("BENQI Liquid Staked AVAX", {"staked", "wrapped"}),
        ("Avalanche Bridged BTC (Avalanche)", {"wrapped", "bridged"}),
        ("Binance-Peg Dogecoin", {"wrapped", "bridged"}),
        ("renBTC", {"wrapped"}),
        ("Huobi BTC", {"wrapped"}),
        ("sETH2", {"wrapped"}),
        ("Interest Bearing Bitcoin", {"wrapped"}),
        ("Euro Tether", {"stablecoin"}),
        ("agEUR", {"stablecoin"}),
        ("Celo Dollar", {"stablecoin"}),
        ("Bitcoin", set()),
        ("Lido DAO", set()),
        ("Huobi", set()),
        ("Stacks", set()),
        ("Bitcoin Gold", set()),
        ("Aave", set()),
        ("Dogecoin", set()),
    ],
)
def test_a_name_gives_its_kind_away(name, kinds):
    assert kinds_by_name(name) == kinds


def walks(days=200, seed=7):
    rng = np.random.default_rng(seed)
    big = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, days)))
    wrapped = big * np.exp(rng.normal(0, 0.001, days))
    staked = big * np.exp(0.0001 * np.arange(days) + rng.normal(0, 0.001, days)) * 1.2
    noisy = big * np.exp(rng.normal(0, 0.02, days))
    cousin = 5 * np.exp(0.8 * np.log(big / 100) + np.cumsum(rng.normal(0, 0.02, days)))
    dollar = np.exp(rng.normal(0, 0.001, days))
    return np.stack([big, wrapped, staked, noisy, cousin, dollar], axis=1)


def test_followers_are_found_and_a_correlated_cousin_is_not():
    close = walks()
    caps = np.broadcast_to([1e12, 1e9, 1e9, 1e8, 5e9, 1e10], close.shape)
    assert tracking_assets(close, caps) == {1: 0, 2: 0, 3: 0}


def test_the_smaller_one_follows_the_larger():
    close = walks()[:, :2]
    caps = np.broadcast_to([1e9, 1e12], close.shape)
    assert tracking_assets(close, caps) == {0: 1}


def test_only_what_stands_still_is_pegged():
    assert still_assets(walks()).tolist() == [False, False, False, False, False, True]
    assert not still_assets(walks(days=30)).any()  # too short to say


def test_no_caps_no_references():
    close = walks()
    assert tracking_assets(close, np.full(close.shape, np.nan)) == {}


def test_measured_kinds_can_be_told_from_declared_ones() -> None:
    kinds = {"defi"} | marked({"wrapped", "tracking"})
    assert kinds == {"defi", "wrapped", "tracking", "measured-wrapped", "measured-tracking"}
    assert declared(kinds) == {"defi"}
    assert declared({"defi", "wrapped"}) == {"defi", "wrapped"}
