"""The whole platform as one process tree: servers, migrations, data, then web, worker and timetable."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from config.preparing import database_prepare, market_prepare, static_prepare
from config.runtime import start


class Command(BaseCommand):
    """Prepares what is not ready yet, then becomes the supervisor (same process, without Django in it)."""

    help = "Start everything and keep it running; Ctrl-C stops it cleanly."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--host and --port."""
        start.arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Does not return: the supervisor takes this process over."""
        begun = start.started()
        database_prepare()
        static_prepare()
        market_prepare()
        connections.close_all()
        _become_supervisor(begun)


def _become_supervisor(begun: start.Start) -> None:
    argv = [
        sys.executable,
        "-m",
        "config.runtime.supervisor",
        "--host",
        begun.host,
        "--port",
        str(begun.port),
    ]
    argv += ["--label", begun.world.label]
    if settings.EMAIL_TO_FILES:
        argv += ["--mail", str(settings.MAIL_DIR)]
    # Both locks go with the process; exec keeps only what is marked inheritable.
    os.set_inheritable(begun.life.descriptor, True)  # noqa: FBT003
    if begun.attachment is not None:
        os.set_inheritable(begun.attachment.descriptor, True)  # noqa: FBT003
        argv += ["--share", str(begun.attachment.descriptor)]
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(settings.BASE_DIR)
    os.execv(sys.executable, argv)  # noqa: S606  (our own interpreter, our own arguments)
