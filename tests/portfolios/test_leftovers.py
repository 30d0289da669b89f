"""Every micro-dollar that stays after a dealing has a reason, and drift bands say what a rebalance does."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from portfolios import selectors
from portfolios.brokers import registry
from portfolios.brokers.base import BrokerOrder, BrokerReport
from portfolios.brokers.paper import PaperBroker
from portfolios.models import Account, Balance, BlockOrder, Dealing, Portfolio, Rebalance, User
from portfolios.services import execution, investing, rebalancing
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import FIRST_DAY, TOKENS, World, clock_to, decision_create, world_create


def deal() -> None:
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    assert execution.dealing_run().at_rest


def cash_in(portfolio: Portfolio) -> Decimal:
    row = Balance.objects.filter(
        account__portfolio=portfolio, account__kind=Account.Kind.ASSETS, asset__code="USD"
    ).first()
    return row.amount if row is not None else Decimal(0)


def explained(dealing: Dealing) -> Decimal:
    return sum((Decimal(line["usd"]) for line in dealing.cash_left), Decimal(0))


def next_week(world: World, weights: dict[str, str], day: int = 46) -> None:
    as_of = FIRST_DAY + timedelta(days=day)
    decision_create(world, as_of=as_of, weights=weights)
    clock_to(world, as_of + timedelta(days=1))


@pytest.mark.django_db
class TestDealings:
    def test_after_an_investment_what_fills_left_is_rounding(self) -> None:
        world_create()
        investing.invest(user_make(cash="1000.00"), "global-100", "300.00")
        deal()
        dealing = Dealing.objects.get()
        assert explained(dealing) == cash_in(dealing.portfolio)
        assert {line["why"] for line in dealing.cash_left} == {"rounding"}
        assert explained(dealing) < Decimal("0.01")

    def test_a_token_that_the_venue_refuses_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Refusing(PaperBroker):
            def order_place(self, order: BrokerOrder) -> BrokerReport:
                if order.token == "beta":
                    return BrokerReport("rejected", [], "market closed")
                return super().order_place(order)

        world_create()
        monkeypatch.setitem(registry.BROKERS, "paper", Refusing())
        investing.invest(user_make(cash="1000.00"), "global-100", "300.00")
        deal()
        dealing = Dealing.objects.get()
        assert explained(dealing) == cash_in(dealing.portfolio)
        [refused] = [line for line in dealing.cash_left if line["why"] == "not_sent"]
        assert refused == {"why": "not_sent", "usd": "90.000000", "token": "beta", "detail": "market closed"}

    def test_small_drift_sells_nothing_and_the_rebalance_is_done(self) -> None:
        world = world_create()
        user = user_make(cash="1000.00")
        investing.invest(user, "global-100", "500.00")
        deal()
        # The same weights a day later: each token has grown by about as much.
        next_week(
            world,
            {"alpha": "0.4", "beta": "0.3", "gamma": "0.15", "delta": "0.1", "epsilon": "0.05"},
            day=44,
        )
        portfolio = Portfolio.objects.get()
        portfolio.drift_hold = portfolio.drift_full = 500_000
        portfolio.save()
        deal()
        rebalance = Rebalance.objects.latest("id")
        assert rebalance.status == Rebalance.Status.DONE
        assert rebalance.turnover_usd < Decimal("0.01")
        assert not BlockOrder.objects.filter(side="sell").exists()
        sound()

    def test_the_turnover_budget_bounds_a_rebalance(self) -> None:
        world = world_create()
        user = user_make(cash="1000.00")
        investing.invest(user, "global-100", "500.00")
        deal()
        Portfolio.objects.update(max_turnover=100_000)
        next_week(world, {"delta": "1"})
        value = Decimal(selectors.portfolio_value(Portfolio.objects.get()).value_usd)
        deal()
        turnover = Rebalance.objects.latest("id").turnover_usd
        assert value * Decimal("0.098") < turnover <= value * Decimal("0.1001")
        sound()

    def test_the_database_refuses_bands_that_cross(self) -> None:
        world_create()
        investing.invest(user_make(cash="1000.00"), "global-100", "300.00")
        with pytest.raises(IntegrityError), transaction.atomic():
            Portfolio.objects.update(drift_hold=10, drift_full=9)


class TestHoldersWhoStay(TestCase):
    """Through the real services: others come and go, at real costs, and who stays has neither lost nor gained."""

    @given(
        flows=st.lists(
            st.tuples(st.booleans(), st.integers(50, 20_000), st.integers(1, 100)), min_size=1, max_size=4
        )
    )
    @settings(max_examples=6, phases=[Phase.generate])
    def test_a_flow_moves_nobodys_value_by_more_than_a_base_unit_a_token(
        self, flows: list[tuple[bool, int, int]]
    ) -> None:
        world_create()
        stays, other = user_make(cash="5000.00"), user_make(cash="90000.00")
        investing.invest(stays, "global-100", "1000.00")
        investing.invest(other, "global-100", "2000.00")
        deal()
        [before] = selectors.holdings(stays)
        for comes, amount, percent in flows:
            self._flow(other, comes, amount, percent)
        deal()
        [after] = selectors.holdings(stays)
        assert after.units == before.units
        # A base unit of dollars for each order, and for each token that is counted in units of its own.
        bound = Decimal("0.000001") * (len(flows) + 2 * len(TOKENS))
        assert Decimal(0) <= after.value_usd - before.value_usd <= bound
        sound()

    def _flow(self, other: User, comes: bool, amount: int, percent: int) -> None:
        if comes:
            investing.invest(other, "global-100", Decimal(amount))
            return
        held = selectors.holding(other, "global-100")
        free = Decimal(0) if held is None else held.units - held.reserved_units
        units = (free * percent / 100).quantize(Decimal("1E-12"))
        if units > 0:
            investing.redeem(other, "global-100", units=units)
