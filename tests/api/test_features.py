"""The catalogue of features over the API, rendered from the registry."""

from __future__ import annotations

import pytest
from django.test import Client

from signals.core.features import catalogue
from tests.api.conftest import get

pytestmark = pytest.mark.usefixtures("world")


def test_the_api_lists_every_feature_with_formula_and_source(api: Client) -> None:
    body = get(api, "features/catalogue/").json()
    assert (body["count"], body["per_token"]) == (141, 130)
    assert body["observed"] == 23
    assert [row["name"] for row in body["results"]] == [feature.name for feature in catalogue()]
    assert body["results"][0] == {
        "name": "ret_1d",
        "category": "momentum",
        "inputs": ["close"],
        "window_days": 2,
        "unit": "fraction",
        "shared": False,
        "needs": [],
        "formula": "c / c[−1] − 1.",
        "origin": "Liu, Tsyvinski & Wu (2022).",
    }
    assert body["results"][-1]["needs"] == ["fear_greed"]
