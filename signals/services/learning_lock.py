"""One process at a time learns or grades: both take minutes of processor and memory at first."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from signals.selectors.progress import LEARNING_LOCK


@contextmanager
def learning_lock(*, wait: bool) -> Iterator[bool]:
    """True where this process alone may train and grade; False, at once, where another does and `wait` is not set.

    The lock belongs to the connection and not to a transaction: no row is locked while a model is trained, and a kill
    frees it.
    """
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LEARNING_LOCK])
            held = True
        else:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEARNING_LOCK])
            (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LEARNING_LOCK])
