"""File locks that the kernel releases when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

SHARED, EXCLUSIVE = fcntl.LOCK_SH, fcntl.LOCK_EX


class FileLock:
    """One open lock file. A child made by fork shares the lock; a program started by exec does not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self, kind: int = EXCLUSIVE) -> None:
        """The lock is held; waits for it."""
        fcntl.flock(self.descriptor, kind)

    def try_acquire(self, kind: int = EXCLUSIVE) -> bool:
        """Whether the lock could be had at once."""
        try:
            fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def descriptor(self) -> int:
        """The open file's number; raises ValueError after `close`."""
        if self._descriptor is None:
            raise ValueError(f"The lock {self.path} is closed.")
        return self._descriptor

    def close(self) -> None:
        """The lock is free and the file closed; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def held_by_another(path: Path) -> bool:
    """Whether some process holds the lock at `path` exclusively; a file that does not exist is not made."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, SHARED | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
