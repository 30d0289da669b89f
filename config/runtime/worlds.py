"""A world is one market and the money that belongs to it: simulated, an archive replayed, or live.

Each world has a database of its own, so that changing the market never mixes the books.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.runtime.paths import read_json, write_private

SOURCES = ("simulated", "archive", "live")
VARIABLES = ("MARKET", "MARKET_ARCHIVE", "REPLAY_FROM")


class WorldError(ValueError):
    """The environment describes no market; the message says which variable and what to set."""


@dataclass(frozen=True)
class World:
    """Which market data the platform runs on. `archive` is a resolved folder, `replay_from` a UTC date."""

    source: str = "simulated"
    archive: str | None = None
    replay_from: datetime.date | None = None

    @property
    def name(self) -> str:
        """Short, stable and safe as a database name, e.g. `archive_1f0c9a2b_20220601`."""
        parts = [self.source]
        if self.archive is not None:
            parts.append(hashlib.sha256(self.archive.encode()).hexdigest()[:8])
        if self.replay_from is not None:
            parts.append(f"{self.replay_from:%Y%m%d}")
        return "_".join(parts)

    @property
    def database(self) -> str:
        """The name of this world's PostgreSQL database."""
        return f"bellwether_{self.name}"

    @property
    def label(self) -> str:
        """What a person is told about the data, e.g. `simulated market`."""
        start = f", replayed from {self.replay_from.isoformat()}" if self.replay_from else ""
        words = {"simulated": "simulated market", "archive": "archived market", "live": "live market"}
        return words[self.source] + start

    def environment(self) -> dict[str, str]:
        """The variables that describe this world to a child process; empty text where one does not apply."""
        return {
            "MARKET": self.source,
            "MARKET_ARCHIVE": self.archive or "",
            "REPLAY_FROM": self.replay_from.isoformat() if self.replay_from else "",
        }


def from_environment(environ: Mapping[str, str]) -> World:
    """The world that MARKET, MARKET_ARCHIVE and REPLAY_FROM describe; none set = the simulated market.

    MARKET decides where it is set; otherwise a MARKET_ARCHIVE makes it an archive. Raises WorldError.
    """
    folder = environ.get("MARKET_ARCHIVE", "")
    source = environ.get("MARKET", "") or ("archive" if folder else "simulated")
    if source not in SOURCES:
        raise WorldError(f"MARKET is {source!r}; set it to one of: {', '.join(SOURCES)}.")
    archive = None
    if source == "archive":
        if not folder:
            raise WorldError("MARKET=archive needs MARKET_ARCHIVE: the folder that holds daily.parquet.")
        path = Path(folder).expanduser().resolve()
        if not path.is_dir():
            raise WorldError(
                f"MARKET_ARCHIVE is {folder!r}, which is not a folder; give the archive's folder."
            )
        archive = str(path)
    start = environ.get("REPLAY_FROM", "")
    if start and source == "live":
        raise WorldError("REPLAY_FROM moves a replay clock; the live market has none. Unset one of the two.")
    try:
        replay_from = datetime.date.fromisoformat(start) if start else None
    except ValueError as error:
        raise WorldError(f"REPLAY_FROM is {start!r}; write a date such as 2022-06-01.") from error
    return World(source=source, archive=archive, replay_from=replay_from)


def remember(var: Path, world: World) -> None:
    """`world` is the one that commands without the variables use from now on."""
    write_private(var / "world.json", json.dumps(world.environment(), indent=2) + "\n")


def current(environ: Mapping[str, str], var: Path) -> World:
    """The world of this process: by its environment, else the one last started by `up`, else simulated."""
    if any(environ.get(name) for name in VARIABLES):
        return from_environment(environ)
    return from_environment({name: str(value) for name, value in read_json(var / "world.json").items()})
