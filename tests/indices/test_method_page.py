"""The page of an index's method: rules, versions in order, and what each one changed."""

from typing import Any

import pytest
import yaml
from django.test import Client

from indices import selectors, services
from indices.core.rulebook import Rulebook
from tests.indices.test_history import BODY, MIDDLE, PANEL, index_of
from tests.journeys.reading import read
from tests.markets import market_store

NARROW: dict[str, Any] = {**BODY, "selection": {"count": 3, "buffer": 2}, "costs": {"fee_bps": 5}}


def test_versions_come_newest_first_with_what_they_changed(db: None) -> None:
    market_store(PANEL)
    index = index_of(BODY)
    services.index_advance(index, through=MIDDLE)
    index_of(NARROW)
    newest, first = selectors.rulebook_versions(index)
    assert (newest.version, first.version) == (2, 1)
    assert first.changes == ()
    assert [change.text for change in newest.changes] == [
        "The number of tokens falls from 5 to 3.",
        "The fee falls from 20 basis points to 5 basis points.",
    ]
    assert newest.decides_since is None
    assert first.decides_since is not None
    assert first.decides_since <= MIDDLE
    assert newest.rulebook == Rulebook.from_dict(NARROW)
    assert newest.digest == newest.rulebook.digest


def test_the_page_says_so(client: Client, db: None) -> None:
    market_store(PANEL)
    services.index_advance(index_of(BODY), through=MIDDLE)
    index_of(NARROW)
    page = read(client.get("/indices/small-5/method/"))
    assert page.offences == []
    assert len(page.ids) == len(set(page.ids))
    for said in (
        "The top 3 by market capitalisation.",
        "The number of tokens falls from 5 to 3.",
        "Has not decided yet",
        "The first version.",
    ):
        assert said in page.text
    assert "/indices/small-5/method/" in client.get("/indices/small-5/").content.decode()
    response = client.get("/indices/small-5/method/")
    assert yaml.safe_load(response.context["body"]) == Rulebook.from_dict(NARROW).to_dict(whole=True)


@pytest.mark.parametrize("slug", ["no-such", "empty"])
def test_an_index_without_rules_has_no_page(client: Client, db: None, slug: str) -> None:
    market_store(PANEL)
    assert client.get(f"/indices/{slug}/method/").status_code == 404
