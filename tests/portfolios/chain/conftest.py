"""The chain of these tests, and what stands on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.portfolios.chain.local import LocalChain
from tests.portfolios.chain.scene import Scene, scene_set


@pytest.fixture(scope="session")
def one_chain() -> LocalChain:
    """Made once: building it takes seconds."""
    return LocalChain()


@pytest.fixture
def chain(one_chain: LocalChain) -> Iterator[LocalChain]:
    """The chain as it was made, whatever the last test did to it."""
    point = one_chain.fork()
    yield one_chain
    one_chain.undo(point)


@pytest.fixture
def scene(db: None, settings: Any, chain: LocalChain, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return scene_set(settings, chain, monkeypatch)
