#!/usr/bin/env python
"""The door for every command. Commands that need servers find them running, or start them for their own life."""

import contextlib
import os
import sys

# These need no database, so no server is started for them.
_WITHOUT_SERVERS = frozenset(
    {
        "help",
        "version",
        "--help",
        "-h",
        "--version",
        "check",
        "collectstatic",
        "diffsettings",
        "exchange_simulator",
        "spectacular",
    }
)


_OUR_ROOMS = frozenset({"platform", "signals", "indices", "portfolios"})


def _database_ready(command: str) -> None:
    """Our own commands find every table, also on a machine where nothing was started yet. Nothing goes to stdout:
    that belongs to the command, whose output may be JSON."""
    import django

    django.setup()
    from django.apps import apps
    from django.core.management import get_commands

    names = {config.name: config.label for config in apps.get_app_configs()}
    if names.get(str(get_commands().get(command))) in _OUR_ROOMS:
        from config.preparing import database_prepare

        with contextlib.redirect_stdout(sys.stderr):
            database_prepare()


def main() -> None:
    """Runs one management command; ends with a sentence, not a traceback, when the servers cannot run."""
    from config.runtime.servers import ServersUnavailable, attach
    from config.runtime.worlds import WorldError

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    production = os.environ.get("BELLWETHER_ENV") == "production"
    attachment = None
    try:
        if command == "up":
            from config.runtime.start import prepare

            attachment = prepare(sys.argv[2:])
        elif command not in _WITHOUT_SERVERS and not production:
            attachment = attach()
    except (ServersUnavailable, WorldError) as error:
        sys.exit(str(error))

    from django.core.management import execute_from_command_line

    try:
        if attachment is not None and command != "up":
            _database_ready(command)
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit("Stopped; what was done so far stays, and the next start goes on from there.")
    if attachment is not None:
        attachment.release()


if __name__ == "__main__":
    main()
