"""A panel in memory that several processes see at once, and the processes that try rulebooks on it.

Nothing here needs Django, so a worker starts in the time that numpy and pandas take to load. Each worker talks through
a pipe of its own: when the parent ends, however it ends, the pipe does too, and the worker goes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from indices.core.sweeping import Tried, Variant, tried
from signals.core.panel import FIELDS, Panel

# What an index is computed from. Openings, highs and lows stay where they are.
SHARED = ("close", "market_cap", "volume")
_BLOCK = 20


class WorkerLost(RuntimeError):
    """A worker process ended before its work; the message says how."""


@dataclass(frozen=True)
class Handle:
    """What a process needs to see a shared panel: the name of the memory, and everything that is small."""

    name: str
    dates: npt.NDArray[np.datetime64]
    assets: list[str]
    categories: dict[str, frozenset[str]]
    first_days: npt.NDArray[np.datetime64]


@dataclass
class SharedPanel:
    """`panel`, copied once into memory that others can see. Use it as a context; at its end the memory is freed."""

    panel: Panel
    memory: SharedMemory = field(init=False)

    def __enter__(self) -> Handle:
        panel = self.panel
        size = panel.close.nbytes
        self.memory = SharedMemory(create=True, size=max(size * len(SHARED), 1))
        for place, name in enumerate(SHARED):
            target = np.ndarray(panel.shape, buffer=self.memory.buf, offset=place * size)
            target[:] = getattr(panel, name)
            # A view left behind would keep the memory from being closed.
            del target
        return Handle(
            self.memory.name, panel.dates.to_numpy(), panel.assets, panel.categories, panel.first_days
        )

    def __exit__(self, *_: object) -> None:
        self.memory.close()
        self.memory.unlink()


def attached(handle: Handle) -> tuple[SharedMemory, Panel]:
    """The panel behind `handle`: its shared fields not copied, the others unknown. Keep the memory while it is used."""
    memory = SharedMemory(handle.name)
    shape = (len(handle.dates), len(handle.assets))
    size = shape[0] * shape[1] * np.dtype(np.float64).itemsize
    arrays: dict[str, Any] = {
        name: np.ndarray(shape, buffer=memory.buf, offset=place * size) for place, name in enumerate(SHARED)
    }
    unknown = np.broadcast_to(np.float64(np.nan), shape)
    for name in FIELDS:
        arrays.setdefault(name, unknown)
        arrays[name].setflags(write=False)
    return memory, Panel(
        dates=pd.DatetimeIndex(handle.dates),
        assets=handle.assets,
        categories=handle.categories,
        first_days=handle.first_days,
        **arrays,
    )


def tried_by_workers(
    panel: Panel, variants: Sequence[Variant], *, start: date, end: date, workers: int
) -> Generator[Tried]:
    """Each of `variants` tried on `panel` by `workers` processes, in the order they get done.

    Processes and shared memory are gone when this ends, by an error or by a caller who stops listening too. Raises
    WorkerLost where a process dies.
    """
    blocks = [list(variants[low : low + _BLOCK]) for low in range(0, len(variants), _BLOCK)]
    context = get_context("spawn")
    with SharedPanel(panel) as handle:
        running: dict[Any, Any] = {}
        try:
            for _ in range(min(workers, len(blocks))):
                mine, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, handle, start, end), daemon=True)
                process.start()
                # Ours is the only other end, so that a dead worker is an end of file.
                theirs.close()
                running[mine] = process
                mine.send(blocks.pop(0))
            yield from _collected(running, blocks)
        finally:
            for pipe, process in running.items():
                pipe.close()
                process.terminate()
                process.join()


def _collected(running: dict[Any, Any], blocks: list[list[Variant]]) -> Iterator[Tried]:
    busy: list[Any] = list(running)
    while busy:
        ready: list[Any] = wait(busy)
        for pipe in ready:
            try:
                found = pipe.recv()
            except (EOFError, ConnectionError) as error:
                process = running[pipe]
                process.join()
                raise WorkerLost(
                    f"a worker ended with exit code {process.exitcode}; nothing is lost but time"
                ) from error
            if blocks:
                pipe.send(blocks.pop(0))
            else:
                busy.remove(pipe)
            yield from found


def _work(pipe: Connection, handle: Handle, start: date, end: date) -> None:
    memory, panel = attached(handle)
    while True:
        try:
            block: list[Variant] = pipe.recv()
        except EOFError:
            break
        pipe.send([tried(panel, variant, start=start, end=end) for variant in block])
    # The arrays go first: they look into the memory that is closed next.
    del panel
    memory.close()
