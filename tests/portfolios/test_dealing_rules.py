"""The pure rules of dealing: whoever stays is never diluted, and integers add up."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portfolios.core.bands import PPM, Bands
from portfolios.core.dealing import (
    SMALLEST_TRADE,
    FlowOrder,
    Left,
    Plan,
    drift,
    flow_matched,
    flow_net,
    flow_settle,
    purchase_plan,
    purchases_left,
    raising_plan,
    rebalance_plan,
)
from portfolios.core.money import price_base, quantity_worth, value_of
from portfolios.core.netting import net
from portfolios.core.valuation import Pot, Quote, total, unit_price, units_worth, values

CODES = ["a", "b", "c", "d"]
QUOTES = {
    "a": Quote(price_base(Decimal(40000)), 15, 10**9),
    "b": Quote(price_base(Decimal("1.25")), 10, 10**7),
    "c": Quote(price_base(Decimal("0.00002")), 6, 10**5),
    "d": Quote(price_base(Decimal(75)), 11, None),
}
dollars = st.integers(min_value=0, max_value=10**12)
pots = st.builds(
    lambda cash, worth: Pot(
        cash,
        {
            code: quantity_worth(micro, QUOTES[code].scale, QUOTES[code].price)
            for code, micro in zip(CODES, worth, strict=True)
            if micro > 0
        },
    ),
    dollars,
    st.lists(dollars, min_size=4, max_size=4),
)
weightings = (
    st.lists(st.integers(0, 100), min_size=4, max_size=4)
    .filter(any)
    .map(
        lambda parts: {code: (Decimal(part) / Decimal(1000)) for code, part in zip(CODES, parts, strict=True)}
    )
)


@given(pots, weightings)
def test_a_rebalance_reaches_its_targets(pot: Pot, weights: dict[str, Decimal]) -> None:
    plan = rebalance_plan(pot, weights, QUOTES)
    worth, whole, parts = values(pot, QUOTES), total(pot, QUOTES), sum(weights.values())
    for code in CODES:
        target = int(whole * weights[code] / parts)
        sold = value_of(plan.sells.get(code, 0), QUOTES[code].scale, QUOTES[code].price)
        after = worth.get(code, 0) - sold + plan.buys.get(code, 0)
        assert abs(after - target) <= SMALLEST_TRADE + 2
        assert plan.sells.get(code, 0) <= pot.quantities.get(code, 0)
    assert not plan.sells.keys() & plan.buys.keys()


bands = st.builds(
    lambda hold, more, turnover: Bands(
        hold=hold, full=min(PPM, hold + more), turnover=turnover, smallest=SMALLEST_TRADE
    ),
    st.integers(1, PPM // 2),
    st.integers(0, PPM // 2),
    st.integers(0, 2 * PPM),
)


def _traded(pot: Pot, plan: Plan) -> dict[str, int]:
    """Micro-dollars of each token if the plan were carried out at the marks without cost."""
    worth = values(pot, QUOTES)
    return {
        code: worth.get(code, 0)
        - value_of(plan.sells.get(code, 0), QUOTES[code].scale, QUOTES[code].price)
        + plan.buys.get(code, 0)
        for code in CODES
    }


@given(pots, weightings, bands)
def test_bands_say_when_a_portfolio_is_traded_and_how_far(
    pot: Pot, weights: dict[str, Decimal], bands: Bands
) -> None:
    plan, whole, parts = (
        rebalance_plan(pot, weights, QUOTES, bands),
        total(pot, QUOTES),
        sum(weights.values()),
    )
    assume(whole > 10**6)
    targets = {code: int(whole * weights[code] / parts) for code in CODES}
    missing = [targets[code] for code in CODES if code not in pot.quantities]
    before = drift([*(targets[code] - held for code, held in values(pot, QUOTES).items()), *missing], whole)
    after = drift([targets[code] - held for code, held in _traded(pot, plan).items()], whole)
    sold = sum(
        value_of(quantity, QUOTES[code].scale, QUOTES[code].price) for code, quantity in plan.sells.items()
    )
    slack = 8 * SMALLEST_TRADE * PPM // whole + 2
    if before <= bands.hold:
        assert not plan.sells
        assert sum(plan.buys.values()) <= pot.cash
    elif before <= bands.full and bands.turnover >= 2 * before:
        assert after <= bands.hold + slack
    elif bands.turnover >= 2 * before:
        assert after <= slack
    # Drift is known to a millionth, and a sale may be one base unit more than wanted, in each token.
    assert sold <= whole * (bands.turnover + 2) // (2 * PPM) + len(CODES) * 2
    assert sum(plan.buys.values()) <= pot.cash + sold
    assert not plan.sells.keys() & plan.buys.keys()


def test_the_first_band_puts_cash_to_work_and_sells_nothing() -> None:
    pot = Pot(2_000_000, {"a": 2_500_000_000_000, "b": 800_000_000_000})  # 2 + 100 + 100 dollars
    halves = {"a": Decimal("0.5"), "b": Decimal("0.5")}
    plan = rebalance_plan(pot, halves, QUOTES, Bands(hold=20_000, full=50_000))
    assert plan == Plan({}, {"a": 1_000_000, "b": 1_000_000})


def test_between_the_bands_the_portfolio_comes_back_to_the_first() -> None:
    pot = Pot(0, {"a": 2_650_000_000_000, "b": 752_000_000_000})  # 106 and 94 dollars: a drift of 3 %
    halves = {"a": Decimal("0.5"), "b": Decimal("0.5")}
    plan = rebalance_plan(pot, halves, QUOTES, Bands(hold=20_000, full=50_000))
    # A third of the way, 1.999998 dollars: what is left of the drift is 2 %.
    assert plan == Plan({"a": 49_999_950_001}, {"b": 1_999_998})
    assert rebalance_plan(pot, halves, QUOTES, Bands(hold=20_000, full=20_000)).buys == {"b": 6_000_000}
    half = rebalance_plan(pot, halves, QUOTES, Bands(turnover=30_000))
    assert half.buys == {"b": 3_000_000}


@given(pots, weightings, dollars, st.integers(0, 10**9))
def test_every_micro_dollar_that_purchases_leave_is_explained(
    pot: Pot, weights: dict[str, Decimal], spendable: int, smallest: int
) -> None:
    plan = purchase_plan(pot, weights, QUOTES, spendable, smallest=smallest)
    left = purchases_left(pot, weights, QUOTES, spendable, smallest=smallest)
    assert sum(plan.values()) + sum(line.amount for line in left) == spendable
    assert all(line.amount > 0 for line in left)
    assert all(part >= smallest for part in plan.values())


def test_what_is_left_has_a_reason() -> None:
    nothing, one = Pot(0, {}), {"a": Decimal(1)}
    assert purchases_left(nothing, {}, QUOTES, 7) == [Left("no_target", 7)]
    assert purchases_left(nothing, one, QUOTES, 9_999) == [Left("too_small", 9_999)]
    rich = Pot(0, {"a": 10**15, "b": 10**15})
    assert purchases_left(rich, one, QUOTES, 500) == [Left("too_small", 500)]
    assert purchases_left(rich, one, QUOTES, 500, smallest=1) == []


@given(pots, weightings, dollars)
def test_purchases_spend_what_there_is_on_underweights(
    pot: Pot, weights: dict[str, Decimal], spendable: int
) -> None:
    plan = purchase_plan(pot, weights, QUOTES, spendable)
    assert sum(plan.values()) <= spendable
    if spendable >= 8 * SMALLEST_TRADE:
        assert sum(plan.values()) >= spendable - 4
    assert all(part >= SMALLEST_TRADE for part in plan.values())
    assert all(weights[code] > 0 for code in plan)


@given(pots, weightings, dollars)
def test_raising_sells_no_more_than_there_is(pot: Pot, weights: dict[str, Decimal], needed: int) -> None:
    sells = raising_plan(pot, weights, QUOTES, needed)
    raised = sum(
        value_of(quantity, QUOTES[code].scale, QUOTES[code].price) for code, quantity in sells.items()
    )
    assert all(0 < quantity <= pot.quantities[code] for code, quantity in sells.items())
    missing = min(max(0, needed - pot.cash), sum(values(pot, QUOTES).values()))
    assert missing - 4 <= raised <= missing + 8


def test_raising_everything_sells_everything() -> None:
    pot = Pot(5, {"a": 123_456_789_012, "c": 987_654_321})
    sells = raising_plan(pot, {"a": Decimal("0.5"), "c": Decimal("0.5")}, QUOTES, 10**15)
    assert sells == dict(pot.quantities)


orders = st.lists(
    st.one_of(
        st.tuples(st.integers(10_000, 10**12), st.just(0)),
        st.tuples(st.just(0), st.integers(1, 10**15)),
    ),
    min_size=1,
    max_size=8,
).map(lambda sizes: [FlowOrder(str(n), amount, units) for n, (amount, units) in enumerate(sizes)])


@given(
    value=st.integers(1, 10**13),
    issued=st.integers(1, 10**17),
    wishes=orders,
    lost=st.integers(0, 10**6),
    cash_part=st.integers(0, 100),
)
def test_those_who_stay_are_never_diluted(
    value: int, issued: int, wishes: list[FlowOrder], lost: int, cash_part: int
) -> None:
    """Value per unit after the dealing is at least what it was before, whatever trading cost and whatever was sold."""
    assume(sum(order.units for order in wishes) <= issued)
    coming = sum(order.amount for order in wishes)
    inward = flow_net(value, issued, wishes) >= 0
    bearing = sum(
        order.amount or order.units * value // issued for order in wishes if (order.amount > 0) == inward
    )
    cost = min(bearing, bearing * lost // 10**6)
    value_now = value + coming - cost
    cash = value_now * cash_part // 100
    results = flow_settle(value_before=value, issued=issued, value_now=value_now, cash=cash, orders=wishes)
    paid = sum(result.payout for result in results)
    assert paid <= cash
    issued_now = issued
    for order, result in zip(wishes, results, strict=True):
        assert result.key == order.key
        assert result.units >= 0
        if order.amount:
            issued_now += result.units
        else:
            assert result.units <= order.units
            assert result.payout % 10_000 == 0
            issued_now -= result.units
    # Cross-multiplied, so that nothing is rounded: value_after / units_after >= value_before / units_before.
    assert (value_now - paid) * issued >= value * issued_now
    assert sum(result.cost for result in results) <= cost


def test_the_net_side_bears_the_cost_in_proportion() -> None:
    wishes = [FlowOrder("x", 300_000_000, 0), FlowOrder("y", 100_000_000, 0), FlowOrder("z", 0, 10**12)]
    value, issued = 1_000_000_000, 10 * 10**12
    assert flow_net(value, issued, wishes) == 300_000_000
    assert flow_matched(value, issued, wishes) == 100_000_000
    results = flow_settle(
        value_before=value,
        issued=issued,
        value_now=value + 400_000_000 - 4_000_000,
        cash=10**9,
        orders=wishes,
    )
    assert [(result.cost, result.payout, result.units) for result in results] == [
        (3_000_000, 0, 2_970_000_000_000),
        (1_000_000, 0, 990_000_000_000),
        (0, 100_000_000, 10**12),
    ]


@given(
    value=st.integers(10**8, 10**13),
    issued=st.integers(10**12, 10**17),
    wishes=orders,
    lost=st.integers(-10_000, 10_000),
)
def test_those_who_stay_neither_lose_nor_gain(
    value: int, issued: int, wishes: list[FlowOrder], lost: int
) -> None:
    """Fills worse or better than the marks are the affair of those who caused them: what a unit is worth moves by no
    more than a base unit of dollars for each order."""
    assume(sum(order.units for order in wishes) < issued)
    coming = sum(order.amount for order in wishes)
    inward = flow_net(value, issued, wishes) >= 0
    bearing = sum(
        order.amount or order.units * value // issued for order in wishes if (order.amount > 0) == inward
    )
    value_now = value + coming - bearing * lost // 10**6
    results = flow_settle(
        value_before=value, issued=issued, value_now=value_now, cash=value_now, orders=wishes
    )
    left = value_now - sum(result.payout + result.dust for result in results)
    units = issued + sum(
        result.units if order.amount else -result.units for order, result in zip(wishes, results, strict=True)
    )
    # What the units that stay were worth, and are worth, all together.
    gained = left - value * units // issued
    assert 0 <= gained <= len(wishes) * (2 + value // issued)
    assert all(0 <= result.dust < 10_000 for result in results)


def test_fills_better_than_the_marks_belong_to_those_who_caused_them() -> None:
    issued, wishes = 10 * 10**12, [FlowOrder("x", 400_000_000, 0)]
    [result] = flow_settle(value_before=10**9, issued=issued, value_now=1_402_000_000, cash=0, orders=wishes)
    assert (result.cost, result.units) == (-2_000_000, 4_020_000_000_000)
    [result] = flow_settle(
        value_before=10**9,
        issued=issued,
        value_now=10**9 + 1_007_777,
        cash=10**9,
        orders=[FlowOrder("z", 0, 10**12)],
    )
    assert (result.cost, result.payout, result.dust) == (-1_007_777, 101_000_000, 7_777)


def test_the_first_units_cost_a_hundred_dollars() -> None:
    assert units_worth(99_500_000, 0, 0) == 995_000_000_000
    assert unit_price(0, 0) == 100
    with pytest.raises(ValueError, match="worth nothing"):
        units_worth(1, 0, 5)


plans = st.builds(
    lambda sides, sizes: Plan(
        {
            code: quantity_worth(size, QUOTES[code].scale, QUOTES[code].price)
            for code, side, size in zip(CODES, sides, sizes, strict=True)
            if side == "sell"
        },
        {code: size for code, side, size in zip(CODES, sides, sizes, strict=True) if side == "buy"},
    ),
    st.lists(st.sampled_from(["sell", "buy", ""]), min_size=4, max_size=4),
    st.lists(st.integers(SMALLEST_TRADE, 10**11), min_size=4, max_size=4),
)


@given(st.lists(st.tuples(plans, st.integers(0, 10**11)), min_size=1, max_size=5))
def test_crossing_conserves_and_nobody_overspends(members: list[tuple[Plan, int]]) -> None:
    wanted = {number: plan for number, (plan, _) in enumerate(members)}
    cash = {number: amount for number, (_, amount) in enumerate(members)}
    netted = net(wanted, cash, QUOTES)
    for crossing in netted.crossings:
        assert sum(crossing.quantities.values()) == 0
        assert sum(crossing.dollars.values()) == 0
    for number, plan in wanted.items():
        spent = sum(crossing.dollars.get(number, 0) for crossing in netted.crossings)
        assert cash[number] + spent >= 0
        for code, quantity in plan.sells.items():
            crossed = sum(-c.quantities.get(number, 0) for c in netted.crossings if c.code == code)
            assert crossed + netted.sells[number].get(code, 0) == quantity
            assert 0 <= crossed <= quantity


def test_opposite_rebalances_cross_without_cash() -> None:
    worth = 10_000 * 10**6
    swap_a = quantity_worth(worth, QUOTES["a"].scale, QUOTES["a"].price)
    swap_d = quantity_worth(worth, QUOTES["d"].scale, QUOTES["d"].price)
    netted = net(
        {1: Plan({"a": swap_a}, {"d": worth}), 2: Plan({"d": swap_d}, {"a": worth})}, {1: 1, 2: 1}, QUOTES
    )
    assert netted.sells == {1: {}, 2: {}}
    # 10,000 USD of each, but for the micro-dollar that the value of a whole number of base units of `d` falls short.
    assert [(c.code, c.dollars) for c in netted.crossings] == [
        ("a", {1: worth, 2: -worth}),
        ("d", {2: worth - 1, 1: -(worth - 1)}),
    ]
