"""Dealing while a price is in doubt: no legs in what is halted, and nobody is dealt with where it weighs much."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portfolios import selectors
from portfolios.models import BlockOrder, DealingCycle, NavPoint, Order, Rebalance
from portfolios.selectors.stops import Stop, stops
from portfolios.services import execution, investing, rebalancing
from portfolios.services.execution.planning import cycle_open
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.models import Asset, Candle, GuardRecord, Market
from tests.books import sound
from tests.factories import user_make
from tests.live_worlds import START, Live
from tests.quotes import FEEDS, quote
from tests.worlds import world_create

pytestmark = pytest.mark.django_db


def deal():
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    assert execution.dealing_run().at_rest


def weights_of(user):
    [holding] = selectors.holdings(user)
    return {position.token: position.weight for position in holding.positions}


def traded(cycle):
    return set(BlockOrder.objects.filter(cycle=cycle).values_list("asset__code", flat=True))


def test_a_frozen_token_is_left_out_until_an_operator_confirms_and_then_trades_again():
    live = Live({"alpha": "0.4", "beta": "0.3", "gamma": "0.16", "delta": "0.1", "epsilon": "0.04"})
    live.fall("epsilon", 0.3)
    user = user_make(cash="1000.00")
    order = investing.invest(user, "global-100", "100.00")
    deal()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    cycle = DealingCycle.objects.latest("id")
    assert traded(cycle) == {"token:alpha", "token:beta", "token:gamma", "token:delta"}
    assert set(cycle.halted) == {"token:epsilon"}
    assert "confirm the price" in cycle.halted["token:epsilon"]
    # Its four hundredths went to the others in proportion.
    assert weights_of(user)["alpha"] == pytest.approx(Decimal("0.4") / Decimal("0.96"), abs=Decimal("0.002"))
    sound()

    live.confirm()
    investing.invest(user, "global-100", "100.00")
    deal()
    cycle = DealingCycle.objects.latest("id")
    assert cycle.halted == {}
    assert "token:epsilon" in traded(cycle)
    assert Decimal(cycle.marks["token:epsilon"]) == pytest.approx(Decimal(live.prices["epsilon"]))
    assert weights_of(user)["epsilon"] == pytest.approx(Decimal("0.04"), abs=Decimal("0.002"))
    sound()


def test_a_frozen_holding_keeps_its_last_mark_and_is_neither_bought_nor_sold():
    live = Live({"alpha": "0.4", "beta": "0.3", "gamma": "0.16", "delta": "0.1", "epsilon": "0.04"})
    first, second = user_make(cash="1000.00"), user_make(cash="1000.00")
    investing.invest(first, "global-100", "1000.00")
    deal()
    [before] = selectors.holdings(first)
    live.fall("epsilon", 0.1)
    investing.redeem(first, "global-100", amount="200.00")
    deal()
    assert traded(DealingCycle.objects.latest("id")) == {
        "token:alpha",
        "token:beta",
        "token:gamma",
        "token:delta",
    }
    assert selectors.cash(first) == pytest.approx(Decimal(200), abs=Decimal("1.00"))
    investing.invest(second, "global-100", "500.00")
    deal()
    assert "token:epsilon" not in traded(DealingCycle.objects.latest("id"))
    # The unit price did not jump with a price that nobody has confirmed: the newcomer bought nothing cheap.
    [after] = selectors.holdings(first)
    assert after.unit_price == pytest.approx(before.unit_price, rel=Decimal("1e-6"))
    sound()


def test_a_rebalance_leaves_a_frozen_holding_where_it_is():
    live = Live({"alpha": "0.4", "beta": "0.3", "gamma": "0.16", "delta": "0.1", "epsilon": "0.04"})
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "1000.00")
    deal()
    live.fall("epsilon", 0.1)
    live.weigh(alpha="0.6", beta="0.4")
    deal()
    cycle = DealingCycle.objects.latest("id")
    assert traded(cycle) == {"token:alpha", "token:beta", "token:gamma", "token:delta"}
    assert set(weights_of(user)) - {"usd"} == {"alpha", "beta", "epsilon"}
    live.confirm()
    live.weigh(alpha="0.5", beta="0.5")
    deal()
    assert set(weights_of(user)) - {"usd"} == {"alpha", "beta"}
    sound()


def test_a_portfolio_with_much_frozen_deals_with_nobody_until_it_thaws():
    live = Live()
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    live.fall("beta", 0.4)
    live.weigh(alpha="0.6", beta="0.4")
    invested = investing.invest(user, "global-100", "100.00")
    redeemed = investing.redeem(user, "global-100", amount="50.00")
    cycles = DealingCycle.objects.count()
    deal()
    assert cycle_open() is None
    assert DealingCycle.objects.count() == cycles
    for order in (invested, redeemed):
        order.refresh_from_db()
        assert order.status == Order.Status.ACCEPTED
    assert set(Rebalance.objects.values_list("status", flat=True)) >= {"due"}
    [portfolio] = {order.portfolio_id for order in (invested, redeemed)}
    weights = {portfolio: {"alpha": Decimal("0.6"), "beta": Decimal("0.4")}}
    assert stops(weights, at=live.at)[portfolio].deals == (
        "It waits until the price of beta can be relied on again."
    )
    # It is enough that it is held, or that it is wanted.
    assert stops({portfolio: {"alpha": Decimal(1)}}, at=live.at)[portfolio].deals
    assert stops({0: {"alpha": Decimal("0.94"), "beta": Decimal("0.06")}}, at=live.at)[0].invests
    assert stops({0: {"alpha": Decimal("0.95"), "beta": Decimal("0.05")}}, at=live.at) == {}
    sound()
    live.confirm()
    live.round()
    assert stops(weights, at=live.at) == {}
    deal()
    for order in (invested, redeemed):
        order.refresh_from_db()
        assert order.status == Order.Status.SETTLED
    assert not Rebalance.objects.filter(status="due").exists()
    sound()
    assert NavPoint.objects.count() == 0


def test_one_bad_source_moves_no_trade():
    live = Live()
    user = user_make(cash="1000.00")
    live.at += timedelta(minutes=2)
    for source in FEEDS:
        told = {slug: price * (1000 if source == "kraken" else 1) for slug, price in live.prices.items()}
        quote(source, told, live.at)
    Market.objects.update(time=live.at)
    signal_services.marks_judge(at=live.at)
    investing.invest(user, "global-100", "100.00")
    deal()
    marks = DealingCycle.objects.latest("id").marks
    assert {code: Decimal(mark) for code, mark in marks.items()} == {
        f"token:{slug}": pytest.approx(Decimal(price), rel=Decimal("1e-12"))
        for slug, price in live.prices.items()
    }


def test_while_the_guard_has_judged_nothing_nobody_is_dealt_with():
    live = Live()
    user = user_make(cash="1000.00")
    order = investing.invest(user, "global-100", "100.00")
    GuardRecord.objects.all().delete()
    Candle.objects.filter(source="consensus").delete()
    deal()
    order.refresh_from_db()
    assert order.status == Order.Status.ACCEPTED
    live.round()
    deal()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED


def test_quotes_that_stop_stop_dealing():
    live = Live()
    user = user_make(cash="1000.00")
    order = investing.invest(user, "global-100", "100.00")
    Market.objects.update(time=live.at + timedelta(minutes=4))
    deal()
    order.refresh_from_db()
    assert order.status == Order.Status.ACCEPTED


def test_an_order_that_was_never_sent_is_given_up_when_its_token_freezes():
    live = Live({"alpha": "0.5", "beta": "0.46", "epsilon": "0.04"})
    user = user_make(cash="1000.00")
    order = investing.invest(user, "global-100", "100.00")
    cycle = cycle_open()
    assert cycle is not None
    live.fall("epsilon", 0.2)
    assert execution.dealing_run().at_rest
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    cycle.refresh_from_db()
    assert set(cycle.halted) == {"token:epsilon"}
    assert traded(cycle) == {"token:alpha", "token:beta"}

    investing.redeem(user, "global-100", all=True)
    live.confirm()
    cycle = cycle_open()
    assert cycle is not None
    assert traded(cycle) == {"token:alpha", "token:beta"}
    live.round(alpha=live.prices["alpha"] * 0.2)
    assert execution.dealing_run().at_rest
    withheld = BlockOrder.objects.get(cycle=cycle, asset__code="token:alpha")
    assert withheld.status == BlockOrder.Status.REJECTED
    assert withheld.reason.startswith("Not sent. Its price is said to be")
    assert not withheld.fills.exists()
    sound()


@pytest.mark.parametrize(
    ("price", "invests", "rebalances"), [(0.99, True, True), (0.97, False, True), (0.94, False, False)]
)
def test_a_coin_below_its_dollar_stops_new_money_first_and_rebalances_then(price, invests, rebalances):
    live = Live(gamma=1.0)
    Asset.objects.filter(slug="gamma").update(categories=["stablecoin"])
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    live.round(gamma=price)
    order = investing.invest(user, "global-100", "100.00")
    redemption = investing.redeem(user, "global-100", amount="50.00")
    deal()
    deal()
    order.refresh_from_db()
    redemption.refresh_from_db()
    assert (order.status == Order.Status.SETTLED) is invests
    assert redemption.status == Order.Status.SETTLED
    live.weigh(alpha="0.6", gamma="0.4")
    deal()
    done = Rebalance.objects.latest("id")
    assert (done.epoch, done.status == Rebalance.Status.DONE) == ("2022-W07", rebalances)
    sound()


def test_a_market_without_a_guard_stops_nothing():
    world_create()
    assert stops({1: {"alpha": Decimal(1)}}, at=START) == {}
    assert stops({}, at=START) == {}
    assert Stop() == Stop("", "", "")
