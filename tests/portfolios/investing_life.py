"""A few weeks of an investor's life on the tiny market, for tests of returns and counterfactuals."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from indices.models import Index, IndexLevel
from portfolios import tasks
from portfolios.models import FeeSchedule, User
from portfolios.services import investing, payments
from signals import selectors as signal_selectors
from signals.models import Asset, Candle, Market
from tests.factories import user_make
from tests.worlds import DAYS, FIRST_DAY, World, clock_to, decision_create, end_of, world_create

START = date(2022, 1, 15)


def today() -> date:
    return signal_selectors.last_closed_day()


def days_pass(world: World, days: int) -> None:
    """The clock moves on, and every tick of this room runs at each close, in the order of the timetable."""
    for _ in range(days):
        clock_to(world, today() + timedelta(days=1))
        tick()


def tick() -> None:
    """What the worker does at a close. Twice: an order that waits for a rebalance is dealt in the second."""
    for _ in range(2):
        tasks.rebalances_tick()
        tasks.dealing_tick()
    tasks.fees_tick()
    tasks.valuations_tick()


def bitcoin_make(world: World) -> Asset:
    """Bitcoin at 20,000 dollars, 100 more each day."""
    token = Asset.objects.create(
        slug="bitcoin", symbol="BTC", name="Bitcoin", is_simulated=True, first_day=FIRST_DAY
    )
    Candle.objects.bulk_create(
        Candle(
            asset=token,
            interval=Candle.Interval.DAY,
            opened_at=end_of(FIRST_DAY + timedelta(days=n - 1)),
            source=Market.Source.SIMULATED,
            close=20000.0 + 100 * n,
            volume=1e9,
            market_cap=1e11,
        )
        for n in range(DAYS)
    )
    return token


def levels_make(index: Index, *, first: float, step: float) -> None:
    """A level for every day of the world."""
    IndexLevel.objects.bulk_create(
        IndexLevel(index=index, date=FIRST_DAY + timedelta(days=n), level=first + step * n)
        for n in range(DAYS)
    )


def life(*, fee: str = "0.02") -> tuple[World, User]:
    """Deposits, investments, a rebalance, a sale, a second deposit, and fees, from 15 January to 9 February 2022."""
    world = world_create(today=START)
    bitcoin_make(world)
    levels_make(world.index, first=1000.0, step=4.0)
    if Decimal(fee):
        FeeSchedule.objects.create(
            management_rate=Decimal(fee), announced_on=date(2021, 1, 1), effective_from=date(2022, 1, 20)
        )
    user, other = user_make(cash="3000"), user_make(cash="5000")
    investing.invest(user, "global-100", "1000")
    tick()
    days_pass(world, 3)
    investing.invest(other, "global-100", "4000")
    days_pass(world, 4)
    decision_create(world, as_of=today(), weights={"alpha": "0.1", "beta": "0.6", "gamma": "0.3"})
    days_pass(world, 3)
    investing.invest(user, "global-100", "750.50")
    days_pass(world, 5)
    investing.redeem(user, "global-100", amount="400")
    days_pass(world, 1)
    payments.withdraw(user, "200")
    days_pass(world, 4)
    payments.deposit(user, "1000")
    days_pass(world, 5)
    return world, user
