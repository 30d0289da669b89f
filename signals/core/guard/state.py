"""What the guard remembers of one asset from round to round, and its verdict on each."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from signals.core.guard.consensus import Consensus, Drop, Dropped, Quote, consensus
from signals.core.guard.rules import GuardRules


class Status(IntEnum):
    """What a round ends with. Only ACCEPTED gives a mark."""

    WITHHELD = 0
    """Too few sources agree; the last mark ages."""
    ACCEPTED = 1
    PENDING = 2
    """They agree on a large move that is not confirmed yet."""
    FROZEN = 3
    """The price has more than halved, and neither that nor its return is confirmed yet. Nothing trades."""


class Cause(StrEnum):
    """Which rule decided."""

    FIRST_MARK = "first_mark"
    WITHIN_LIMITS = "within_limits"
    CONFIRMED = "confirmed"
    CONFIRMED_BY_HAND = "confirmed_by_hand"
    TOO_FEW_SOURCES = "too_few_sources"
    SOURCES_DISAGREE = "sources_disagree"
    MOVE_UNCONFIRMED = "move_unconfirmed"
    FALL_UNCONFIRMED = "fall_unconfirmed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One round of one asset. `price` is the accepted mark in USD, None unless `status` is ACCEPTED; `candidate` is
    what the sources agree on, believed or not; `move` is it against the last accepted mark, a fraction."""

    at: datetime
    status: Status
    cause: Cause
    price: float | None
    candidate: float | None
    move: float | None
    sources: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    reasons: tuple[str, ...]

    @property
    def tradable(self) -> bool:
        """Whether an order may be sized by this round."""
        return self.status is Status.ACCEPTED


@dataclass(frozen=True, slots=True)
class Pending:
    """A level that waits to be confirmed: its price in USD, how often it was seen, by whom, and when last counted."""

    price: float
    frozen: bool
    seen: int = 0
    sources: frozenset[str] = frozenset()
    counted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GuardState:
    """The guard of one asset between rounds: last accepted mark in USD, who is suspended, what is pending."""

    rules: GuardRules
    price: float | None = None
    accepted_at: datetime | None = None
    suspended: frozenset[str] = field(default_factory=frozenset)
    pending: Pending | None = None
    stepped_at: datetime | None = None

    @property
    def frozen(self) -> bool:
        """Whether the asset is halted until sources or a person confirm its price."""
        return self.pending is not None and self.pending.frozen

    def step(
        self, quotes: Iterable[Quote], *, at: datetime, large: bool, confirmed_by: str = ""
    ) -> tuple["GuardState", Verdict]:
        """The state after one round of quotes at the moment `at`, and the verdict on the round.

        `large` marks the 20 largest assets. `confirmed_by` names the person who stands for this round's candidate: that
        replaces confirmations of a move, never a missing agreement of sources. A confirmation is a later round (or,
        for daily closes, a further source) whose candidate lies within `rules.move` of the pending one; a candidate
        further away starts anew. A freeze ends the same way whether the fall or the return is confirmed. Raises
        ValueError where `at` lies before the last round, and what `consensus` raises.
        """
        if self.stepped_at is not None and at < self.stepped_at:
            raise ValueError(
                f"at: {at.isoformat()} lies before the last round ({self.stepped_at.isoformat()})."
            )
        agreed = consensus(quotes, at=at, rules=self.rules, large=large, suspended=self.suspended)
        state = replace(self, suspended=agreed.suspended, stepped_at=at)
        if agreed.price is None:
            enough = agreed.fresh >= self.rules.min_sources
            cause = Cause.SOURCES_DISAGREE if enough else Cause.TOO_FEW_SOURCES
            status = Status.FROZEN if self.frozen else Status.WITHHELD
            return state, self._verdict(at, status, cause, agreed)
        if self.price is None:
            return state._accept(at, Cause.FIRST_MARK, agreed, before=self)
        frozen = self.frozen or self.price - agreed.price > self.rules.crash * self.price
        if not frozen and abs(agreed.price - self.price) <= self.rules.move * self.price:
            return state._accept(at, Cause.WITHIN_LIMITS, agreed, before=self)
        pending = self._observe(agreed, agreed.price, at=at, frozen=frozen)
        if confirmed_by:
            return state._accept(at, Cause.CONFIRMED_BY_HAND, agreed, before=self, by=confirmed_by)
        if self._is_confirmed(pending):
            return state._accept(at, Cause.CONFIRMED, agreed, before=self)
        status, cause = (
            (Status.FROZEN, Cause.FALL_UNCONFIRMED) if frozen else (Status.PENDING, Cause.MOVE_UNCONFIRMED)
        )
        return replace(state, pending=pending), self._verdict(at, status, cause, agreed)

    def _observe(self, agreed: Consensus, price: float, *, at: datetime, frozen: bool) -> Pending:
        pending = self.pending
        if (
            pending is None
            or pending.frozen != frozen
            or abs(price - pending.price) > self.rules.move * pending.price
        ):
            pending = Pending(price=price, frozen=frozen)
        sources = pending.sources.union(agreed.kept)
        if self.rules.confirmation_gap is None:
            return replace(
                pending, price=price, seen=pending.seen + len(agreed.kept), sources=sources, counted_at=at
            )
        apart = pending.counted_at is None or at - pending.counted_at >= self.rules.confirmation_gap
        if not apart or (frozen and len(agreed.kept) < self.rules.crash_sources):
            return pending
        return replace(pending, price=price, seen=pending.seen + 1, sources=sources, counted_at=at)

    def _is_confirmed(self, pending: Pending) -> bool:
        if pending.frozen and len(pending.sources) < self.rules.crash_sources:
            return False
        if pending.frozen and self.rules.confirmation_gap is None:
            return True
        return pending.seen >= 1 + self.rules.further

    def _accept(
        self, at: datetime, cause: Cause, agreed: Consensus, *, before: "GuardState", by: str = ""
    ) -> tuple["GuardState", Verdict]:
        state = replace(self, price=agreed.price, accepted_at=at, pending=None)
        return state, before._verdict(at, Status.ACCEPTED, cause, agreed, by=by)

    def _verdict(
        self, at: datetime, status: Status, cause: Cause, agreed: Consensus, *, by: str = ""
    ) -> Verdict:
        move = None if agreed.price is None or self.price is None else agreed.price / self.price - 1.0
        return Verdict(
            at=at,
            status=status,
            cause=cause,
            price=agreed.price if status is Status.ACCEPTED else None,
            candidate=agreed.price,
            move=move,
            sources=agreed.kept,
            dropped=agreed.dropped,
            reasons=(_because(cause, agreed, self.rules, move, by), *map(_left_out, agreed.dropped)),
        )


def _because(cause: Cause, agreed: Consensus, rules: GuardRules, move: float | None, by: str) -> str:
    many = f"{len(agreed.kept)} sources agree"
    moved = f"{move:+.1%} against the last accepted mark" if move is not None else "there was no mark before"
    match cause:
        case Cause.TOO_FEW_SOURCES:
            return f"{agreed.fresh} of the {rules.min_sources} sources needed have a price in time."
        case Cause.SOURCES_DISAGREE:
            return f"{len(agreed.kept)} of {agreed.fresh} sources agree; {rules.min_sources} are needed."
        case Cause.MOVE_UNCONFIRMED:
            return f"{many}, {moved}: a move over {rules.move:.0%} waits for {rules.further} confirmations."
        case Cause.FALL_UNCONFIRMED:
            return (
                f"{many}, {moved}: frozen until {rules.crash_sources} sources or a person confirm the price."
            )
        case Cause.CONFIRMED:
            return f"{many}, {moved}, and that is confirmed."
        case Cause.CONFIRMED_BY_HAND:
            return f"{many}, {moved}, and {by} confirmed it."
        case Cause.FIRST_MARK | Cause.WITHIN_LIMITS:
            return f"{many}, {moved}."


def _left_out(dropped: Dropped) -> str:
    match dropped.why:
        case Drop.INVALID:
            return f"{dropped.source}: {dropped.measure} is not a price."
        case Drop.STALE | Drop.FUTURE:
            return f"{dropped.source}: {dropped.why}, {dropped.measure:.0f} seconds old."
        case Drop.DEVIANT:
            return f"{dropped.source}: {dropped.measure:.1%} from the median."
        case Drop.SUSPENDED:
            return f"{dropped.source}: strayed before, still {dropped.measure:.1%} from the median."
