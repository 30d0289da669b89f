"""The law of the ledger, as a pure function: the legs of an entry are whole, never zero, and cancel out per asset."""

from collections import defaultdict
from collections.abc import Iterable


def unbalanced(legs: Iterable[tuple[int, int, int]]) -> str:
    """Why these (account, asset, base units) legs cannot be an entry; an empty string when they can."""
    sums: dict[int, int] = defaultdict(int)
    count = 0
    for account, asset, amount in legs:
        count += 1
        if amount == 0:
            return f"the leg on account {account} moves nothing; leave it out"
        sums[asset] += amount
    if count < 2:
        return f"an entry needs at least two legs, this one has {count}"
    for asset, total in sums.items():
        if total:
            return f"the legs in asset {asset} sum to {total} base units instead of zero"
    return ""


def changes(legs: Iterable[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """What the legs do to each (account, asset) balance, in the one order in which balances are locked."""
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for account, asset, amount in legs:
        sums[account, asset] += amount
    return dict(sorted(sums.items()))
