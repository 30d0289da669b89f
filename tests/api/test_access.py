"""Who may call what, for every route that the URLconf knows. A route that is not in the table fails the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from portfolios.services import payments
from tests.api.conftest import Person, bearer, post

PUBLIC = {"anonymous": 200, "read": 200, "trade": 200, "other": 200}
OWN_READ = {"anonymous": 401, "read": 200, "trade": 200, "other": 200}
AMOUNT = {"amount": "60.00"}
CUSTOM = {"name": "Mine", "base": "tiny"}
RECURRING = {"index": "tiny", "amount": "50.00", "frequency": "daily"}
ORDER = {"index": "tiny", "side": "invest", "amount": "50.00"}

# (route name, method) -> (body, status by caller). `other` is another person's trade key, without money.
ACCESS: dict[tuple[str, str], tuple[dict[str, Any] | None, dict[str, int]]] = {
    ("schema", "GET"): (None, PUBLIC),
    ("docs", "GET"): (None, PUBLIC),
    ("tokens", "GET"): (None, PUBLIC),
    ("token", "GET"): (None, PUBLIC),
    ("token-prices", "GET"): (None, PUBLIC),
    ("token-candles", "GET"): (None, PUBLIC),
    ("restatements", "GET"): (None, PUBLIC),
    # Nothing has been corrected in this world.
    ("restatement", "GET"): (None, dict.fromkeys(PUBLIC, 404)),
    ("token-grades", "GET"): (None, PUBLIC),
    ("token-quant", "GET"): (None, PUBLIC),
    ("token-features", "GET"): (None, PUBLIC),
    ("token-observations", "GET"): (None, PUBLIC),
    ("features-catalogue", "GET"): (None, PUBLIC),
    ("regime", "GET"): (None, PUBLIC),
    ("regime-history", "GET"): (None, PUBLIC),
    ("indices", "GET"): (None, PUBLIC),
    ("index", "GET"): (None, PUBLIC),
    ("index-holdings", "GET"): (None, PUBLIC),
    ("index-levels", "GET"): (None, PUBLIC),
    ("index-rebalances", "GET"): (None, PUBLIC),
    ("index-statistics", "GET"): (None, PUBLIC),
    ("index-drawdowns", "GET"): (None, PUBLIC),
    ("index-monthly", "GET"): (None, PUBLIC),
    ("index-attribution", "GET"): (None, PUBLIC),
    ("receipt-keys", "GET"): (None, PUBLIC),
    ("index-receipts", "GET"): (None, PUBLIC),
    # The decisions of this world were put into the tables by hand: they have no receipts.
    ("index-receipt", "GET"): (None, dict.fromkeys(PUBLIC, 404)),
    ("plans", "GET"): (None, PUBLIC),
    ("custom-index-preview", "POST"): ({"base": "tiny"}, PUBLIC),
    ("shared-index", "GET"): (None, PUBLIC),
    ("custom-indices", "GET"): (None, OWN_READ),
    ("custom-indices", "POST"): (CUSTOM, {"anonymous": 401, "read": 403, "trade": 403, "other": 201}),
    ("custom-index", "GET"): (None, {"anonymous": 401, "read": 200, "trade": 200, "other": 404}),
    ("custom-index", "PATCH"): (
        {"name": "Other"},
        {"anonymous": 401, "read": 403, "trade": 200, "other": 404},
    ),
    ("custom-index", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 204, "other": 404}),
    ("custom-index-share", "POST"): (None, {"anonymous": 401, "read": 403, "trade": 200, "other": 404}),
    ("custom-index-share", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 200, "other": 404}),
    # Nothing has been proven yet in this world, and USDC is not set up.
    ("reserves", "GET"): (None, dict.fromkeys(PUBLIC, 404)),
    ("reserves-proof", "GET"): (None, {"anonymous": 401, "read": 404, "trade": 404, "other": 404}),
    ("usdc", "GET"): (None, OWN_READ),
    ("usdc", "POST"): (None, {"anonymous": 401, "read": 403, "trade": 503, "other": 503}),
    ("me", "GET"): (None, OWN_READ),
    ("holdings", "GET"): (None, OWN_READ),
    ("performance", "GET"): (None, OWN_READ),
    ("fees", "GET"): (None, OWN_READ),
    ("deposits", "GET"): (None, OWN_READ),
    ("deposits", "POST"): (AMOUNT, {"anonymous": 401, "read": 403, "trade": 201, "other": 201}),
    ("withdrawals", "GET"): (None, OWN_READ),
    ("withdrawals", "POST"): (AMOUNT, {"anonymous": 401, "read": 403, "trade": 201, "other": 409}),
    ("deposit", "GET"): (None, {"anonymous": 401, "read": 200, "trade": 200, "other": 404}),
    ("withdrawal", "GET"): (None, {"anonymous": 401, "read": 200, "trade": 200, "other": 404}),
    # Play money has gone at once: there is nothing left to cancel.
    ("withdrawal", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 409, "other": 404}),
    ("destinations", "GET"): (None, OWN_READ),
    # It takes the scope `withdraw`, which none of these keys has, or a code.
    ("destinations", "POST"): (
        {"method": "sandbox", "address": "My bank"},
        {"anonymous": 401, "read": 403, "trade": 403, "other": 403},
    ),
    ("destination", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 204, "other": 404}),
    ("orders", "GET"): (None, OWN_READ),
    ("orders", "POST"): (ORDER, {"anonymous": 401, "read": 403, "trade": 202, "other": 409}),
    ("order-preview", "POST"): (ORDER, OWN_READ),
    ("switches", "GET"): (None, OWN_READ),
    ("switch", "GET"): (None, dict.fromkeys(PUBLIC, 404) | {"anonymous": 401}),
    ("switch", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 404, "other": 404}),
    ("recurring", "GET"): (None, OWN_READ),
    ("recurring", "POST"): (RECURRING, {"anonymous": 401, "read": 403, "trade": 201, "other": 201}),
    ("recurring-plan", "GET"): (None, {"anonymous": 401, "read": 200, "trade": 200, "other": 404}),
    ("recurring-plan", "PATCH"): (
        {"status": "paused"},
        {"anonymous": 401, "read": 403, "trade": 200, "other": 404},
    ),
    ("recurring-plan", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 200, "other": 404}),
    ("notices", "GET"): (None, OWN_READ),
    ("notice-read", "POST"): (None, {"anonymous": 401, "read": 403, "trade": 404, "other": 404}),
    ("notice-preferences", "GET"): (None, OWN_READ),
    ("notice-preferences", "PATCH"): (
        {"email": {"fee": False}},
        {"anonymous": 401, "read": 403, "trade": 200, "other": 200},
    ),
    ("order", "GET"): (None, {"anonymous": 401, "read": 200, "trade": 200, "other": 404}),
    ("order", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 200, "other": 404}),
    ("personals", "GET"): (None, OWN_READ),
    ("personals", "POST"): ({"index": "tiny"}, {"anonymous": 401, "read": 403, "trade": 201, "other": 201}),
    ("personal", "GET"): (None, {"anonymous": 401, "read": 200, "trade": 200, "other": 404}),
    ("personal", "PATCH"): (
        {"name": "Other"},
        {"anonymous": 401, "read": 403, "trade": 200, "other": 404},
    ),
    ("personal-orders", "POST"): (
        {"side": "invest", "amount": "50.00"},
        {"anonymous": 401, "read": 403, "trade": 202, "other": 404},
    ),
    # An order to invest has no lots to choose.
    ("order-lots", "GET"): (None, {"anonymous": 401, "read": 404, "trade": 404, "other": 404}),
    ("order-lots", "PUT"): ({"lots": []}, {"anonymous": 401, "read": 403, "trade": 404, "other": 404}),
    ("activity", "GET"): (None, OWN_READ),
    ("statements", "GET"): (None, OWN_READ),
    # No month is over yet for anybody here.
    ("statement", "GET"): (None, {"anonymous": 401, "read": 404, "trade": 404, "other": 404}),
    ("tax-year", "GET"): (None, OWN_READ),
    ("tax-year", "PATCH"): (
        {"method": "lifo"},
        {"anonymous": 401, "read": 403, "trade": 200, "other": 200},
    ),
    ("subscription", "GET"): (None, OWN_READ),
    ("subscription", "POST"): (
        {"plan": "silver"},
        {"anonymous": 401, "read": 403, "trade": 200, "other": 200},
    ),
    ("subscription", "DELETE"): (None, {"anonymous": 401, "read": 403, "trade": 409, "other": 409}),
}


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry)
        else:
            yield entry


def api_routes() -> dict[str, URLPattern]:
    (api,) = (
        entry
        for entry in get_resolver().url_patterns
        if isinstance(entry, URLResolver)
        and isinstance(entry.pattern, RoutePattern)
        and str(entry.pattern) == "api/v1/"
    )
    return {str(pattern.name): pattern for pattern in patterns(api)}


def methods(pattern: URLPattern) -> set[str]:
    view = getattr(pattern.callback, "cls", None)
    if view is None:
        return {"GET"}
    return {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}


def shared(api: Client, owner: Person, name: str) -> dict[str, str]:
    """What addresses the owner's shared index on this route. It fills the owner's plan."""
    slug = post(api, "custom-indices/", CUSTOM, owner.trade_key).json()["slug"]
    token = post(api, f"custom-indices/{slug}/share/", {}, owner.trade_key).json()["share_token"]
    if name == "shared-index":
        return {"token": token}
    return {} if name == "custom-indices" else {"slug": slug}


def transfer(owner: Person, name: str) -> str:
    """The id of one of the owner's payments or addresses."""
    if name == "deposit":
        return str(payments.deposit(owner.user, "1.00").pk)
    if name == "withdrawal":
        return str(payments.withdraw(owner.user, "1.00").pk)
    return str(payments.destination_add(owner.user, method="sandbox", address="My bank").pk)


def test_every_route_and_method_is_in_the_table() -> None:
    known = {(name, method) for name, pattern in api_routes().items() for method in methods(pattern)}
    assert known == set(ACCESS)


@pytest.mark.parametrize(("name", "method"), sorted(ACCESS), ids=lambda value: value)
@pytest.mark.parametrize("caller", ["anonymous", "read", "trade", "other"])
def test_access(api: Client, rich: Person, bob: Person, name: str, method: str, caller: str) -> None:
    order = post(api, "orders/", ORDER, rich.trade_key).json()["id"]
    slug, token = {"slug": "tiny"}, {"id": "alpha"}
    own = slug if name.startswith("index") else token if name.startswith("token") and name != "tokens" else {}
    kwargs = {"id": order} if name in ("order", "order-lots") else own
    kwargs |= {"statement": {"month": "2022-01"}, "tax-year": {"year": "2022"}}.get(name, {})
    if name in ("deposit", "withdrawal", "destination"):
        kwargs = {"id": transfer(rich, name)}
    if name in ("personal", "personal-orders"):
        kwargs = {"id": post(api, "personal/", {"index": "tiny"}, rich.trade_key).json()["id"]}
    if name == "recurring-plan":
        kwargs = {"id": post(api, "recurring/", RECURRING, rich.trade_key).json()["id"]}
    if name in ("switch", "notice-read"):  # of which nobody here has one
        kwargs = {"id": order if name == "switch" else "1"}
    if name == "restatement":
        kwargs = {"id": "1"}
    if name == "index-receipt":
        kwargs = {**slug, "sequence": "1"}
    if name.startswith(("custom", "shared")) and name != "custom-index-preview":
        kwargs = shared(api, rich, name)
    keys = {"read": rich.read_key, "trade": rich.trade_key, "other": bob.trade_key}
    body, expected = ACCESS[name, method]
    answer = api.generic(
        method,
        reverse(f"api-v1:{name}", kwargs=kwargs),
        data=json.dumps(body) if body else "",
        content_type="application/json",
        headers=bearer(keys[caller]) if caller in keys else {},
    )
    assert answer.status_code == expected[caller], answer.content
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
    elif expected is not PUBLIC:
        assert answer["Cache-Control"] == "no-store"
