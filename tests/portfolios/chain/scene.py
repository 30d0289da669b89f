"""A market with a price of USDC, a person with an address, and the chain that the platform looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolios import selectors
from portfolios.chain.registry import NODES
from portfolios.models import ChainTransfer, User
from portfolios.payments.registry import PAYMENTS
from portfolios.payments.usdc import Usdc
from portfolios.services import usdc
from portfolios.services.ledger_check import checks_run
from signals.models import Asset, Candle, Market
from tests.factories import user_make
from tests.portfolios.chain.local import FlakyNode, LocalChain
from tests.worlds import FIRST_DAY, LAST_DAY, world_create

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONFIRMATIONS = 3


@dataclass
class Scene:
    """The chain, the node that the platform asks, and one person with a deposit address."""

    chain: LocalChain
    node: FlakyNode
    user: User
    address: str

    def look(self, *, minutes: int = 0) -> usdc.Look:
        """One tick, at the given wall time."""
        look = usdc.usdc_drive(now=NOW + timedelta(minutes=minutes))
        assert look is not None
        return look

    def cash(self) -> Decimal:
        return selectors.cash(self.user)

    def statuses(self) -> list[str]:
        return list(ChainTransfer.objects.order_by("pk").values_list("status", flat=True))

    def books_hold(self) -> None:
        broken = [f"{check.name}: {check.detail}" for check in checks_run() if not check.passed]
        if broken:
            raise AssertionError(broken)


def scene_set(settings: Any, chain: LocalChain, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """The platform set up for the chain, and one person with an address."""
    world_create()
    price_set("1")
    settings.USDC_RPC_URL = "http://localhost:1"
    settings.USDC_CHAIN_ID = int(chain.web3.eth.chain_id)
    settings.USDC_CONTRACT = chain.contract
    settings.USDC_CONFIRMATIONS = CONFIRMATIONS
    settings.USDC_START_BLOCK = chain.height
    node = chain.node()
    monkeypatch.setitem(NODES, "usdc", lambda: [node])
    monkeypatch.setitem(PAYMENTS, "usdc", Usdc())
    usdc.addresses_add(chain.people)
    user = user_make()
    return Scene(chain, node, user, usdc.address_assign(user).address)


def price_set(close: str) -> None:
    """The price of USDC on every day of the market."""
    token, _ = Asset.objects.get_or_create(
        slug="usd-coin",
        defaults={"symbol": "USDC", "name": "USD Coin", "is_simulated": True, "first_day": FIRST_DAY},
    )
    Candle.objects.filter(asset=token).delete()
    Candle.objects.bulk_create(
        Candle(
            asset=token,
            interval=Candle.Interval.DAY,
            opened_at=datetime.combine(FIRST_DAY + timedelta(days=n), datetime.min.time(), UTC),
            source=Market.Source.SIMULATED,
            close=float(close),
            volume=1e9,
            market_cap=1e10,
        )
        for n in range((LAST_DAY - FIRST_DAY).days + 1)
    )
