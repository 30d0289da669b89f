"""What is fixed about a simulated market before its first day: who lists when, who dies, how lively each token is."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from signals.core.panel import Array
from signals.core.simulation.tokens import DYING_STABLE, Token, tokens

FIRST_DAY = date(2021, 1, 1)
CRASH = {date(2022, 6, 12): -0.34, date(2022, 6, 13): -0.27}
"""Log return of the market factor added on these days: together -46 %."""
DEPEG_DEATH_DAY = date(2023, 3, 9)
DEPEG_SCARE_DAY = date(2024, 8, 5)
DYING_SISTER = "sundermark"
"""The coin that backed the stablecoin that dies, and dies with it."""

DAYS_PER_YEAR = 365.0
TOP_CAP = 520e9
SIZE_EXPONENT = 1.62  # the largest coin is then about 45 % of the whole
NEVER = np.iinfo(np.int64).max

_DESIGN_STREAM = 0


@dataclass(frozen=True)
class Design:
    """Per token, in the order of `tokens`. Variances are per day; `listed` and `dies` are day ordinals."""

    tokens: list[Token]
    listed: npt.NDArray[np.int64]
    dies: npt.NDArray[np.int64]
    sector: npt.NDArray[np.int64]
    is_coin: npt.NDArray[np.bool_]
    beta: Array
    sector_beta: Array
    own_variance: Array
    pull: Array
    base_log_price: Array
    base_log_supply: Array
    supply_growth: Array
    turnover: Array


def design(seed: int) -> Design:
    """The market of `seed`. Two calls give the same bytes."""
    rng = np.random.default_rng([seed, _DESIGN_STREAM])
    everyone = tokens()
    number = len(everyone)
    is_coin = np.array([token.kind == "coin" for token in everyone])
    coins = int(is_coin.sum())
    rank = np.arange(1, number + 1, dtype=np.float64)
    sectors = sorted({token.sector for token in everyone})

    size = TOP_CAP * rank**-SIZE_EXPONENT * np.exp(rng.normal(0.0, 0.12, number))
    size[0] = TOP_CAP
    price = 10.0 ** rng.uniform(-1.6, 2.4, number)
    meme = np.array([token.sector == "meme" for token in everyone])
    price[meme] = 10.0 ** rng.uniform(-7.0, -2.0, number)[meme]
    price[:3] = (28_400.0, 930.0, 41.0)
    # Small coins move more than large ones: 30 % a year of their own at the top, about 100 % in the tail.
    smallness = np.clip(np.log(rank) / np.log(coins), 0.0, 1.0)
    own = (0.30 + 0.52 * smallness) * np.exp(rng.normal(0.0, 0.12, number))
    own[meme] *= 1.25
    turnover = np.exp(rng.normal(0.0, 0.45, number)) * (0.075 - 0.062 * smallness)

    listed = np.full(number, FIRST_DAY.toordinal(), dtype=np.int64)
    late = (rng.random(number) < 0.36) & (rank > 12) & is_coin
    listed[late] += rng.integers(30, 1760, number)[late]
    dies = np.full(number, NEVER, dtype=np.int64)
    weak = (rng.random(number) < 0.21) & (rank > 25) & is_coin
    dies[weak] = listed[weak] + 150 + rng.integers(0, 1900, number)[weak]

    slugs = [token.slug for token in everyone]
    for slug in (DYING_STABLE, DYING_SISTER):
        listed[slugs.index(slug)] = FIRST_DAY.toordinal()
        dies[slugs.index(slug)] = DEPEG_DEATH_DAY.toordinal()
    for at, token in enumerate(everyone):
        if token.kind == "stable":
            size[at], price[at] = 62e9 * 0.42 ** (at - coins), 1.0
            turnover[at], own[at] = 0.28 * 0.8 ** (at - coins), 0.0
        elif token.underlying:
            under = slugs.index(token.underlying)
            size[at], price[at] = size[under] * 0.02, price[under]
            turnover[at] = 0.02
    return Design(
        tokens=everyone,
        listed=listed,
        dies=dies,
        sector=np.array([sectors.index(token.sector) for token in everyone], dtype=np.int64),
        is_coin=is_coin,
        beta=np.where(rank == 1, 1.0, 1.08 + 0.22 * smallness + rng.normal(0.0, 0.07, number)),
        sector_beta=np.where(rank == 1, 0.15, 1.0),
        own_variance=own**2 / DAYS_PER_YEAR,
        # The largest keep close to their size; a small coin may rise or fall for years.
        pull=np.where(rank <= 5, 1.2, 0.35) / DAYS_PER_YEAR,
        base_log_price=np.log(price),
        base_log_supply=np.log(size / price),
        supply_growth=np.where(is_coin, rng.uniform(0.0, 0.07, number), 0.12) / DAYS_PER_YEAR,
        turnover=turnover,
    )
