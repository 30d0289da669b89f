"""Money in, a holding, a rebalance, money out: the whole path on a tiny market."""

from datetime import timedelta
from decimal import Decimal

import pytest

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.core.allocation import split
from portfolios.models import Balance, BlockOrder, DealingCycle, Fill, Order, Rebalance
from portfolios.services import execution, investing, payments, rebalancing
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import TOKENS, WEIGHTS, World, clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return world_create()


def deal() -> None:
    assert execution.dealing_run().at_rest


def next_decision(world: World, weights: dict[str, str]) -> None:
    """A week passes and a decision with these weights comes into force."""
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights=weights)
    clock_to(world, today + timedelta(days=7))


def test_a_first_investment_buys_the_index(world: World) -> None:
    user = user_make(cash="500.00")
    order = investing.invest(user, "global-100", "100.00")
    assert (selectors.cash(user), selectors.reserved(user)) == (400, 100)
    sound()
    deal()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert selectors.reserved(user) == 0
    [holding] = selectors.holdings(user)
    assert holding.units == order.units
    # 10 bps fee and 2 to 40 bps of half spread, no more than a few bps of size.
    assert Decimal("0.10") < order.cost_usd < Decimal("0.40")
    assert holding.units == ((100 - order.cost_usd) / 100).quantize(Decimal("1E-12"))
    assert abs(holding.value_usd - (100 - order.cost_usd)) <= Decimal("0.000010")
    assert holding.unit_price == pytest.approx(Decimal(100), abs=Decimal("0.00001"))
    assert sum(position.value_usd for position in holding.positions) == holding.value_usd
    weights = {position.token: position.weight for position in holding.positions}
    for slug, weight in WEIGHTS.items():
        assert weights[slug] == pytest.approx(Decimal(weight), abs=Decimal("0.002"))
    assert weights.get("usd", Decimal(0)) < Decimal("0.01")
    sound()


def test_a_second_investor_does_not_dilute_the_first(world: World) -> None:
    first, second = user_make(cash="10000"), user_make(cash="5000")
    investing.invest(first, "global-100", "10000")
    deal()
    clock_to(world, signal_selectors.last_closed_day() + timedelta(days=1))
    before = selectors.holdings(first)[0]
    investing.invest(second, "global-100", "5000")
    deal()
    after = selectors.holdings(first)[0]
    assert after.unit_price >= before.unit_price
    assert after.unit_price - before.unit_price < Decimal("0.0001")
    sound()


def test_opposite_orders_meet_at_nav_without_cost(world: World) -> None:
    first, second = user_make(cash="1000"), user_make(cash="500")
    investing.invest(first, "global-100", "1000")
    deal()
    trades = Fill.objects.count()
    nav = selectors.holdings(first)[0].unit_price
    out = investing.redeem(first, "global-100", amount="500")
    into = investing.invest(second, "global-100", "500")
    deal()
    out.refresh_from_db()
    into.refresh_from_db()
    assert out.proceeds in (Decimal("500.00"), Decimal("499.99"))
    assert out.cost_usd == 0
    assert into.cost_usd < Decimal("0.01")
    assert into.units == pytest.approx(500 / nav, abs=Decimal("0.0001"))
    assert Fill.objects.count() == trades
    sound()


def test_redeeming_everything_empties_the_pot(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    deal()
    order = investing.redeem(user, "global-100", all=True)
    deal()
    order.refresh_from_db()
    assert selectors.holdings(user) == []
    assert selectors.cash(user) == order.proceeds
    assert Decimal("994") < order.proceeds < Decimal("998")
    held = Balance.objects.filter(account__kind="assets").exclude(amount=0)
    assert list(held) == []
    sound()


def test_a_rebalance_moves_to_the_new_weights_once(world: World) -> None:
    user = user_make(cash="2000")
    investing.invest(user, "global-100", "2000")
    deal()
    next_decision(world, {"alpha": "0.1", "beta": "0.6", "gamma": "0.3"})
    for _ in range(3):
        rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    deal()
    deal()
    done = Rebalance.objects.filter(status=Rebalance.Status.DONE)
    assert done.count() == 1
    weights = {position.token: position.weight for position in selectors.holdings(user)[0].positions}
    assert set(weights) <= {"alpha", "beta", "gamma", "usd"}
    assert weights["beta"] == pytest.approx(Decimal("0.6"), abs=Decimal("0.003"))
    assert weights.get("usd", Decimal(0)) < Decimal("0.01")
    portfolio = selectors.portfolio("global-100")
    assert portfolio is not None
    last = selectors.last_rebalance(portfolio)
    assert last is not None
    assert {(line.token, line.side) for line in last.trades} == {
        ("alpha", "sell"),
        ("beta", "buy"),
        ("gamma", "buy"),
        ("delta", "sell"),
        ("epsilon", "sell"),
    }
    assert last.turnover_usd == pytest.approx(Decimal(1800), rel=Decimal("0.05"))
    assert 0 < last.cost_usd < last.turnover_usd / 100
    sound()


def test_orders_wait_for_a_due_rebalance(world: World) -> None:
    user = user_make(cash="2000")
    investing.invest(user, "global-100", "1000")
    deal()
    next_decision(world, {"alpha": "1.0"})
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    order = investing.invest(user, "global-100", "1000")
    cycle = execution.cycle_open()
    order.refresh_from_db()
    assert cycle is not None
    assert order.status == Order.Status.ACCEPTED
    deal()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert [cycle.dealings.get().kind for cycle in DealingCycle.objects.order_by("id")] == [
        "flow",
        "rebalance",
        "flow",
    ]
    sound()


def test_a_portfolio_without_holders_is_skipped(world: World) -> None:
    user = user_make(cash="100")
    order = investing.invest(user, "global-100", "100")
    investing.order_cancel(user, order.pk)
    [rebalance] = rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    assert rebalance.status == Rebalance.Status.SKIPPED
    assert selectors.cash(user) == 100
    sound()


def test_a_dead_token_stays_and_counts_for_nothing(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    deal()
    world.tokens["beta"].candles.all().delete()
    next_decision(world, {"alpha": "0.5", "gamma": "0.5"})
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    deal()
    positions = {position.token: position for position in selectors.holdings(user)[0].positions}
    assert positions["beta"].price is None
    assert positions["beta"].value_usd == 0
    assert positions["beta"].quantity > 0
    assert positions["alpha"].weight == pytest.approx(Decimal("0.5"), abs=Decimal("0.003"))
    sound()


def test_a_target_without_a_price_is_left_out(world: World) -> None:
    world.tokens["epsilon"].candles.all().delete()
    user = user_make(cash="100")
    investing.invest(user, "global-100", "100")
    deal()
    weights = {position.token: position.weight for position in selectors.holdings(user)[0].positions}
    assert "epsilon" not in weights
    assert weights["alpha"] == pytest.approx(Decimal("0.4") / Decimal("0.95"), abs=Decimal("0.003"))


def test_large_orders_fill_in_pieces(world: World) -> None:
    user = user_make(cash="1000000")
    investing.invest(user, "global-100", "1000000")
    deal()
    blocks = BlockOrder.objects.all()
    assert {block.status for block in blocks} == {"done"}
    assert Fill.objects.count() > blocks.count()
    sound()


def test_hundred_dollars_in_hundred_tokens() -> None:
    """Weights down to 0.02 %, two cents: everything is bought and nothing is stranded."""
    parts = split(10**18, [n * n for n in range(1, 101)])
    assert sum(parts) == 10**18
    world = world_create(
        weights={
            "alpha": "0.999",
            "beta": "0.0005",
            "gamma": "0.0003",
            "delta": "0.0001",
            "epsilon": "0.0001",
        }
    )
    user = user_make(cash="100")
    investing.invest(user, "global-100", "100")
    deal()
    positions = {position.token: position for position in selectors.holdings(user)[0].positions}
    assert set(positions) - {"usd"} == set(TOKENS)
    assert positions["epsilon"].value_usd > Decimal("0.009")
    assert world.index.slug == "global-100"
    sound()


def test_marks_and_weights_come_from_the_neighbours(world: World) -> None:
    marks = index_selectors.mark_prices(["alpha"], at=signal_selectors.market_time())
    assert marks == {"alpha": Decimal("56000.0")}
    payments.deposit(user_make(), "1.00")
    sound()
