"""The published indices: what there is of each family, and that every market can carry them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from indices import selectors, services
from indices.core.backtest import backtest
from indices.core.rulebook import Rulebook
from indices.core.twins import has_twin
from indices.models import Index, RulebookVersion
from indices.services.rulebooks import FOLDER, ORDER, STAND_INS, waiting_in
from signals.core.panel import Panel
from signals.core.simulation.design import design
from signals.core.simulation.tokens import tokens
from signals.services import archive_panel
from signals.services.loading import SIMULATED_SEED, SIMULATED_THROUGH
from tests.indices.markets import market
from tests.markets import market_store

RULEBOOKS = {file.stem: Rulebook.from_yaml(file.read_text()) for file in sorted(FOLDER.glob("*.yaml"))}
THEMATIC = [slug for slug, rulebook in RULEBOOKS.items() if rulebook.family == "thematic"]
LEAST_MEMBERS = 5


def test_there_are_enough_of_every_family_and_each_has_its_place() -> None:
    families = Counter(rulebook.family for rulebook in RULEBOOKS.values())
    assert families == {"market_cap": 3, "thematic": 10, "ai": 2}
    assert sum(rulebook.tokenized for rulebook in RULEBOOKS.values()) == 2
    assert sorted(ORDER) == sorted(RULEBOOKS)
    for slug, rulebook in RULEBOOKS.items():
        assert rulebook.slug == slug
        assert rulebook.name.startswith("Bellwether ")
        assert 40 <= len(rulebook.summary) <= 240
        assert rulebook.weighting.max_weight <= 0.25
        assert has_twin(rulebook) == (rulebook.family == "ai")
        assert bool(rulebook.universe.categories) == (slug in THEMATIC or slug == "ai-defi")


def test_a_category_is_one_that_assets_are_filed_under() -> None:
    invented = {category for token in tokens() for category in token.categories}
    for slug in THEMATIC:
        (category,) = RULEBOOKS[slug].universe.categories
        assert category in invented


@pytest.mark.parametrize("slug", THEMATIC)
def test_the_simulated_market_has_members_for_every_theme(slug: str) -> None:
    made = design(SIMULATED_SEED)
    (category,) = RULEBOOKS[slug].universe.categories
    age = RULEBOOKS[slug].screens.min_age_days
    for day in (date(2021, 3, 1), date(2022, 6, 1), date(2024, 1, 1), SIMULATED_THROUGH):
        ordinal = day.toordinal()
        alive = [
            token.slug
            for token, listed, dies in zip(made.tokens, made.listed, made.dies, strict=True)
            if category in token.categories and listed + age <= ordinal < dies
        ]
        assert len(alive) >= LEAST_MEMBERS


def test_sync_stores_the_published_rulebooks_and_their_twins_once(db: None) -> None:
    assert [index.slug for index in services.index_sync()] == sorted(RULEBOOKS)
    services.index_sync()
    assert [index.slug for index in selectors.index_list()] == list(ORDER)
    twins = Index.objects.filter(kind=Index.Kind.TWIN).order_by("slug")
    assert [(twin.slug, twin.is_published) for twin in twins] == [
        ("ai-defi-passive", False),
        ("ai-global-passive", False),
    ]
    assert RulebookVersion.objects.count() == len(RULEBOOKS) + 2
    assert set(Index.objects.filter(is_tokenized=True).values_list("slug", flat=True)) == {
        slug for slug, rulebook in RULEBOOKS.items() if rulebook.tokenized
    }
    assert selectors.rulebook("top-10").selection.count == 10


def test_what_an_operator_took_off_the_site_stays_off_and_comes_back_as_it_was(db: None) -> None:
    services.index_sync()
    Index.objects.filter(slug="defi").update(is_published=False, name="Changed by hand")
    services.index_sync()
    index = selectors.index("defi")
    assert (index.is_published, index.name) == (False, "Bellwether DeFi")
    assert "defi" not in {found.slug for found in selectors.index_list()}


def test_in_the_simulated_market_indices_wait_in_its_own_dollars(db: None) -> None:
    market_store(market(days=40, assets=3, lives=False), source="simulated")
    services.index_sync()
    assert set(selectors.rulebook("ai-global").overlay.basket) == set(STAND_INS["simulated"].values())
    stables = {token.slug for token in tokens() if token.kind == "stable"}
    assert set(STAND_INS["simulated"].values()) <= stables
    assert selectors.rulebook("global-100") == RULEBOOKS["global-100"]


def test_stand_ins_change_the_basket_and_nothing_else() -> None:
    rulebook = RULEBOOKS["ai-global"]
    assert waiting_in(rulebook, {}) is rulebook
    stood_in = waiting_in(rulebook, {"tether": "mint"})
    assert stood_in.overlay.basket == {"mint": 0.5, "usd-coin": 0.5}
    same = stood_in.to_dict() | {"overlay": rulebook.to_dict()["overlay"]}
    assert same == rulebook.to_dict()


@pytest.fixture(scope="module")
def panel(archive_path: Path) -> Panel:
    return archive_panel(archive_path, start=date(2019, 4, 1), end=date(2022, 12, 31))


@pytest.mark.parametrize("slug", ["memecoins", "layer-2", "rwa", "ai-tokens", "gaming"])
def test_an_index_begins_on_the_archive_when_it_has_members_and_never_leans_on_one(
    panel: Panel, slug: str
) -> None:
    rulebook = RULEBOOKS[slug]
    end = date(2022, 12, 31)
    result = backtest(panel, rulebook, start=rulebook.base.date, end=end, record=True, guard=services.GUARD)
    assert result.turnover.index[0] == pd.Timestamp(rulebook.base.date)
    assert not any(step.held or step.notes for step in result.decisions)
    sizes = [len(step.weights) for step in result.decisions]
    assert min(sizes) >= LEAST_MEMBERS
    assert max(sizes) <= rulebook.selection.count
    assert max(max(step.weights.values()) for step in result.decisions) <= 0.25 + 1e-12
    moves = result.level.pct_change().abs()
    assert moves.max() < 0.55, "no single print makes the level"
