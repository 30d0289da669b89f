"""Many processes on one database connection, inside one transaction that is never committed.

A schedule of faults takes a fraction of a second where each of its commits is a savepoint, and nothing has to be
cleaned up after it. What a commit means is kept: deferred constraints are checked, hooks of `on_commit` run, and what a
dead process had not committed is gone. Locks are kept here as well, because one connection cannot wait for itself.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_WRITES = ("INSERT", "UPDATE", "DELETE", "COPY", "MERGE")
_TABLE = re.compile(r'(?:FROM|UPDATE|INTO)\s+(?:ONLY\s+)?"?(\w+)', re.IGNORECASE)
_TEMPORARY = re.compile(r"TEMPORARY TABLE (?:IF NOT EXISTS )?(\w+) .*ON COMMIT DELETE ROWS", re.DOTALL)
_STATE = (
    "in_atomic_block",
    "savepoint_ids",
    "atomic_blocks",
    "run_on_commit",
    "needs_rollback",
    "autocommit",
)


class Killed(BaseException):
    """The process dies here. Not an Exception: nothing in the product may catch it."""


class Dead(BaseException):
    """A dead process still tries to reach the database, as code in `finally` would."""


class Blocked(BaseException):
    """The session would wait for a lock that another one holds; its turn comes later."""


class Session:
    """What one process holds at the database: session locks (key -> times), and the locks of its transaction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held: Counter[tuple[int, ...]] = Counter()
        self.transaction: set[tuple[int, ...]] = set()
        self.rows: dict[str, set[Any]] = {}
        self.wrote = False


class Database:
    """The connection as several sessions. `at` is called with the name of each place where a process may be killed or
    another one may come in between: `before commit`, `after commit`, `read` and `locked` (nothing written yet)."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.dead = False
        self.commits = 0
        self.racing = False
        self.emptied: set[str] = set()
        """Temporary tables whose rows a commit deletes."""
        self.rewrite: Callable[[str], str] = lambda text: text
        """What becomes of a statement of the product: a planted bug may leave out a lock."""
        self.at: Callable[[str], None] = lambda place: None
        self.at_end: Callable[[bool], None] = lambda committed: None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The connection belongs to this object, in a transaction that is rolled back at the end."""
        connection.ensure_connection()
        names = ("_set_autocommit", "_commit", "_rollback")
        self.raw("BEGIN; SET LOCAL jit = off")
        for name in names:
            setattr(connection, name, getattr(self, name))
        try:
            with connection.execute_wrapper(self._execute):
                yield
        finally:
            for name in names:
                delattr(connection, name)
            self.raw("ROLLBACK")

    def raw(self, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a statement that the product knows nothing of."""
        with connection.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description is not None else []

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """Whatever is committed inside is gone afterwards."""
        self.raw("SAVEPOINT schedule")
        try:
            yield
        finally:
            self.emptied.clear()
            self.raw(
                "ROLLBACK TO SAVEPOINT schedule; RELEASE SAVEPOINT schedule; SET CONSTRAINTS ALL DEFERRED"
            )

    @contextmanager
    def session(self, name: str) -> Iterator[Session]:
        """A process of its own, perhaps in the middle of another one's work. Its locks vanish with it."""
        mine, outer = Session(name), {key: getattr(connection, key) for key in _STATE}
        connection.in_atomic_block, connection.needs_rollback, connection.autocommit = False, False, True
        connection.savepoint_ids, connection.atomic_blocks, connection.run_on_commit = [], [], []
        self.sessions.append(mine)
        try:
            yield mine
        finally:
            self.sessions.remove(mine)
            self.dead = False
            for key, value in outer.items():
                setattr(connection, key, value)

    def kill(self, place: str) -> None:
        """The process at work dies: nothing that it still tries arrives."""
        self.dead = True
        raise Killed(place)

    @property
    def between(self) -> bool:
        """Whether the process at work has no transaction open."""
        return not connection.in_atomic_block

    @property
    def _savepoint(self) -> str:
        return f"product_{len(self.sessions)}"

    def _set_autocommit(self, autocommit: bool) -> None:
        if self.dead and not autocommit:
            raise Dead
        if not autocommit:
            self.raw(f"SAVEPOINT {self._savepoint}")
            self._ended()

    def _commit(self) -> None:
        try:
            if self.dead:
                raise Dead
            if self.sessions and self.sessions[-1].wrote:
                self.at("before commit")
        except BaseException:
            self._rollback()
            raise
        with connection.wrap_database_errors:
            self.raw(
                f"SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; RELEASE SAVEPOINT {self._savepoint}"
            )
        wrote = bool(self.sessions) and self.sessions[-1].wrote
        for table in self.emptied:
            self.raw(f"DELETE FROM {table}")
        self._ended()
        self.at_end(True)
        if wrote:
            self.commits += 1
            self.at("after commit")

    def _rollback(self) -> None:
        self._undo()
        self.at_end(False)

    def _undo(self) -> None:
        name = self._savepoint
        self.emptied.clear()  # the tables may be gone with it; whoever needs one says so again
        self.raw(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}; SET CONSTRAINTS ALL DEFERRED")
        self._ended()

    def _ended(self) -> None:
        if self.sessions:
            mine = self.sessions[-1]
            mine.transaction.clear()
            mine.rows.clear()
            mine.wrote = False

    def _execute(self, execute: Any, sql: Any, parameters: Any, many: Any, context: Any) -> Any:
        text = sql if isinstance(sql, str) else str(sql)
        if self.dead and not text.startswith(("ROLLBACK TO", "RELEASE")):
            raise Dead
        if not self.sessions:
            return execute(sql, parameters, many, context)
        if found := _TEMPORARY.search(text):
            self.emptied.add(found.group(1))
        locking = "FOR UPDATE" in text
        sql = text = self.rewrite(text)
        if "advisory" in text:
            return self._advisory(execute, text, parameters, many, context)
        if text.lstrip()[:6].upper().startswith(_WRITES):
            return self._write(execute, sql, text, parameters, many, context)
        if self.racing and "FOR UPDATE" in text:
            self._rows_lock(text, parameters)
        result = execute(sql, parameters, many, context)
        if self.racing and connection.in_atomic_block and not self.sessions[-1].wrote and "SELECT" in text:
            self.at("locked" if locking else "read")
        return result

    def _write(self, execute: Any, sql: Any, text: str, parameters: Any, many: Any, context: Any) -> Any:
        found = _TABLE.search(text)
        table = found.group(1) if found else ""
        if not text.lstrip()[:6].upper().startswith("INSERT"):
            for other in self.sessions[:-1]:
                if other.rows.get(table):
                    raise Blocked(table)
        if connection.in_atomic_block:
            self.sessions[-1].wrote = True
            return execute(sql, parameters, many, context)
        self.at("before statement")
        self.raw("SAVEPOINT statement")
        try:
            result = execute(sql, parameters, many, context)
            if text.lstrip()[:6].upper().startswith("INSERT"):
                self.raw("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        except Exception:
            self.raw("ROLLBACK TO SAVEPOINT statement; RELEASE SAVEPOINT statement")
            raise
        self.raw("RELEASE SAVEPOINT statement")
        self.commits += 1
        return result

    def _advisory(self, execute: Any, text: str, parameters: Any, many: Any, context: Any) -> Any:
        mine, key = self.sessions[-1], tuple(int(part) for part in parameters or ())
        key = (*key, 0) if len(key) == 1 else key
        taken = any(key in other.held or key in other.transaction for other in self.sessions[:-1])
        if "unlock" in text:
            answer = mine.held[key] > 0
            mine.held[key] -= 1
            mine.held = +mine.held
            return execute("SELECT %s", [answer], many, context)
        if taken and "try" not in text:
            raise Blocked(f"advisory lock {key}")
        if not taken and "xact" in text:
            mine.transaction.add(key)
        elif not taken:
            mine.held[key] += 1
        return execute("SELECT %s", [not taken], many, context)

    def _rows_lock(self, text: str, parameters: Any) -> None:
        found = _TABLE.search(text)
        table = found.group(1) if found else ""
        others = [other.rows[table] for other in self.sessions[:-1] if other.rows.get(table)]
        with connection.connection.cursor() as cursor:
            cursor.execute(text, parameters)
            names = [column.name for column in cursor.description]
            own = names.index("id") if "id" in names else 0
            rows = {row[own] for row in cursor.fetchall()}
        if any(rows & other or "SKIP LOCKED" in text for other in others):
            raise Blocked(table)
        self.sessions[-1].rows.setdefault(table, set()).update(rows)
