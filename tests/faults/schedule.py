"""One seeded schedule: people, the market, workers and faults in an order of chance, checked after every step."""

from __future__ import annotations

import contextvars
import copy
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial

from indices.models import Decision
from portfolios.models import Pause, User
from portfolios.payments.base import EventRefused
from portfolios.services import faultpoints, pauses, payments
from portfolios.services.ledger_check import checks_run
from tests.faults.bank import NAME, Bank
from tests.faults.database import Blocked, Dead, Killed
from tests.faults.owners import OWNERS_EACH, Owners, with_owners
from tests.faults.ports import Clock, Feed, Ids
from tests.faults.problems import Broken
from tests.faults.scenes import OWNERS_SCENES, SCENES, Scene
from tests.faults.shelves import Shelf
from tests.faults.venue import Venue
from tests.faults.world import (
    CHORES,
    OWNERS_CHORES,
    TOKENS,
    World,
    decide,
    doors,
    epoch_of,
    quiet,
    tick,
)

STEPS = (3, 7)
STEPS_AFTER_A_SCENE = (0, 2)
PATIENCE = 30
HOLD_OVER = 73 * 3600
"""Seconds after which nothing waits to be sent any more."""
Act = Callable[[], object]


@dataclass
class Schedule:
    """One run of a seed over a world. `trace` says what happened, line by line."""

    made: World
    seed: int
    trace: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    fuse: int = 0
    fused_at: str = ""
    """The beginning of the places where the fuse burns; everywhere where it is empty."""
    yields: int = 0
    race: int = 0
    inside: bool = False
    racing_at: str = ""
    killed_at: str = ""
    asking: User | None = None
    restore: Callable[[], None] | None = None

    def run(self) -> str:
        """SHA-256 of the trace. Raises Broken for the first thing that does not hold, with the seed in its text."""
        self._prepare()
        database = self.made.database
        database.at, database.at_end, database.commits = self._at, self._ended, 0
        faultpoints.hook_set(self._at)
        ids = Ids(random.Random(f"{self.seed}:ids"))
        try:
            with database.forgotten(), doors(self.clock, self.feed, ids, self.venue, self.bank), quiet():
                if isinstance(self.people, Owners):
                    self._process("settled in", self.people.settle_in)
                for number in range(self.steps):
                    self._step(number)
                self._calm()
        except Exception as error:
            told = "\n  ".join(self.trace[-12:])
            raise Broken(f"seed {self.seed}: {type(error).__name__}: {error}\n  {told}") from error
        finally:
            faultpoints.hook_set(None)
            database.at, database.at_end = lambda place: None, lambda committed: None
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    def _prepare(self) -> None:
        made = self.made
        self.chance = random.Random(f"{self.seed}:steps")
        self.clock: Clock = copy.copy(made.clock)
        self.feed = Feed(self.seed, self.clock, dict(TOKENS))
        self.venue = Venue(self.seed, self.clock, self.feed)
        self.venue.trades, self.venue.orders = list(made.venue.trades), dict(made.venue.orders)
        self.bank = Bank(self.seed, self.clock)
        self.venue.at = self.bank.at = self._at
        self.shadow = made.shadow.copied()
        self.people = copy.copy(made.people)
        self.people.wishes = [copy.copy(wish) for wish in made.people.wishes]
        self.people.chance = random.Random(f"{self.seed}:people")
        self.steps = self.chance.randint(*STEPS)
        self.ahead: list[str] = []
        self.chores = CHORES
        if with_owners(self.seed):
            self._with_owners()
        elif self.seed % 2:
            self._begin_with(self.chance.choice(SCENES))

    def _with_owners(self) -> None:
        """People have books as well, and large withdrawals wait for the staff."""
        people = self.people
        self.people = Owners(
            people.users, people.chance, people.wishes, people.destinations, staff=self.made.staff
        )
        self.bank.objection = self.people.objection
        self.shadow.shelf = Shelf(self.made.database)
        self.chores = OWNERS_CHORES
        if self.seed // OWNERS_EACH % 2:
            self._begin_with(self.chance.choice(OWNERS_SCENES))

    def _begin_with(self, scene: Scene) -> None:
        self.ahead = list(scene.steps)
        self.steps = len(self.ahead) + self.chance.randint(*STEPS_AFTER_A_SCENE)
        self.venue.faults = self.bank.faults = scene.faults
        self.venue.lateness, self.venue.brags = scene.lateness, scene.brags
        self.people.size = scene.size
        self.star = self.chance.choice(self.people.users)
        self.trace.append(f"{scene.name}: {self.star.email}")

    def _step(self, number: int) -> None:
        self.clock.wait(self.chance.choice([0.1, 2, 30, 61, 130]))
        what = self.ahead.pop(0) if self.ahead else ""
        name, act = self._of_scene(what.rstrip("!")) if what else self._action()
        near = self.chance.random() < 0.5
        fuse = self.chance.randint(1, 3) if near else 1 + int(self.chance.expovariate(1 / 9))
        self.fuse = fuse if self.chance.random() < 0.6 or what.endswith("!") else 0
        if isinstance(self.people, Owners) and self.chance.random() < 0.25:
            self.fused_at, self.fuse = "books", self.chance.randint(1, 4)
        self.yields = self.chance.randint(1, 10) if self.chance.random() < 0.25 else 0
        self.racing_at = "locked" if self.chance.random() < 0.7 else "read"
        most = 4 if self.racing_at == "locked" else 12
        self.race = self.chance.randint(1, most) if self.chance.random() < 0.4 else 0
        self._process(f"{number} {name}", act)

    def _action(self) -> tuple[str, Act]:
        what = self.chance.choices(
            ["tick", "slow", "person", "bank", "message", "day", "decision", "freeze", "pause", "retry"],
            [22, 9, 40, 8, 7, 6, 7, 4, 5, 8],
        )[0]
        return getattr(self, f"_{what}")()

    def _of_scene(self, what: str) -> tuple[str, Act]:
        if what in self.chores:
            return what, self.chores[what]
        if hasattr(self.people, f"_{what}_arguments"):
            return self._person(self.star, what)
        return getattr(self, f"_{what}")()

    def _tick(self) -> tuple[str, Act]:
        return "tick", lambda: tick(self.clock)

    def _slow(self) -> tuple[str, Act]:
        more = sorted(self.chores.keys() - CHORES.keys())
        name = self.chance.choice(["payments"] * 3 + ["recurring", "fees", "notices", *more])
        return name, self.chores[name]

    def _person(self, user: User | None = None, verb: str = "") -> tuple[str, Act]:
        wish = self.people.wish(user, verb)
        if wish is None:
            return self._tick()
        if not self.inside:
            self.asking = wish.user
        return str(wish), lambda: self.people.ask(wish)

    def _retry(self) -> tuple[str, Act]:
        waiting = self.people.open_wishes()
        if not waiting:
            return self._tick()
        wish = self.chance.choice(waiting)
        return f"once more {wish}", lambda: self.people.ask(wish)

    def _bank(self) -> tuple[str, Act]:
        return "bank", self._without_faults(self.bank.act)

    def _message(self) -> tuple[str, Act]:
        message = self.bank.message()
        if message is None:
            return self._slow()
        body, signature = message

        def act() -> str:
            try:
                fresh = payments.event_receive(NAME, body, signature)
            except EventRefused:
                return "refused forged"
            self.bank.undelivered.discard(body.decode().strip('"'))
            return "new" if fresh else "known"

        return f"message {body.decode()} {signature}", act

    def _later(self) -> tuple[str, Act]:
        """So late that whatever waits to be sent has expired."""
        return "later", self._without_faults(lambda: self.clock.wait(HOLD_OVER))

    def _month(self) -> tuple[str, Act]:
        return "month", self._without_faults(lambda: [self._next_day() for _ in range(31)][-1])

    def _day(self) -> tuple[str, Act]:
        return "day", self._without_faults(self._next_day)

    def _decision(self) -> tuple[str, Act]:
        index, weights = self.chance.choice(sorted(self.made.indices)), self._weights()
        # Now and then a Sunday: somewhere the week of its trade has begun.
        later = self.chance.choice([0, 0, 0, 6])

        def act() -> str:
            self._next_day()
            taken = set(Decision.objects.filter(index__slug=index).values_list("epoch", flat=True))
            while epoch_of(self.clock.day - timedelta(days=1)) in taken:
                self._next_day()
            for _ in range(later):
                self._next_day()
            decide(self.made, self.made.indices[index], self.clock.day - timedelta(days=1), weights)
            return f"{self.clock.day} {index} {weights}"

        return "decision", self._without_faults(act)

    def _next_day(self) -> str:
        self.clock.next_day()
        return str(self.clock.day)

    def _weights(self) -> dict[str, str]:
        tokens = self.chance.sample(sorted(TOKENS), self.chance.randint(1, 3))
        cuts = sorted(self.chance.sample(range(1, 100), len(tokens) - 1))
        parts = [after - before for before, after in zip([0, *cuts], [*cuts, 100], strict=True)]
        return {token: f"{Decimal(part) / 100}" for token, part in zip(tokens, parts, strict=True)}

    def _freeze(self) -> tuple[str, Act]:
        token = self.chance.choice(sorted(TOKENS))
        self.feed.frozen ^= {token}
        return f"frozen {sorted(self.feed.frozen)}", lambda: tick(self.clock)

    def _pause(self) -> tuple[str, Act]:
        """The operator stops something, or lets everything go on."""
        scope, target = self.chance.choice(
            [
                ("all", ""),
                ("buys", ""),
                ("sells", ""),
                ("withdrawals", ""),
                ("asset", "beta"),
                ("index", "top-10"),
            ]
        )

        def act() -> str:
            open_pauses = Pause.objects.filter(ended_at__isnull=True)
            if open_pauses.exists():
                self._go_on()
                return "goes on"
            pauses.pause_start(scope, target, reason="A drill.", by=self.made.operator)
            self.venue.paused = (scope, target)
            self.bank.paused = scope in ("all", "withdrawals")
            return f"{scope} {target} stopped"

        return "operator", self._without_faults(act)

    def _go_on(self) -> None:
        for key in Pause.objects.filter(ended_at__isnull=True).order_by("id").values_list("id", flat=True):
            pauses.pause_end(key, by=self.made.operator)
        self.venue.paused, self.bank.paused = ("", ""), False

    def _without_faults(self, act: Act) -> Act:
        def quietly() -> object:
            self.fuse = self.yields = self.race = 0
            return act()

        return quietly

    def _process(self, name: str, act: Act) -> None:
        """One process does one thing, and may die of it."""
        database = self.made.database
        database.racing = self.race > 0
        with database.session(name):
            try:
                outcome = str(contextvars.Context().run(act))
            except (Killed, Dead):
                outcome = f"killed at {self.killed_at}"
                self.kills[self.killed_at] += 1
        self.fuse = self.yields = self.race = 0
        self.fused_at, database.racing = "", False
        words = outcome.split()
        self.outcomes[" ".join(words[:2]) if words and words[0] in ("killed", "refused") else "done"] += 1
        self.trace.append(f"{name}: {outcome} [{database.commits}]")
        self.shadow.observe(self.people, self.venue, self.bank)

    def _at(self, place: str) -> None:
        """A place where this process may die, or another one may come in between."""
        if self.inside:
            return
        database = self.made.database
        if place in ("read", "locked"):
            if self.racing_at in (place, "read"):
                self.race -= 1
                if self.race == 0:
                    self._come_between(place)
            return
        if self.fuse and place.startswith(self.fused_at):
            self.fuse -= 1
            if self.fuse == 0:
                self.killed_at = place
                database.kill(place)
        if self.yields and database.between and place not in ("before commit", "before statement"):
            self.yields -= 1
            if self.yields == 0:
                self._come_between(place)

    def _come_between(self, place: str) -> None:
        """Another process does something here, start to end, unless it would have to wait for this one."""
        database = self.made.database
        restore, commits = self._snapshot(), database.commits
        if self.chance.random() < 0.4:
            name, act = self._tick()
        else:
            name, act = self._person(self.asking if self.chance.random() < 0.7 else None)
        self.inside = True
        database.raw("SAVEPOINT between")
        with database.session(f"between: {name}"):
            try:
                outcome = str(contextvars.Context().run(act))
                if place in ("read", "locked"):
                    self.restore = restore
            except Blocked as blocked:
                database.raw("ROLLBACK TO SAVEPOINT between; SET CONSTRAINTS ALL DEFERRED")
                restore()
                database.commits, outcome = commits, f"waits for {blocked}"
            finally:
                self.inside = False
        database.raw("RELEASE SAVEPOINT between")
        self.trace.append(f"  at {place}: {name}: {outcome}")

    def _snapshot(self) -> Callable[[], None]:
        """What puts everybody back to this moment."""
        people, venue, bank = self.people.snapshot(), self.venue.snapshot(), self.bank.snapshot()

        def restore() -> None:
            people()
            venue()
            bank()

        return restore

    def _ended(self, committed: bool) -> None:
        """Where the transaction that another process worked in the middle of is rolled back, that work is gone too."""
        if self.inside or self.restore is None:
            return
        if not committed:
            self.restore()
            self.trace.append("  undone with it")
        self.restore = None

    def _calm(self) -> None:
        """The faults stop: every wish is answered, and everything comes to rest within a few ticks."""
        self.venue.faults = self.bank.faults = 0.0
        self.feed.frozen.clear()
        self.venue.bragging.clear()
        self._process("calm", self._go_on)
        for wish in self.people.open_wishes():
            self._process(f"finally {wish}", partial(self.people.ask, wish))
        for event in [event for event in self.bank.events if event.id in self.bank.undelivered]:
            body = f'"{event.id}"'.encode()
            self._process(f"finally {event.id}", partial(payments.event_receive, NAME, body, "good"))
        for turn in range(PATIENCE):
            # Money that is set aside for somebody who owes money is not sent: it waits until its time is over.
            self.clock.wait(HOLD_OVER if turn == 5 else 61)
            self._process(
                f"calm {turn}", partial(self._chores, [*self.chores] if turn == 0 else ["payments"])
            )
            if not self._waiting():
                break
        else:
            raise Broken(f"not at rest after {PATIENCE} ticks without faults: {self._waiting()}")
        self.shadow.at_rest(self.people, self.venue, self.bank)
        broken = [f"{check.name}: {check.detail}" for check in checks_run() if not check.passed]
        if broken:
            raise Broken("; ".join(broken))
        self.trace.append(self.shadow.digest())

    def _chores(self, names: list[str]) -> str:
        return " ".join(str(self.chores[name]()) for name in names) + f" {tick(self.clock)}"

    def _waiting(self) -> list[str]:
        ends = {
            "settled", "cancelled", "done", "rejected", "skipped", "closed", "stopped", "completed", "failed",
            "expired", "disputed", "reversed", "pending", "awaiting_approval", "stored",
        }  # fmt: skip
        return [f"{kind} {state}" for (kind, _), state in self.shadow.states.items() if state not in ends]
