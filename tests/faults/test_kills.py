"""Slow evidence (`make proof`): web and worker processes of a running site die by kill -9 while orders come in."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from config.runtime.settled import Settled
from tests.platform.servers_at import eventually
from tests.platform.sites import Site, processes_below

pytestmark = pytest.mark.proof

KILLS = int(os.environ.get("FAULT_KILLS", "100"))
SEED = int(os.environ.get("FAULT_FIRST_SEED", "0"))
PATIENCE = 600
"""Seconds for an answer: processes that die often come back after growing pauses."""
OPENING = 200_000
ENDS = "'settled', 'cancelled'"


def say(text: str) -> None:
    sys.stdout.write(f"\n    {text}")
    sys.stdout.flush()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("killed")
    site = Site(folder / "var", Settled.load(folder / "elsewhere").valkey_port)
    try:
        say(f"first start {site.wait(600):.0f} s")
        yield site
    finally:
        site.kill()


@dataclass
class Caller:
    """Somebody who sends each request with a key of its own until it is answered, and now and then once more."""

    site: Site
    key: str
    chance: random.Random
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    bodies: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unanswered: int = 0
    again: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        """New requests until told to stop."""
        while not self.stop.is_set():
            if self.answers and self.chance.random() < 0.25:
                name = self.chance.choice(sorted(self.answers))
                self.again += 1
            else:
                name = f"request-{len(self.bodies)}"
                self.bodies[name] = self._wish()
            self.ask(name)
            time.sleep(0.05)

    def ask(self, name: str) -> None:
        """The request sent until somebody answers; the same answer as ever before."""
        path, body = self.bodies[name]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self._send(name, path, body)
            if answer is not None:
                if answer[0] == 0:
                    self.refused.add(name)
                    return
                if self.answers.setdefault(name, answer) != answer:
                    self.wrong.append(f"{name}: {self.answers[name]} and then {answer}")
                return
            self.unanswered += 1
            time.sleep(0.2)
        self.wrong.append(f"{name}: never answered")

    def _wish(self) -> tuple[str, dict[str, str]]:
        index = self.chance.choice(["global-100", "top-10"])
        what = self.chance.choice(["deposits", "invest", "invest", "invest", "redeem"])
        amount = f"{self.chance.randint(5_000, 30_000) / 100:.2f}"
        if what == "deposits":
            return "deposits/", {"amount": amount, "currency": "USD", "method": "sandbox"}
        return "orders/", {"index": index, "side": what, "amount": amount}

    def _send(self, name: str, path: str, body: dict[str, str]) -> tuple[int, str] | None:
        """Status and body, or None where nobody can say what has happened."""
        request = urllib.request.Request(
            f"{self.site.url}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                "Idempotency-Key": name,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            # A refusal has no effect and is not kept: asked again when there is money, it may be taken.
            return None if error.code >= 500 or error.code == 429 else (0, "refused")
        except (OSError, http.client.HTTPException):
            return None


def victims(site: Site) -> dict[str, int]:
    """One process of each kind that may die next."""
    children = site.children()
    found: dict[str, int] = {name: pid for name, pid in children.items() if name in ("gunicorn", "worker")}
    for name, kind in (("gunicorn", "web process"), ("worker", "worker process")):
        if name in found:
            below = sorted(processes_below(found[name]))
            if below:
                found[kind] = below[0]
    return found


def test_what_was_asked_for_happens_once_whoever_dies(site: Site) -> None:
    created = site.command(
        "user_create", "ann@example.org", "--password-stdin", "--verified", text="a-long-password\n"
    )
    assert created.returncode == 0, created.stderr
    upgrade = (
        "from portfolios.services import plans; from portfolios.models import User; "
        "plans.subscribe(User.objects.get(email='ann@example.org'), 'platinum')"
    )
    assert site.command("shell", "-c", upgrade).returncode == 0
    key = site.command("api_key_create", "ann@example.org", "--scopes", "read,trade").stdout.strip()
    site.post(key, "deposits/", amount=f"{OPENING}.00", currency="USD", method="sandbox")
    caller = Caller(site, key, random.Random(SEED))
    talking = threading.Thread(target=caller.run)
    talking.start()
    chance, killed, began = random.Random(SEED + 1), Counter[str](), time.monotonic()
    try:
        while killed.total() < KILLS:
            time.sleep(chance.uniform(0.3, 2.0))
            # The masters come back after growing pauses: they die less often than what works below them.
            kinds = ["web process", "worker process"] * 6 + ["gunicorn", "worker"]
            kind = chance.choice(kinds)
            pid = victims(site).get(kind)
            if pid is None:
                continue
            os.kill(pid, signal.SIGKILL)
            killed[kind] += 1
    finally:
        caller.stop.set()
        talking.join(PATIENCE)
    say(f"{killed.total()} kills in {time.monotonic() - began:.0f} s: {dict(killed)}")
    say(f"{len(caller.bodies)} requests, {len(caller.refused)} refused, {caller.again} asked again")
    say(f"{caller.unanswered} times no answer")
    assert not talking.is_alive()
    resting = time.monotonic()
    assert eventually(lambda: site.served("/readyz"), 120)
    open_orders = f"SELECT count(*) FROM portfolios_order WHERE status NOT IN ({ENDS})"
    open_cycles = "SELECT count(*) FROM portfolios_dealingcycle WHERE status <> 'settled'"
    assert eventually(lambda: site.rows(open_orders) == [(0,)] and site.rows(open_cycles) == [(0,)], 240)
    say(f"at rest {time.monotonic() - resting:.0f} s after the last kill")
    for name in sorted(caller.answers):
        caller.ask(name)
    assert caller.wrong == []
    effects(site, caller)


def effects(site: Site, caller: Caller) -> None:
    """Each answered request has one effect, and every dollar is somewhere."""
    done = {name: json.loads(body)["id"] for name, (_, body) in caller.answers.items()}
    orders = {str(row[0]) for row in site.rows("SELECT id FROM portfolios_order")}
    payments = {str(row[0]) for row in site.rows("SELECT id FROM portfolios_payment WHERE amount < 100000")}
    asked: dict[str, set[str]] = {"orders/": set(), "deposits/": set()}
    for name, found in done.items():
        asked[caller.bodies[name][0]].add(found)
    assert len(set(done.values())) == len(done)
    assert (orders, payments) == (asked["orders/"], asked["deposits/"])
    [(moved,)] = site.rows("SELECT sum(amount) FROM portfolios_balance")
    assert moved == 0
    checked = site.command("ledger_check")
    assert checked.returncode == 0, checked.stdout
    say(f"{len(orders)} orders and {len(payments)} deposits, each once; ledger_check holds")
