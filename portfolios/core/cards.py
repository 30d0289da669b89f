"""What the messages about one card payment mean together. Their order and number do not matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)
PAID, FAILED, EXPIRED, REFUNDED = "paid", "failed", "expired", "refunded"
DISPUTE_OPENED, DISPUTE_TAKEN = "dispute_opened", "dispute_taken"
DISPUTE_WON, DISPUTE_LOST, DISPUTE_GIVEN = "dispute_won", "dispute_lost", "dispute_given"
KINDS = frozenset(
    {
        PAID,
        FAILED,
        EXPIRED,
        REFUNDED,
        DISPUTE_OPENED,
        DISPUTE_TAKEN,
        DISPUTE_WON,
        DISPUTE_LOST,
        DISPUTE_GIVEN,
    }
)
_OUT = frozenset({DISPUTE_OPENED, DISPUTE_TAKEN, DISPUTE_LOST})
_BACK = frozenset({DISPUTE_WON, DISPUTE_GIVEN})


@dataclass(frozen=True)
class CardFact:
    """One message: what it says (`kind`), of how many USD, and about which dispute (`item`). `refunded` counts from the
    beginning: the provider says how much has been refunded so far."""

    kind: str
    amount: Decimal = ZERO
    item: str = ""


@dataclass(frozen=True)
class CardState:
    """Where a card payment stands. USD; `disputed` is what disputes have taken and not given back."""

    status: str
    refunded: Decimal = ZERO
    disputed: Decimal = ZERO

    @property
    def is_paid(self) -> bool:
        """Whether the money came in, whatever happened to it afterwards."""
        return self.status in ("completed", "disputed", "reversed")


def card_state(amount: Decimal, facts: Iterable[CardFact]) -> CardState:
    """The state of a payment of `amount` USD that the set of `facts` adds up to: a pure function of the set.

    A payment that succeeded is not undone by a failed attempt, whichever is told first. Another amount than the one
    asked for is not a success. What was refunded is the largest figure told. A dispute has its money from the moment
    it is opened until it is won or the money is given back, which no late message turns round. Before a success is
    told, refunds and disputes wait: the state says nothing of them. Raises ValueError for an unknown kind.
    """
    known = set(facts)
    for fact in known:
        if fact.kind not in KINDS:
            raise ValueError(f"kind: {fact.kind!r} is no message about a card payment")
    kinds = {fact.kind for fact in known}
    if CardFact(PAID, amount) not in known:
        return CardState("expired" if EXPIRED in kinds else "failed" if FAILED in kinds else "pending")
    refunded = max((fact.amount for fact in known if fact.kind == REFUNDED), default=ZERO)
    disputed, is_open = ZERO, False
    for item in {fact.item for fact in known if fact.kind in _OUT | _BACK}:
        about = [fact for fact in known if fact.item == item]
        said = {fact.kind for fact in about}
        if said & _BACK or not said & _OUT:
            continue
        disputed += max(fact.amount for fact in about if fact.kind in _OUT)
        is_open = is_open or DISPUTE_LOST not in said
    if is_open:
        return CardState("disputed", refunded, disputed)
    return CardState("reversed" if refunded + disputed >= amount else "completed", refunded, disputed)
