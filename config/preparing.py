"""What must have happened before the site may answer: migrations, styles, and a market with its indices."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.runtime.paths import write_private
from config.runtime.terminal import say, step


def database_prepare() -> None:
    """The database has every migration; returns at once when nothing is to be done."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with step("Migrating the database"):
            call_command("migrate", interactive=False, verbosity=0)


def static_prepare() -> None:
    """STATIC_ROOT holds what the apps ship today; a stamp of names, sizes and times tells whether it does already."""
    stamp = settings.VAR_DIR / "static.stamp"
    digest = _static_digest()
    if stamp.exists() and stamp.read_text() == digest and settings.STATIC_ROOT.is_dir():
        return
    with step("Collecting styles and scripts"):
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    write_private(stamp, digest)


def _static_digest() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(None):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def market_prepare() -> None:
    """A market is loaded and its indices are decided to the last closed day. Raises CommandError in plain words."""
    from config.bootstrap import BootstrapError, bootstrap

    with step("Preparing the market and the indices"):
        try:
            bootstrap(lambda text: say(f"    {text}"))
        except BootstrapError as error:
            raise CommandError(str(error)) from error
