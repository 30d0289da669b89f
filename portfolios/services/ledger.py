"""The one door into the ledger. It knows accounts and assets, and nobody behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

from portfolios.core.money import from_base, to_base
from portfolios.core.postings import changes, unbalanced
from portfolios.errors import ConflictError, InsufficientFunds
from portfolios.models import Account, Balance, Entry, LedgerAsset, Posting
from portfolios.services.bulk import numbers, rows_copy


class Leg(NamedTuple):
    """A signed amount of one asset on one account; what comes in is positive."""

    account: Account
    asset: LedgerAsset
    amount: Decimal

    def base(self) -> tuple[int, int, int]:
        """(account id, asset id, base units)."""
        return self.account.id, self.asset.id, to_base(self.amount, self.asset.scale)


@dataclass(frozen=True)
class Draft:
    """An entry that is about to be posted."""

    reference: str
    kind: str
    effective_at: datetime
    legs: Sequence[Leg]
    description: str = ""
    reverses: Entry | None = field(default=None)


def entry_post(
    *,
    reference: str,
    kind: str,
    effective_at: datetime,
    legs: Sequence[Leg],
    description: str = "",
    reverses: Entry | None = None,
) -> Entry:
    """Post one entry; see `entries_post`."""
    return entries_post([Draft(reference, kind, effective_at, legs, description, reverses)])[0]


def entries_post(drafts: Sequence[Draft]) -> list[Entry]:
    """Post entries together, inside the caller's transaction, and return them in the order given.

    A reference that was posted before with the same kind and legs gives the existing entry and moves nothing; with
    other content it raises ConflictError. Raises InsufficientFunds when an account that may not be overdrawn would
    be, and ValueError for legs that are unbalanced or finer than the asset's scale. Balances are locked in key order
    before anything is looked at, so that two identical calls at once post once.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(
            "entries_post: open a transaction first; an entry belongs to what it was posted for"
        )
    bases = [[leg.base() for leg in draft.legs] for draft in drafts]
    for draft, legs in zip(drafts, bases, strict=True):
        fault = unbalanced(legs)
        if fault:
            raise ValueError(f"entry {draft.reference}: {fault}")
    accounts = {leg.account.id: leg.account for draft in drafts for leg in draft.legs}
    assets = {leg.asset.id: leg.asset for draft in drafts for leg in draft.legs}
    balances = _balances_lock(list(changes(chain.from_iterable(bases))), accounts)

    existing = {
        entry.reference: entry
        for entry in Entry.objects.filter(reference__in=[draft.reference for draft in drafts])
    }
    for draft, legs in zip(drafts, bases, strict=True):
        if draft.reference in existing:
            _same_or_conflict(existing[draft.reference], draft, legs, assets)
    fresh = [
        (draft, legs) for draft, legs in zip(drafts, bases, strict=True) if draft.reference not in existing
    ]
    if fresh:
        _balances_move(changes(chain.from_iterable(legs for _, legs in fresh)), balances, accounts, assets)
        created = _entries_insert([draft for draft, _ in fresh])
        _postings_insert(
            [(entry.pk, leg) for entry, (draft, _) in zip(created, fresh, strict=True) for leg in draft.legs]
        )
        existing.update({entry.reference: entry for entry in created})
    return [existing[draft.reference] for draft in drafts]


def entry_reverse(entry: Entry, *, reference: str, effective_at: datetime, description: str) -> Entry:
    """Undo an entry by a new one with every sign turned. Raises InsufficientFunds when the money has moved on."""
    legs = [
        Leg(posting.account, posting.asset, -posting.amount)
        for posting in entry.postings.select_related("account", "asset")
    ]
    return entry_post(
        reference=reference,
        kind="reversal",
        effective_at=effective_at,
        legs=legs,
        description=description,
        reverses=entry,
    )


def balance_of(account: Account, asset: LedgerAsset) -> int:
    """Base units on the account now."""
    amount = Balance.objects.filter(account=account, asset=asset).values_list("amount", flat=True).first()
    return 0 if amount is None else to_base(amount, asset.scale)


class _Locked(NamedTuple):
    """A balance that is locked: its row and its amount."""

    pk: int
    amount: Decimal


def _balances_lock(
    keys: list[tuple[int, int]], accounts: dict[int, Account]
) -> dict[tuple[int, int], _Locked]:
    locked = _balances_select(keys)
    if len(locked) < len(keys):
        Balance.objects.bulk_create(
            [
                Balance(account_id=account, asset_id=asset, may_be_negative=accounts[account].may_be_negative)
                for account, asset in keys
                if (account, asset) not in locked
            ],
            ignore_conflicts=True,
        )
        locked = _balances_select(keys)
    return locked


def _balances_select(keys: list[tuple[int, int]]) -> dict[tuple[int, int], _Locked]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT b.account_id, b.asset_id, b.id, b.amount FROM portfolios_balance b "
            "JOIN unnest(%s::bigint[], %s::bigint[]) AS k(account_id, asset_id) USING (account_id, asset_id) "
            "ORDER BY b.account_id, b.asset_id FOR UPDATE OF b",
            [numbers(account for account, _ in keys), numbers(asset for _, asset in keys)],
        )
        return {(account, asset): _Locked(pk, amount) for account, asset, pk, amount in cursor.fetchall()}


def _balances_move(
    moves: dict[tuple[int, int], int],
    balances: dict[tuple[int, int], _Locked],
    accounts: dict[int, Account],
    assets: dict[int, LedgerAsset],
) -> None:
    ids: list[int] = []
    amounts: list[Decimal] = []
    for (account_id, asset_id), delta in moves.items():
        if delta == 0:
            continue
        asset, account = assets[asset_id], accounts[account_id]
        before = to_base(balances[account_id, asset_id].amount, asset.scale)
        after = before + delta
        if after < 0 and not account.may_be_negative:
            raise InsufficientFunds(
                f"Nothing was moved: {from_base(before, asset.scale):f} {asset.code} is there and "
                f"{from_base(-delta, asset.scale):f} was needed."
            )
        ids.append(balances[account_id, asset_id].pk)
        amounts.append(from_base(after, asset.scale))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE portfolios_balance b SET amount = v.amount "
            "FROM unnest(%s::bigint[], %s::numeric[]) AS v(id, amount) WHERE b.id = v.id",
            [numbers(ids), numbers(amounts)],
        )


def _entries_insert(drafts: Sequence[Draft]) -> list[Entry]:
    moment = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portfolios_entry (reference, kind, description, effective_at, reverses_id, recorded_at) "
            "SELECT v.*, %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[]) AS v "
            "RETURNING reference, id",
            [
                moment,
                [draft.reference for draft in drafts],
                [draft.kind for draft in drafts],
                [draft.description for draft in drafts],
                [draft.effective_at for draft in drafts],
                [None if draft.reverses is None else draft.reverses.pk for draft in drafts],
            ],
        )
        ids = dict(cursor.fetchall())
    entries = []
    for draft in drafts:
        entry = Entry(
            id=ids[draft.reference],
            reference=draft.reference,
            kind=draft.kind,
            description=draft.description,
            effective_at=draft.effective_at,
            recorded_at=moment,
            reverses=draft.reverses,
        )
        entry._state.adding, entry._state.db = False, connection.alias
        entries.append(entry)
    return entries


def _postings_insert(lines: Sequence[tuple[int, Leg]]) -> None:
    """All in one statement: the database checks a statement's postings together."""
    rows_copy(
        "portfolios_posting (entry_id, account_id, asset_id, amount)",
        ((entry, leg.account.id, leg.asset.id, leg.amount) for entry, leg in lines),
    )


def _same_or_conflict(
    entry: Entry, draft: Draft, legs: list[tuple[int, int, int]], assets: dict[int, LedgerAsset]
) -> None:
    stored = sorted(
        (posting.account_id, posting.asset_id, posting.amount)
        for posting in Posting.objects.filter(entry=entry)
    )
    wanted = sorted((account, asset, from_base(units, assets[asset].scale)) for account, asset, units in legs)
    if entry.kind != draft.kind or stored != wanted:
        raise ConflictError(
            f"Nothing was moved: the reference {draft.reference} was used before for something else; use a new one."
        )
