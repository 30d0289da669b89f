"""Which market a process works on, and the name of its books."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import pytest

from config.runtime import worlds
from config.runtime.worlds import World, WorldError


def test_nothing_set_is_the_simulated_market() -> None:
    world = worlds.from_environment({})
    assert world == World("simulated", None, None)
    assert world.database == "bellwether_simulated"
    assert world.label == "simulated market"


def test_an_archive_is_named_by_its_resolved_folder_and_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    direct = worlds.from_environment({"MARKET_ARCHIVE": str(tmp_path / "data")})
    linked = worlds.from_environment({"MARKET_ARCHIVE": str(tmp_path / "link")})
    started = worlds.from_environment({"MARKET_ARCHIVE": str(tmp_path / "data"), "REPLAY_FROM": "2022-06-01"})
    code = hashlib.sha256(str((tmp_path / "data").resolve()).encode()).hexdigest()[:8]
    assert direct.database == f"bellwether_archive_{code}"
    assert linked == direct
    assert started.database == f"bellwether_archive_{code}_20220601"
    assert started.label == "archived market, replayed from 2022-06-01"


def test_market_decides_over_an_archive_that_happens_to_be_set(tmp_path: Path) -> None:
    assert (
        worlds.from_environment({"MARKET": "simulated", "MARKET_ARCHIVE": str(tmp_path)}).name == "simulated"
    )
    assert worlds.from_environment({"MARKET": "live"}).database == "bellwether_live"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MARKET": "casino"}, "MARKET is 'casino'"),
        ({"MARKET": "archive"}, "needs MARKET_ARCHIVE"),
        ({"MARKET_ARCHIVE": "/no/such/folder"}, "not a folder"),
        ({"REPLAY_FROM": "June"}, "REPLAY_FROM is 'June'"),
        ({"MARKET": "live", "REPLAY_FROM": "2022-06-01"}, "the live market has none"),
    ],
)
def test_what_makes_no_sense_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(WorldError, match=message):
        worlds.from_environment(environment)


def test_commands_follow_the_world_that_up_started_last(tmp_path: Path) -> None:
    assert worlds.current({}, tmp_path).name == "simulated"
    started = World("simulated", None, datetime.date(2022, 6, 1))
    worlds.remember(tmp_path, started)
    assert worlds.current({}, tmp_path) == started
    assert worlds.current({"MARKET": "live"}, tmp_path).name == "live"


def test_a_world_survives_the_way_through_an_environment(tmp_path: Path) -> None:
    world = World("archive", str(tmp_path.resolve()), datetime.date(2021, 1, 2))
    assert worlds.from_environment(world.environment()) == world
