"""python -m tests.faults SEED [SEED ...]        replay schedules, line by line
python -m tests.faults --count N [--first SEED]  run N of them
python -m tests.faults --bugs [--first SEED]     after how many each planted bug is caught, and by what

Needs nothing: servers of its own, gone afterwards, unless DATABASE_URL and REDIS_URL name some. Whatever database it
runs in is left as it was found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time


def main() -> int:
    """0 when everything held and every planted bug was caught; the first thing that did not is raised with its seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=int(time.time()) * 100_000)
    parser.add_argument("--bugs", action="store_true")
    parser.add_argument("--at-most", type=int, default=1000, help="schedules for each planted bug")
    parser.add_argument("--part", type=int, default=0, help="of --parts: which of the planted bugs")
    parser.add_argument("--parts", type=int, default=1)
    chosen = parser.parse_args()
    _prepare()

    from tests.faults.hunting import hunt
    from tests.faults.running import run_all
    from tests.faults.schedule import Schedule
    from tests.faults.world import world

    if chosen.bugs:
        _say(f"seeds from {chosen.first}")
        return len(hunt(chosen.first, chosen.at_most, part=chosen.part, parts=chosen.parts))
    if chosen.count:
        _say(f"seeds {chosen.first} to {chosen.first + chosen.count - 1}")
        _say(str(run_all(range(chosen.first, chosen.first + chosen.count))))
    for seed in chosen.seeds:
        with world() as made:
            schedule = Schedule(made, seed)
            try:
                digest = schedule.run()
            finally:
                _say("\n".join(schedule.trace))
            _say(f"seed {seed}: {digest}")
    return 0


def _prepare() -> None:
    own = not os.environ.get("DATABASE_URL")
    import tests.services  # noqa: F401 - starts the servers

    if own:
        _database_made(os.environ["DATABASE_URL"])

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _database_made(url: str) -> None:
    """Servers of our own are empty: the database that the settings name is made, as pytest would make one."""
    import psycopg
    from psycopg import sql

    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
