"""Random walks of a person through the platform, for tests that must hold after any of them."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from portfolios.errors import MoneyError
from portfolios.models import User
from portfolios.services import execution, investing, payments, rebalancing, valuations
from signals import selectors as signal_selectors
from tests.worlds import LAST_DAY, World, clock_to, decision_create

MIXES = (
    {"alpha": "0.5", "beta": "0.5"},
    {"alpha": "0.1", "gamma": "0.9"},
    {"beta": "0.3", "epsilon": "0.7"},
)

cents = st.integers(1, 90_000).map(lambda amount: f"{amount // 100}.{amount % 100:02d}")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("deposit"), cents),
        st.tuples(st.just("withdraw"), cents),
        st.tuples(st.just("invest"), cents),
        st.tuples(st.just("redeem"), cents),
        st.tuples(st.just("redeem_all"), st.just("")),
        st.tuples(st.just("cancel"), st.just("")),
        st.tuples(st.just("deal"), st.just("")),
        st.tuples(st.just("day"), st.sampled_from(["1", "3"])),
        st.tuples(st.just("week"), st.sampled_from(["0", "1", "2"])),
    ),
    min_size=4,
    max_size=14,
)


def walk(world: World, user: User, path: list[tuple[str, str]]) -> None:
    """Every step taken, or refused with nothing moved; in the end everything is at rest."""
    for action, argument in path:
        try:
            step(world, user, action, argument)
        except MoneyError:
            continue
    execution.dealing_run()


def step(world: World, user: User, action: str, argument: str) -> None:
    """One step. Raises MoneyError where it is refused."""
    if action == "deposit":
        payments.deposit(user, argument)
    elif action == "withdraw":
        payments.withdraw(user, argument)
    elif action == "invest":
        investing.invest(user, "global-100", argument)
    elif action == "redeem":
        investing.redeem(user, "global-100", amount=argument)
    elif action == "redeem_all":
        investing.redeem(user, "global-100", all=True)
    elif action == "cancel":
        order = user.orders.filter(status="accepted").first()
        if order is not None:
            investing.order_cancel(user, order.pk)
    elif action == "deal":
        execution.dealing_run()
    else:
        days_pass(world, 7 if action == "week" else int(argument), argument if action == "week" else "")


def days_pass(world: World, days: int, mix: str = "") -> None:
    """The clock moves on, with what happens daily on the last day and at month ends; `mix` is decided on the day before
    the last."""
    today = signal_selectors.last_closed_day()
    end = min(today + timedelta(days=days), LAST_DAY)
    if mix and end > today:
        as_of = end - timedelta(days=1)
        year, week, _ = as_of.isocalendar()
        known = {decision.epoch for decision in world.decisions}
        if f"{year}-W{week:02d}" not in known:
            decision_create(world, as_of=as_of, weights=MIXES[int(mix)])
    while today < end:
        today += timedelta(days=1)
        # Between them nothing is asked of any single day: month ends and the last one are lived through.
        if today != end and (today + timedelta(days=1)).day != 1:
            continue
        clock_to(world, today)
        rebalancing.rebalances_ensure(today)
        execution.dealing_run()
        valuations.valuations_record(today)
