"""What is held for the platform: as custodians report it, and where nobody can report, as the ledger says."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from portfolios.chain.node import Node
from portfolios.core.money import USDC_SCALE, from_base, to_base
from portfolios.models import (
    Account,
    Balance,
    ChainTransfer,
    CustodyBalance,
    CustodyReport,
    DepositAddress,
    Entry,
    LedgerAsset,
    Payment,
    UsdcPayout,
)
from portfolios.services import accounts, ledger
from signals import selectors as signal_selectors

ANSWERS_WITHIN = timedelta(hours=36)
"""A custodian whose last report is older has stopped answering."""
_WALLET, _TRANSIT = "wallet:usdc", "transit:usdc"
REPORTER = {"outside:usdc": _WALLET}
"""Account of the ledger -> the custodian whose report takes its place, where the names differ. `outside:stripe` is
`bank:stripe`, a venue is called the same in both."""


@dataclass(frozen=True)
class Held:
    """Base units by ledger code: `reported` by custodians and `simulated`, which only the ledger says; and the
    custodians that have not answered for too long."""

    reported: Mapping[str, int]
    simulated: Mapping[str, int]
    silent: Sequence[str]

    def of(self, code: str) -> int:
        return self.reported.get(code, 0) + self.simulated.get(code, 0)


@transaction.atomic
def custody_report(
    custodian: str,
    *,
    kind: str,
    balances: Mapping[str, Decimal],
    as_of: datetime,
    confirmed_empty: bool = False,
) -> CustodyReport:
    """One whole report of a custodian stored: every asset that it holds for the platform, by ledger code. Its newest
    report is what it holds; an asset that is not in it is not held. The same `as_of` twice is one report.

    Raises ValueError for an unknown code, a negative or too fine amount, or no balances at all: a reply without any is
    a missing reply unless somebody has made sure of it.
    """
    if kind not in CustodyReport.Kind.values:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(CustodyReport.Kind.values)}")
    if not balances and not confirmed_empty:
        raise ValueError(f"balances: {custodian} reports nothing; a missing reply is not an empty wallet")
    if "USD" in balances:
        accounts.usd()
    if "USDC" in balances:
        accounts.usdc()
    assets = {asset.code: asset for asset in LedgerAsset.objects.filter(code__in=list(balances))}
    for code, amount in balances.items():
        if code not in assets:
            raise ValueError(f"balances: the ledger does not know {code!r}")
        if amount < 0:
            raise ValueError(
                f"balances: {custodian} holds {amount} {code}; a custodian holds nothing less than 0"
            )
        to_base(amount, assets[code].scale)
    report, is_new = CustodyReport.objects.get_or_create(
        custodian=custodian, as_of=as_of, defaults={"kind": kind}
    )
    if is_new:
        CustodyBalance.objects.bulk_create(
            [
                CustodyBalance(report=report, asset=assets[code], amount=amount)
                for code, amount in balances.items()
            ]
        )
    return report


def wallets_report(nodes: Sequence[Node], *, now: datetime) -> None:
    """What the nodes say is at our addresses, and what was sent and is still set aside. Raises NodeFailed, and then
    nothing is stored."""
    node = nodes[0]
    node.head()  # it says whether this is the chain at all
    used = ChainTransfer.objects.filter(
        chain_id=settings.USDC_CHAIN_ID, contract=settings.USDC_CONTRACT
    ).values("address_id")
    ours = set(DepositAddress.objects.filter(pk__in=used).values_list("address", flat=True))
    payouts = UsdcPayout.objects.filter(chain_id=settings.USDC_CHAIN_ID, contract=settings.USDC_CONTRACT)
    ours |= set(payouts.exclude(sender="").values_list("sender", flat=True))
    ours |= set(settings.USDC_WALLETS)
    open_payouts = list(payouts.filter(status__in=[UsdcPayout.Status.SIGNED, UsdcPayout.Status.SENT]))
    # Confirmed, but the withdrawal has not been told yet: its dollars are still set aside.
    waiting = Payment.objects.filter(method="usdc", status=Payment.Status.SENDING).values_list(
        "pk", flat=True
    )
    told_soon = payouts.filter(
        status=UsdcPayout.Status.PAID, reference__in=[str(key) for key in waiting]
    ).aggregate(total=Sum("amount"))["total"] or Decimal(0)
    gone = told_soon
    for payout in open_payouts:
        mined = [node.mined(hashed) for hashed in payout.transactions.values_list("hash", flat=True)]
        gone += payout.amount if any(found is not None and found.succeeded for found in mined) else 0
    there = sum(node.balance(address) for address in sorted(ours))
    with transaction.atomic():
        for name, kind, amount in (
            (_WALLET, CustodyReport.Kind.WALLET, from_base(there, USDC_SCALE)),
            (_TRANSIT, CustodyReport.Kind.TRANSIT, gone),
        ):
            custody_report(name, kind=kind, balances={"USDC": amount}, as_of=now)


def held(*, now: datetime) -> Held:
    """What is held now. A payment method or venue that reports takes its account's place; for the others the ledger is
    the only witness. Dollars are believed to reports only where every bank reports, since what was moved from a
    bank to a venue is in no ledger."""
    newest: dict[str, CustodyReport] = {}
    for report in CustodyReport.objects.order_by("custodian", "-as_of", "-pk").distinct("custodian"):
        newest[report.custodian] = report
    reported: dict[str, int] = defaultdict(int)
    lines = CustodyBalance.objects.filter(report__in=list(newest.values())).select_related("asset")
    for line in lines:
        reported[line.asset.code] += to_base(line.amount, line.asset.scale)
    balances = Balance.objects.exclude(amount=0).filter(
        account__kind__in=[Account.Kind.OUTSIDE, Account.Kind.VENUE]
    )
    simulated: dict[str, int] = defaultdict(int)
    dollars, banks_silent, venues_silent = 0, False, False
    for balance in balances.select_related("account", "asset"):
        key, code = balance.account.key, balance.asset.code
        units = -to_base(balance.amount, balance.asset.scale)
        silent = _reporter(key) not in newest
        if code == "USD":
            dollars += units
            banks_silent |= silent and balance.account.kind == Account.Kind.OUTSIDE
        elif silent:
            simulated[code] += units
            venues_silent |= balance.account.kind == Account.Kind.VENUE
    fees = Balance.objects.filter(account__key="fees:trading").exclude(amount=0).select_related("asset")
    for balance in fees:
        units = to_base(balance.amount, balance.asset.scale)
        if balance.asset.code == "USD":
            dollars -= units
        elif venues_silent:
            simulated[balance.asset.code] -= units
    if banks_silent or "USD" not in reported:
        simulated["USD"], reported["USD"] = dollars, 0
    silent_for_long = [name for name, report in newest.items() if now - report.as_of > ANSWERS_WITHIN]
    return Held(dict(reported), dict(simulated), sorted(silent_for_long))


@transaction.atomic
def capital_add(usd: Decimal, *, reference: str) -> Entry:
    """Dollars of the house itself in the treasury, once per reference: what covers the cents between a price of USDC
    and a dollar, and what people owe. Raises ValueError unless there is an amount and a reference."""
    if usd <= 0 or not reference.strip():
        raise ValueError("capital: give dollars, more than none, and a reference that happens once")
    dollars = accounts.usd()
    return ledger.entry_post(
        reference=f"capital:{reference.strip()}",
        kind="capital",
        effective_at=signal_selectors.market_time(),
        description="The house's own money put in",
        legs=[
            ledger.Leg(accounts.outside("house"), dollars, -usd),
            ledger.Leg(accounts.treasury(), dollars, usd),
        ],
    )


def _reporter(key: str) -> str:
    if key in REPORTER:
        return REPORTER[key]
    return "bank:" + key.removeprefix("outside:") if key.startswith("outside:") else key
