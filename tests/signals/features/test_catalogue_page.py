"""The catalogue as a page, rendered from the registry."""

from __future__ import annotations

import pytest
from django.test import Client

from signals.core.features import catalogue

pytestmark = pytest.mark.django_db


def test_the_page_shows_every_feature(client: Client) -> None:
    page = client.get("/features/").content.decode()
    assert "141 figures per day, 130 of them" in page
    assert "23 more where a token is observed beside its price" in page
    for feature in catalogue():
        assert f"<code>{feature.name}</code>" in page
