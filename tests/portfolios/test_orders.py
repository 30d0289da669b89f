"""How much may be asked for, what an order would do before it is placed, and that the two agree."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios import errors, selectors
from portfolios.core.money import USD_SCALE, to_base
from portfolios.models import Entry, Order, Plan
from portfolios.selectors.minimums import MINIMUM_INVESTMENT, minimum_of
from portfolios.services import execution, investing
from portfolios.services.pauses import pause_start
from tests.books import sound
from tests.factories import held, user_make
from tests.worlds import clock_to, decision_create, index_create, world_create

CENT = Decimal("0.01")


weights = st.dictionaries(st.text("abcdef", min_size=1), st.decimals("0.000001", 1, places=6), min_size=1)


@given(weights, st.decimals("0.01", 20, places=2))
def test_the_minimum_buys_the_smallest_leg_and_a_dollar_less_would_not(shares, least):
    minimum = minimum_of(shares, least)
    smallest = min(shares.values())
    assert minimum >= MINIMUM_INVESTMENT
    assert minimum * smallest >= least
    assert minimum == MINIMUM_INVESTMENT or (minimum - 1) * smallest < least


def test_an_index_without_weights_has_the_general_minimum():
    assert minimum_of({}, Decimal("0.01")) == 50
    assert minimum_of({"a": Decimal(0), "b": Decimal(1)}, Decimal(10)) == 50


@pytest.fixture
def world(db):
    return world_create()


@pytest.fixture
def user(world):
    return user_make(cash="10000.00")


def deal():
    assert execution.dealing_run().at_rest


def test_an_index_with_a_tiny_leg_says_what_it_needs_before_and_when_one_tries(world, user):
    tiny = index_create("tiny-leg", "Tiny leg")
    shares = {"alpha": "0.99995", "epsilon": "0.00005"}
    decision_create(world, as_of=world.decisions[0].as_of, weights=shares, index=tiny)
    for plan in Plan.objects.filter(all_indices=False):
        plan.indices.add(tiny)
    assert (selectors.index_minimum(tiny), selectors.index_minimum(world.index)) == (200, 50)
    with pytest.raises(errors.BelowMinimum) as refusal:
        investing.invest(user, "tiny-leg", "199.99")
    assert "the smallest investment in Tiny leg is $200.00" in refusal.value.message
    preview = selectors.invest_preview(user, "tiny-leg", Decimal("199.99"))
    assert [problem.code for problem in preview.problems] == ["below_minimum"]
    assert preview.minimum == 200
    investing.invest(user, "tiny-leg", "200.00")
    deal()
    [holding] = selectors.holdings(user)
    assert {position.token for position in holding.positions} >= {"alpha", "epsilon"}


@pytest.mark.parametrize("percent", ["0.01", "12.5", "33.33", "100"])
def test_a_part_of_the_free_units_is_redeemed_and_nothing_is_left_of_all(user, percent):
    investing.invest(user, "global-100", "1000.00")
    deal()
    units = held(user).units
    order = investing.redeem(user, "global-100", percent=percent)
    assert order.units == (units * Decimal(percent) / 100).quantize(Decimal("1E-12"), rounding="ROUND_DOWN")
    assert order.percent == Decimal(percent)
    deal()
    left = selectors.holding(user, "global-100")
    assert (left.units if left else 0) == units - order.units
    sound()


@pytest.mark.parametrize("percent", ["0", "-1", "100.01", "1.001", "x", "1e1"])
def test_a_percentage_that_is_none_is_refused(user, percent):
    investing.invest(user, "global-100", "1000.00")
    deal()
    with pytest.raises(errors.InvalidAmount) as refusal:
        investing.redeem(user, "global-100", percent=percent)
    assert refusal.value.field == "percent"
    assert not Order.objects.filter(side="redeem").exists()


def test_a_part_whose_rest_nobody_could_be_paid_for_takes_the_rest_too(user):
    investing.invest(user, "global-100", "60.00")
    deal()
    order = investing.redeem(user, "global-100", percent="99.99")
    assert order.units == held(user).units
    sound()


def test_the_same_reference_with_another_part_is_a_conflict(user):
    investing.invest(user, "global-100", "1000.00")
    deal()
    first = investing.redeem(user, "global-100", percent="50", reference="a")
    assert investing.redeem(user, "global-100", percent="50", reference="a") == first
    with pytest.raises(errors.ConflictError):
        investing.redeem(user, "global-100", percent="40", reference="a")


def close(told, found, cents=2):
    return abs(told - found) <= cents * CENT


def test_an_investment_does_what_its_preview_said(user):
    before = Entry.objects.count()
    preview = selectors.invest_preview(user, "global-100", Decimal(1000))
    assert Entry.objects.count() == before, "looking moves nothing"
    assert not preview.problems
    order = investing.invest(user, "global-100", "1000.00")
    deal()
    order.refresh_from_db()
    assert close(preview.cost_usd, order.cost_usd)
    assert preview.units is not None
    assert order.units is not None
    assert abs(preview.units - order.units) < Decimal("0.001")
    fills = {fill.block_order.asset.code.removeprefix("token:"): fill for fill in fills_of(order)}
    assert {leg.token for leg in preview.legs} == fills.keys()
    for leg in preview.legs:
        assert close(leg.amount_usd, fills[leg.token].notional + fills[leg.token].fee)
        assert close(leg.fee_usd, fills[leg.token].fee)


def fills_of(order):
    blocks = order.dealing.cycle.block_orders.all()
    return [fill for block in blocks for fill in block.fills.all()]


def test_a_preview_adds_up_to_the_last_micro_dollar(user):
    investing.invest(user, "global-100", "500.00")
    deal()
    for preview in (
        selectors.invest_preview(user, "global-100", Decimal("777.77")),
        selectors.redeem_preview(user, "global-100", percent=Decimal(40)),
    ):
        parts = preview.half_spread_usd + preview.impact_usd + preview.fee_usd
        assert parts == preview.cost_usd == sum(leg.cost_usd for leg in preview.legs)
        for leg in preview.legs:
            assert leg.half_spread_usd + leg.impact_usd + leg.fee_usd == leg.cost_usd
        traded = sum(leg.amount_usd for leg in preview.legs)
        kept = sum(line.usd for line in preview.cash_left)
        if preview.side == "invest":
            assert traded + kept == preview.amount
        assert sum(leg.share for leg in preview.legs) == pytest.approx(1, abs=1e-8)


def test_what_the_portfolio_lacks_is_shown_as_bought_first(world, user):
    investing.invest(user, "global-100", "1000.00")
    deal()
    day = world.decisions[0].as_of
    plain = {leg.token: leg.share for leg in selectors.invest_preview(user, "global-100", Decimal(50)).legs}
    assert plain["alpha"] == pytest.approx(Decimal("0.4"), abs=Decimal("0.02"))
    # All but `delta` have risen since: what is bought is not spread by the target weights.
    clock_to(world, day.replace(month=2, day=27))
    tilted = {leg.token: leg for leg in selectors.invest_preview(user, "global-100", Decimal(50)).legs}
    assert tilted["delta"].share > Decimal("0.2")
    order = investing.invest(user, "global-100", "50.00")
    deal()
    order.refresh_from_db()
    found = {fill.block_order.asset.code.removeprefix("token:"): fill for fill in fills_of(order)}
    assert {
        token: close(leg.amount_usd, found[token].notional + found[token].fee)
        for token, leg in tilted.items()
    } == (dict.fromkeys(found, True))


def test_a_sale_does_what_its_preview_said(user):
    investing.invest(user, "global-100", "5000.00")
    deal()
    preview = selectors.redeem_preview(user, "global-100", amount=Decimal(1200))
    order = investing.redeem(user, "global-100", amount="1200.00")
    assert preview.units == order.units
    deal()
    order.refresh_from_db()
    assert close(preview.cost_usd, order.cost_usd)
    assert close(preview.proceeds, order.proceeds)
    assert {leg.side for leg in preview.legs} == {"sell"}
    everything = selectors.redeem_preview(user, "global-100")
    assert everything.units == held(user).units


def test_what_stays_as_cash_is_explained_to_the_last_micro_dollar(user):
    for slug in ("alpha", "beta", "gamma", "delta", "epsilon"):
        pause_start("asset", slug, reason="A test.")
    preview = selectors.invest_preview(user, "global-100", Decimal(100))
    assert (preview.legs, [line.why for line in preview.cash_left]) == ([], ["no_target"])
    assert to_base(preview.cash_left[0].usd, USD_SCALE) == 100 * 10**USD_SCALE
    assert "stays in the portfolio as cash" in preview.cash_left[0].words


def test_a_preview_says_what_stands_in_the_way(world):
    poor = user_make(cash="60.00")
    preview = selectors.invest_preview(poor, "global-100", Decimal(100))
    assert [(problem.field, problem.code) for problem in preview.problems] == [
        ("amount", "insufficient_funds")
    ]
    for plan in Plan.objects.all():
        plan.indices.clear()
    codes = [p.code for p in selectors.invest_preview(poor, "global-100", Decimal(10)).problems]
    assert codes == ["plan_required", "below_minimum"]
    with pytest.raises(errors.UnknownIndex):
        selectors.invest_preview(poor, "nothing", Decimal(100))
    with pytest.raises(errors.InsufficientUnits):
        selectors.redeem_preview(poor, "global-100")


def test_a_preview_says_that_it_would_wait(user):
    investing.invest(user, "global-100", "100.00")
    deal()
    pause_start("buys", reason="We look into a venue.")
    assert selectors.invest_preview(user, "global-100", Decimal(100)).waits == "We look into a venue."
    assert selectors.redeem_preview(user, "global-100").waits == ""
    pause_start("all", reason="Everything rests.")
    assert selectors.redeem_preview(user, "global-100").waits == "Everything rests."


def test_a_switch_shows_both_legs(world, user):
    index = index_create("top-2", "Top two")
    decision_create(world, as_of=world.decisions[0].as_of, weights={"alpha": "1"}, index=index)
    for plan in Plan.objects.filter(all_indices=False):
        plan.indices.add(index)
    investing.invest(user, "global-100", "1000.00")
    deal()
    preview = selectors.switch_preview(user, "global-100", "top-2", percent=Decimal(50))
    assert preview.into is not None
    assert preview.into.amount == preview.proceeds
    assert [leg.token for leg in preview.into.legs] == ["alpha"]
    assert preview.problems == []
    small = selectors.switch_preview(user, "global-100", "top-2", amount=Decimal(20))
    assert [problem.code for problem in small.problems] == ["below_minimum"]
