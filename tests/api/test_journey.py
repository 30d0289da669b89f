"""The contract that outside programs rely on: deposit, order, settled, holdings, all by API."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from portfolios.services.execution import dealing_run
from tests.api.conftest import Person, get, post

pytestmark = pytest.mark.usefixtures("world")


def test_from_a_deposit_to_units_and_back(api: Client, ada: Person) -> None:
    sent = post(api, "deposits/", {"amount": "500.00", "currency": "USD", "method": "sandbox"}, ada.trade_key)
    assert sent.status_code == 201
    placed = post(api, "orders/", {"index": "tiny", "side": "invest", "amount": "100.00"}, ada.trade_key)
    assert placed.status_code == 202
    order = f"orders/{placed.json()['id']}/"
    dealing_run()
    done = get(api, order, ada.read_key).json()
    assert (done["status"], done["progress"], done["cancellable"]) == ("settled", "1", False)
    cost = Decimal(done["cost_usd"])
    assert Decimal(0) < cost < Decimal(2)

    held = get(api, "holdings/", ada.read_key).json()
    (holding,) = held["results"]
    assert (holding["index"], holding["units"]) == ("tiny", done["units"])
    value = Decimal(holding["value_usd"])
    assert abs(value - (100 - cost)) < Decimal("0.01")
    assert held["value_usd"] == holding["value_usd"]
    assert sum(Decimal(position["value_usd"]) for position in holding["positions"]) == value
    weights = {position["token"]: Decimal(position["weight"]) for position in holding["positions"]}
    assert abs(sum(weights.values(), Decimal(-1))) < Decimal("1e-6")
    assert abs(weights["alpha"] - Decimal("0.5")) < Decimal("0.01")
    assert all(isinstance(position["quantity"], str) for position in holding["positions"])

    refused = api.delete(f"/api/v1/{order}", headers={"Authorization": f"Bearer {ada.trade_key}"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")
    back = post(api, "orders/", {"index": "tiny", "side": "redeem", "all": True}, ada.trade_key)
    assert back.status_code == 202
    dealing_run()
    paid = get(api, f"orders/{back.json()['id']}/", ada.read_key).json()
    assert paid["status"] == "settled"
    assert get(api, "holdings/", ada.read_key).json()["results"] == []
    assert Decimal(get(api, "me/", ada.read_key).json()["cash_usd"]) == 400 + Decimal(paid["proceeds_usd"])
