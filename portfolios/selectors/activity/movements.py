"""What the ledger did to a person's accounts, entry by entry."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from portfolios.core.money import to_base
from portfolios.models import Account, Posting, User

_USD = "USD"


@dataclass
class Movement:
    """One entry seen from one person: micro-dollars on each kind of account, base units of everything else by asset
    code, free and set aside together. What comes in is positive."""

    entry_id: int
    reference: str
    kind: str
    description: str
    at: datetime
    recorded_at: datetime
    free: int = 0
    set_aside: int = 0
    owed: int = 0
    dollars_touched: bool = False
    others: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def net(self) -> int:
        """Micro-dollars by which the person has more, or less, than before."""
        return self.free + self.set_aside + self.owed


def movements(user: User) -> list[Movement]:
    """Every entry that touches an account of the user's, in the ledger's order. One query."""
    found: dict[int, Movement] = {}
    rows = (
        Posting.objects.filter(account__user=user)
        .order_by("entry_id", "id")
        .values_list(
            "entry_id",
            "entry__reference",
            "entry__kind",
            "entry__description",
            "entry__effective_at",
            "entry__recorded_at",
            "account__kind",
            "asset__code",
            "asset__scale",
            "amount",
        )
    )
    for entry, reference, kind, description, at, recorded, place, code, scale, amount in rows:
        line = found.get(entry)
        if line is None:
            line = found[entry] = Movement(entry, reference, kind, description, at, recorded)
        units = to_base(amount, scale)
        if code != _USD:
            line.others[code] += units
            continue
        line.dollars_touched = True
        if place == Account.Kind.RESERVED:
            line.set_aside += units
        elif place == Account.Kind.RECEIVABLE:
            line.owed += units
        else:
            line.free += units
    return list(found.values())
