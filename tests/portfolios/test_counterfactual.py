"""What else the same money might have done: exact replays at the same dates, honest where something is missing."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from indices.models import Index
from portfolios.core.contributions import Stretch, contributions
from portfolios.core.counterfactual import Flow, replayed
from portfolios.models import Dealing, FeeAccrual, FeeSchedule, NavPoint, Order, User
from portfolios.selectors.returns import performance
from portfolios.selectors.returns.alternatives import BITCOIN, FREE, HANDS_OFF, MARKET, TWIN, Alternative
from portfolios.services import investing
from tests.factories import user_make
from tests.portfolios.investing_life import START, bitcoin_make, days_pass, levels_make, life, tick, today
from tests.worlds import FIRST_DAY, World, index_create, world_create

db = pytest.mark.django_db
DAY0 = date(2022, 1, 1)
MICRO = 10**6


def flow(number: int, put: int, out: int, price: str) -> Flow:
    return Flow(DAY0 + timedelta(days=number), put * MICRO, out * MICRO, Decimal(price))


def test_a_replay_by_hand() -> None:
    """100 at 50 is 2; 30 out at 60 leaves 1.5; at 80 that is 120: gain 50."""
    told = replayed([flow(0, 100, 0, "50"), flow(5, 0, 30, "60")], price=Decimal(80))
    assert [line.quantity for line in told.lines] == [2, Decimal("1.5")]
    assert (told.value, told.gain, told.unpaid) == (120 * MICRO, 50 * MICRO, 0)


def test_what_is_not_there_is_not_paid_and_not_borrowed() -> None:
    told = replayed([flow(0, 100, 0, "50"), flow(5, 0, 150, "60"), flow(6, 10, 0, "50")], price=Decimal(120))
    assert told.unpaid == 30 * MICRO
    assert (told.value, told.gain) == (24 * MICRO, (24 + 120 - 110) * MICRO)
    with pytest.raises(ValueError, match="not positive"):
        replayed([flow(0, 100, 0, "0")], price=Decimal(1))


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9)),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 10**9),
)
def test_a_replay_is_the_exact_one_but_for_dust(moves: list[tuple[int, int, int]], last: int) -> None:
    flows = [Flow(DAY0, put, out, Decimal(price) / 1000) for put, out, price in moves]
    told = replayed(flows, price=Decimal(last) / 1000)
    held, gain = Fraction(0), Fraction(0)
    for one in flows:
        held += Fraction(one.money_in) / Fraction(one.price)
        out = min(Fraction(one.money_out), held * Fraction(one.price))
        held -= out / Fraction(one.price)
        gain += out - one.money_in
    exact = held * Fraction(Decimal(last)) / 1000
    slack = 1 + len(moves) * (2 + Fraction(last, 1000))
    assert abs(told.value - exact) <= slack * (1 + Fraction(last, 1) / min(price for _, _, price in moves))
    assert told.gain == told.value + sum(one.money_out - one.money_in for one in flows) - told.unpaid


@given(st.integers(0, 10**15), st.integers(1, 10**15), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_contribution_is_the_holders_share(units: int, others: int, before: int, after: int) -> None:
    stretch = Stretch(
        units,
        units + others,
        {"a": Decimal("3.5"), "b": Decimal(2)},
        {"a": Decimal(before)},
        {"a": Decimal(after)},
    )
    told = contributions([stretch])
    exact = Fraction(units, units + others) * Fraction(7, 2) * (after - before) * MICRO
    assert set(told) <= {"a"}
    assert abs(told.get("a", 0) - exact) < 1


@pytest.fixture
def lived() -> tuple[World, User]:
    return life()


def by_key(user: User, **asked: object) -> dict[str, Alternative]:
    report = performance(user, index="global-100", **asked)  # type: ignore[arg-type]
    return {row.key: row for row in report.holdings[0].alternatives}


def bitcoin_on(day: date) -> int:
    return 20000 + 100 * (day - FIRST_DAY).days


@db
def test_in_bitcoin_and_in_the_market_by_hand(lived: tuple[World, User]) -> None:
    """Orders deal at closes in this world, so the days of the orders are the days of the prices."""
    user = lived[1]
    coins = market = gain = Decimal(0)
    for order in Order.objects.filter(user=user).order_by("settled_at"):
        assert order.settled_at is not None
        day = order.settled_at.date() - timedelta(days=1)
        sign = 1 if order.side == Order.Side.INVEST else -1
        money = order.amount if order.side == Order.Side.INVEST else order.proceeds
        assert money is not None
        coins += sign * money / bitcoin_on(day)
        market += sign * money / (1000 + 4 * (day - FIRST_DAY).days)
        gain -= sign * money
    rows = by_key(user)
    assert rows[BITCOIN].gain == pytest.approx(gain + coins * bitcoin_on(today()), abs=Decimal("0.00001"))
    level = 1000 + 4 * (today() - FIRST_DAY).days
    assert rows[MARKET].gain == pytest.approx(gain + market * level, abs=Decimal("0.00001"))
    assert (rows[TWIN].gain, rows[TWIN].reason) == (None, "This index is passive itself: it has no twin.")
    own = performance(user, index="global-100").figures.gain
    for row in rows.values():
        assert row.difference == (None if row.gain is None else row.gain - own)


@db
def test_without_costs_each_cost_is_added_back(lived: tuple[World, User]) -> None:
    """Oracle: the path of the value per unit, with every rebalance and fee undone, in fractions."""
    user = lived[1]
    scale: dict[date, Fraction] = {}
    running = Fraction(1)
    events = [
        (
            row.cycle.priced_at.date() - timedelta(days=1),
            1,
            Fraction(row.value_before) / Fraction(row.value_before - row.cost_usd),
        )
        for row in Dealing.objects.filter(kind="rebalance").select_related("cycle")
    ]
    events += [
        (row.day, 0, Fraction(row.units_before + row.units) / Fraction(row.units_before))
        for row in FeeAccrual.objects.all()
    ]
    orders = list(Order.objects.filter(user=user).order_by("settled_at"))
    first = orders[0].settled_at
    assert first is not None
    # The first order deals before the rebalance of the same close; later ones after fee and rebalance of theirs.
    held, gain, done = Fraction(0), Fraction(0), sorted(events)
    by_day = {day: [factor for on, _, factor in done if on == day] for day, _, _ in done}
    day = first.date() - timedelta(days=1)
    waiting = {order.settled_at.date() - timedelta(days=1): order for order in orders if order.settled_at}
    while day <= today():
        order = waiting.get(day)
        factors = by_day.get(day, [])
        if order is not None and order is orders[0]:
            held, gain = _deal(order, held, gain, running)
        for factor in factors:
            running *= factor
        if order is not None and order is not orders[0]:
            held, gain = _deal(order, held, gain, running)
        scale[day] = running
        day += timedelta(days=1)
    last = Fraction(NavPoint.objects.latest("date").unit_price) * running
    free = by_key(user)[FREE]
    assert free.gain is not None
    assert abs(Fraction(free.gain) - (gain + held * last)) < Fraction(1, 10**5)
    assert free.difference is not None
    assert free.difference > 1, "what was taken is more than a dollar here"


def _deal(order: Order, held: Fraction, gain: Fraction, scale: Fraction) -> tuple[Fraction, Fraction]:
    price = Fraction(order.unit_price or 0) * scale
    if order.side == Order.Side.INVEST:
        return held + Fraction(order.amount or 0) / price, gain - Fraction(order.amount or 0)
    return held - Fraction(order.proceeds or 0) / price, gain + Fraction(order.proceeds or 0)


@db
def test_hands_off_keeps_the_first_order_and_the_plans(lived: tuple[World, User]) -> None:
    user = lived[1]
    first = Order.objects.filter(user=user).earliest("settled_at")
    price = NavPoint.objects.latest("date").unit_price
    expected = (first.units or 0) * price - (first.amount or 0)
    assert by_key(user)[HANDS_OFF].gain == pytest.approx(expected, abs=Decimal("0.00001"))
    # In a later period what is there at its start stays, and nothing is done by a rule.
    start = START + timedelta(days=12)
    units = sum(
        (
            (1 if order.side == "invest" else -1) * (order.units or 0)
            for order in Order.objects.filter(user=user)
            if order.settled_at and order.settled_at.date() - timedelta(days=1) <= start
        ),
        Decimal(0),
    )
    begun = NavPoint.objects.get(date=start).unit_price
    later = by_key(user, start=start)[HANDS_OFF].gain
    assert later == pytest.approx(units * (price - begun), abs=Decimal("0.00001"))


@db
def test_an_alternative_follows_from_its_file(lived: tuple[World, User]) -> None:
    client = Client()
    client.force_login(lived[1], backend="django.contrib.auth.backends.ModelBackend")
    rows = by_key(lived[1])
    for key in (BITCOIN, MARKET, FREE):
        answer = client.get(reverse("portfolios:performance_export") + f"?index=global-100&alternative={key}")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        held = gain = Decimal(0)
        for line in lines:
            price = Decimal(line["price_usd"])
            put, out = Decimal(line["money_in_usd"]), Decimal(line["money_out_usd"])
            held += (put - out) / price
            gain += out - Decimal(line["unpaid_usd"]) - put
        gain += held * Decimal(lines[-1]["price_usd"])
        assert rows[key].gain == pytest.approx(gain, abs=Decimal("0.00001"))


@db
def test_without_fees_there_is_less_to_add_back() -> None:
    _, user = life(fee="0")
    assert FeeSchedule.objects.count() == 0
    told = performance(user, index="global-100")
    assert told.tokens is not None
    assert {part.key: part.usd for part in told.tokens.others}["fees"] == 0


@db
def test_an_index_with_a_twin() -> None:
    world = world_create(today=START)
    twin = index_create("global-100-passive", "Global 100 without a tilt")
    Index.objects.filter(pk=twin.pk).update(twin_of=world.index, kind=Index.Kind.TWIN)
    levels_make(twin, first=500.0, step=-1.0)
    user = user_make(cash="100")
    investing.invest(user, "global-100", "100")
    tick()
    days_pass(world, 10)
    rows = by_key(user)
    first, last = 500 - (START - FIRST_DAY).days, 500 - (today() - FIRST_DAY).days
    assert rows[TWIN].gain == pytest.approx(Decimal(100) * last / first - 100, abs=Decimal("0.00001"))
    assert rows[BITCOIN].gain is None
    assert rows[BITCOIN].reason == "Bitcoin has no price on 15 Jan 2022."
    report = performance(user)
    assert report.split is None, "the market index has no levels here"
    assert next(row for row in report.alternatives if row.key == MARKET).reason != ""


@db
def test_bitcoin_that_runs_dry_says_so() -> None:
    world = world_create(today=START)
    token = bitcoin_make(world)
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    tick()
    token.candles.filter(opened_at__date__gt=START).update(close=10.0)
    days_pass(world, 5)
    investing.redeem(user, "global-100", amount="600")
    tick()
    days_pass(world, 1)
    row = by_key(user)[BITCOIN]
    assert row.unpaid > 590
    assert row.value == 0
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert "It would have run dry" in client.get(reverse("portfolios:performance")).content.decode()
