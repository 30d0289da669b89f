"""What a person owes since a payment of theirs was taken back, and how it is paid."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from portfolios.models import Account, Balance, Entry, LedgerAsset, User
from portfolios.selectors.payments import owed
from portfolios.services import accounts, ledger


def take_back(
    user: User,
    amount: Decimal,
    *,
    into: Sequence[ledger.Leg],
    reference: str,
    kind: str,
    effective_at: datetime,
    description: str,
) -> Entry:
    """`amount` USD taken from the user's cash as far as it is there; what is missing is owed from now on.

    `into` are the legs that receive it. The same reference twice takes once. Inside the caller's transaction.
    """
    accounts.user_queue(user)
    posted = Entry.objects.filter(reference=reference).first()
    if posted is not None:
        return posted
    usd, cash = accounts.usd(), accounts.user_cash(user)
    there = min(amount, _locked(cash, usd))
    legs = [*into]
    if there > 0:
        legs.append(ledger.Leg(cash, usd, -there))
    if there < amount:
        legs.append(ledger.Leg(accounts.user_receivable(user), usd, there - amount))
    return ledger.entry_post(
        reference=reference, kind=kind, effective_at=effective_at, legs=legs, description=description
    )


def collect(user: User, *, reference: str, effective_at: datetime) -> Decimal:
    """What the user owes, paid from their cash as far as it is there; returns the USD paid.

    Call it after money was credited, inside the same transaction; `reference` names what was credited.
    """
    if owed(user) <= 0:
        return Decimal(0)
    accounts.user_queue(user)
    usd, cash = accounts.usd(), accounts.user_cash(user)
    there = _locked(cash, usd)
    amount = min(there, owed(user))
    if amount <= 0:
        return Decimal(0)
    ledger.entry_post(
        reference=f"{reference}:collected",
        kind="receivable",
        effective_at=effective_at,
        description="Paid back what an earlier payment left owing",
        legs=[
            ledger.Leg(cash, usd, -amount),
            ledger.Leg(accounts.user_receivable(user), usd, amount),
        ],
    )
    return amount


def _locked(account: Account, asset: LedgerAsset) -> Decimal:
    """USD on the account, which nobody changes until the transaction ends."""
    row = Balance.objects.select_for_update().filter(account=account, asset=asset).first()
    return Decimal(0) if row is None else row.amount
