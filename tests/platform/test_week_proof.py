"""Slow evidence (`make proof`): two weeks of a person's money, disturbed in every way a machine can think of.

One world is made by the doors a person has (commands and the API), stopped, and copied. One copy lives through two
weeks in peace: the twin. Every other copy is disturbed on the way and must come to the same end by itself.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from config.runtime.settled import Settled
from tests.platform.servers_at import ROOT, eventually
from tests.platform.sites import Site

pytestmark = pytest.mark.proof

FROM = date(2025, 6, 11)
"""A Wednesday. The indices decide on Sundays and trade at the close of the Monday after."""
DAYS = 14
UNTIL = FROM + timedelta(days=DAYS)
MONDAYS = (date(2025, 6, 16), date(2025, 6, 23))
HELD = {"global-100": "1000.00", "top-10": "500.00"}
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Outcome:
    """What may not depend on what happened to the processes."""

    unit_prices: list[tuple[str, date, Decimal]]
    rebalances: list[tuple[str, str, str, Any]]
    orders: list[tuple[str, str, Decimal]]

    def to_the_cent(self) -> Outcome:
        prices = [(index, day, price.quantize(CENT)) for index, day, price in self.unit_prices]
        return Outcome(prices, self.rebalances, self.orders)


@dataclass(frozen=True)
class Beginning:
    """A stopped world in which somebody has invested, the key to its API, and how its quiet fortnight ends."""

    var: Path
    key: str
    twin: Outcome


def say(text: str) -> None:
    sys.stdout.write(f"\n    {text}")
    sys.stdout.flush()


def site_at(folder: Path) -> Site:
    port = Settled.load(folder / "elsewhere").valkey_port  # a free one
    return Site(folder / "var", port, REPLAY_FROM=FROM.isoformat())


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beginning]:
    folder = tmp_path_factory.mktemp("beginning")
    site = site_at(folder)
    say(f"first start {site.wait(300):.1f} s")
    created = site.command(
        "user_create", "ann@example.org", "--password-stdin", "--verified", text="a-long-password\n"
    )
    assert created.returncode == 0, created.stderr
    key = site.command("api_key_create", "ann@example.org", "--scopes", "read,trade").stdout.strip()
    site.post(key, "deposits/", amount="5000.00", currency="USD", method="sandbox")
    for index, amount in HELD.items():
        site.post(key, "orders/", index=index, side="invest", amount=amount)
    settled = "SELECT count(*) FROM portfolios_order WHERE status = 'settled'"
    assert eventually(lambda: site.rows(settled) == [(len(HELD),)], 90)
    say(f"stopped in {site.stop():.1f} s")
    with disturbed(Beginning(folder / "var", key, Outcome([], [], [])), folder / "twin") as twin:
        began = time.monotonic()
        assert twin.command("replay", "--days", str(DAYS)).returncode == 0
        say(f"the twin's fortnight {time.monotonic() - began:.1f} s")
        quiet = outcome(twin)
        assert {(index, done.date()) for index, _, status, done in quiet.rebalances if status == "done"} == {
            (index, day + timedelta(days=1)) for index in HELD for day in MONDAYS
        }
        assert len(quiet.unit_prices) == DAYS * len(HELD)
        checks_hold(twin)
    yield Beginning(folder / "var", key, quiet)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def disturbed(beginning: Beginning, folder: Path) -> Iterator[Site]:
    """A copy of the world, running; its processes are killed at the end and its files removed."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", str(beginning.var), str(folder / "var")], check=True)
    site = site_at(folder)
    try:
        start = site.wait(60)
        assert eventually(lambda: len(site.pool()) == 2, 30)
        say(f"second start {start:.1f} s")
        yield site
    finally:
        site.kill()
        shutil.rmtree(folder, ignore_errors=True)


def outcome(site: Site) -> Outcome:
    return Outcome(
        unit_prices=site.rows(
            "SELECT i.slug, n.date, n.unit_price FROM portfolios_navpoint n "
            "JOIN portfolios_portfolio p ON p.id = n.portfolio_id JOIN indices_index i ON i.id = p.index_id "
            f"WHERE n.date > '{FROM}' AND n.date <= '{UNTIL}' ORDER BY 1, 2"
        ),
        rebalances=site.rows(
            "SELECT i.slug, r.epoch, r.status, r.done_at FROM portfolios_rebalance r "
            "JOIN portfolios_portfolio p ON p.id = r.portfolio_id JOIN indices_index i ON i.id = p.index_id "
            "ORDER BY 1, 2, 3"
        ),
        orders=site.rows("SELECT id::text, status, units FROM portfolios_order ORDER BY 1"),
    )


def at_rest(site: Site, until: date = UNTIL) -> bool:
    """Whether the clock has been walked to the close of `until` and nothing is under way."""
    [(walked, cycles, rebalances)] = site.rows(
        f"SELECT (SELECT replay_until IS NULL AND ticked_through >= '{until}' FROM signals_market WHERE is_active), "
        "(SELECT count(*) FROM portfolios_dealingcycle WHERE status <> 'settled'), "
        "(SELECT count(*) FROM portfolios_rebalance WHERE status IN ('due', 'dealing'))"
    )
    return bool(walked) and cycles == rebalances == 0


def checks_hold(site: Site) -> None:
    """The ledger is whole, and nothing happened twice or half."""
    check = site.command("ledger_check")
    assert check.returncode == 0, check.stdout + check.stderr
    twice = {
        "rebalances of one portfolio and epoch": "SELECT portfolio_id, epoch FROM portfolios_rebalance "
        "GROUP BY 1, 2 HAVING count(*) > 1",
        "dealings of one rebalance": "SELECT rebalance_id FROM portfolios_dealing WHERE rebalance_id IS NOT NULL "
        "GROUP BY 1 HAVING count(*) > 1",
        "settlements of one order": "SELECT o.id FROM portfolios_order o JOIN portfolios_entry e "
        "ON e.reference = 'order:' || o.id || ':settle' WHERE o.status = 'settled' GROUP BY 1 HAVING count(*) > 1",
        "settled orders without a settlement": "SELECT o.id FROM portfolios_order o LEFT JOIN portfolios_entry e "
        "ON e.reference = 'order:' || o.id || ':settle' WHERE o.status = 'settled' AND e.id IS NULL",
        "fills of one trade": "SELECT venue_trade_id FROM portfolios_fill GROUP BY 1 HAVING count(*) > 1",
        "lost purchases or sales": "SELECT id FROM portfolios_blockorder WHERE status NOT IN ('done', 'rejected')",
    }
    for what, question in twice.items():
        assert site.rows(question) == [], what


def same_end(site: Site, beginning: Beginning) -> None:
    """Left alone, the world comes to the twin's end."""
    began = time.monotonic()
    assert eventually(lambda: at_rest(site), 180), f"did not come to rest: {outcome(site).rebalances}"
    say(f"at rest {time.monotonic() - began:.1f} s after the last disturbance")
    ended = outcome(site)
    difference = max(
        abs(mine[2] - theirs[2])
        for mine, theirs in zip(ended.unit_prices, beginning.twin.unit_prices, strict=True)
    )
    say(f"largest difference to the twin's unit prices {difference} USD")
    assert ended.to_the_cent() == beginning.twin.to_the_cent()
    checks_hold(site)


def fortnight_asked(site: Site) -> None:
    """The walk is asked for by `replay`, which is killed as soon as it has written that down: workers walk it."""
    command = site.begin("replay", "--days", str(DAYS))
    asked = "SELECT replay_until IS NOT NULL FROM signals_market WHERE is_active"
    assert eventually(lambda: site.rows(asked) == [(True,)], 30)
    command.kill()
    command.wait()


def reached(site: Site, day: date) -> Callable[[], bool]:
    question = f"SELECT time >= '{day + timedelta(days=1)} 00:00+00' FROM signals_market WHERE is_active"
    return lambda: site.rows(question) == [(True,)]


def kill_pool(site: Site, dice: random.Random) -> bool:
    """kill -9 of a pool process, drawn by lot; False while there is none."""
    pool = site.pool()
    if pool:
        os.kill(dice.choice(pool), signal.SIGKILL)
    return bool(pool)


def kill_worker(site: Site) -> bool:
    """kill -9 of the worker itself; False while there is none."""
    worker = site.children().get("worker")
    if worker is not None:
        os.kill(worker, signal.SIGKILL)
    return worker is not None


def test_workers_killed_in_the_middle(beginning: Beginning, tmp_path: Path) -> None:
    dice = random.Random(1)
    with disturbed(beginning, tmp_path / "killed") as site:
        fortnight_asked(site)
        killed = []
        # The Mondays, on which everything trades, are met three times each; other days once.
        for day in sorted([FROM + timedelta(days=2), *MONDAYS * 3, FROM + timedelta(days=9)]):
            assert eventually(reached(site, day), 60), f"never reached {day}"
            time.sleep(dice.uniform(0, 0.9))
            worker = dice.random() < 0.3
            if kill_worker(site) if worker else kill_pool(site, dice):
                killed.append("worker" if worker else "pool process")
        say(f"killed {killed.count('worker')} workers and {killed.count('pool process')} pool processes")
        same_end(site, beginning)
        orders_settle_while_workers_are_killed(site, beginning.key, dice)


def orders_settle_while_workers_are_killed(site: Site, key: str, dice: random.Random) -> None:
    """Orders come in by the API, and each is settled once although hardly a worker lives long enough for one."""
    placed = []
    for number in range(6):
        body = {"index": dice.choice(sorted(HELD)), "side": dice.choice(["invest", "redeem"])}
        placed.append(site.post(key, "orders/", **body, amount=f"{50 + number}.00")["id"])
        time.sleep(dice.uniform(0, 2.0))
        _ = kill_pool(site, dice) if dice.random() < 0.7 else kill_worker(site)
    names = ", ".join(f"'{order}'" for order in placed)
    unsettled = f"SELECT id, status FROM portfolios_order WHERE id IN ({names}) AND status <> 'settled'"
    assert eventually(lambda: site.rows(unsettled) == [], 180), site.rows(unsettled)
    checks_hold(site)
    say(f"{len(placed)} orders settled once each")


def test_the_broker_wiped_then_up_itself_killed(beginning: Beginning, tmp_path: Path) -> None:
    with disturbed(beginning, tmp_path / "wiped") as site:
        fortnight_asked(site)
        for day in MONDAYS:
            assert eventually(reached(site, day), 60)
            with redis.Redis.from_url(site.addresses["REDIS_URL"]) as broker:
                broker.flushall()
        assert not at_rest(site)
        site.kill()
        site.start()
        say(f"broker wiped twice, `up` killed in the middle, served again after {site.wait(60):.1f} s")
        same_end(site, beginning)


def test_two_of_everything(beginning: Beginning, tmp_path: Path) -> None:
    """A second worker and a second timetable all the time, and each week asked for by two commands at once."""
    with disturbed(beginning, tmp_path / "twice") as site:
        celery = [sys.executable, "-m", "celery", "-A", "config.celery"]
        environment = {**site.environment, **site.addresses, "CELERY_SKIP_CHECKS": "1"}
        with (tmp_path / "second.log").open("ab") as log:
            second = [
                subprocess.Popen([*celery, *more], cwd=ROOT, env=environment, stdout=log, stderr=log)
                for more in (
                    ["worker", "-n", "second@%h", "--concurrency", "2", "--loglevel", "INFO"],
                    ["beat", "--pidfile=", "--schedule", str(tmp_path / "second-beat")],
                )
            ]
        try:
            assert eventually(lambda: b" ready." in (tmp_path / "second.log").read_bytes(), 60)
            for day in MONDAYS:
                sunday = (day - timedelta(days=1)).isoformat()
                weeks = [site.begin("run_week", "--as-of", sunday) for _ in range(2)]
                ended = [command.wait(120) for command in weeks]
                assert ended == [0, 0], (site.var.parent / "run_week.log").read_text()
            assert site.rows("SELECT ticked_through FROM signals_market WHERE is_active") == [(MONDAYS[-1],)]
            assert site.command("replay", "--days", str((UNTIL - MONDAYS[-1]).days)).returncode == 0
            same_end(site, beginning)
        finally:
            for process in second:
                process.kill()
                process.wait(20)
