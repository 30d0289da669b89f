"""Transfers of the token, signed. Only a worker calls this: the key never comes near a web process."""

from __future__ import annotations

from dataclasses import dataclass, field

from portfolios.chain.node import Fees

GAS = 120_000
"""More than a transfer of USDC has ever needed; what is not used is not paid."""
_TRANSFER = "a9059cbb"


@dataclass(frozen=True)
class HotWallet:
    """The wallet that payouts come from. The key is in no representation of it."""

    address: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A transaction ready to be sent, and the hash by which it will be known."""

    hash: str
    raw: bytes
    max_fee: int
    priority_fee: int


def hot_wallet(key: str) -> HotWallet:
    """The wallet of a private key of 32 bytes in hexadecimal. Raises ValueError, without the key in it."""
    from eth_account import Account
    from eth_utils import ValidationError

    try:
        return HotWallet(Account.from_key(key).address, key)
    except (ValueError, ValidationError) as error:
        # Neither the message nor the cause may carry the key to a log.
        name = type(error).__name__
    raise ValueError(f"USDC_HOT_KEY is not a private key of 32 bytes in hexadecimal ({name})")


def fees_for(fees: Fees, *, replaced: tuple[int, int] | None = None) -> tuple[int, int]:
    """(most per gas, tip per gas) in wei: room for the base fee to double. A replacement offers at least a quarter more
    of both than what it replaces (nodes refuse less than a tenth)."""
    priority = fees.priority
    most = 2 * fees.base + priority
    if replaced is not None:
        most = max(most, -(-replaced[0] * 5 // 4))
        priority = max(priority, -(-replaced[1] * 5 // 4))
    return max(most, priority), priority


def transfer_sign(
    wallet: HotWallet,
    *,
    chain_id: int,
    contract: str,
    receiver: str,
    amount: int,
    nonce: int,
    max_fee: int,
    priority_fee: int,
) -> Signed:
    """`amount` base units to `receiver`. The same arguments give the same bytes."""
    from eth_account import Account

    data = _TRANSFER + "0" * 24 + receiver[2:].lower() + format(amount, "064x")
    signed = Account.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": contract,
            "value": 0,
            "data": "0x" + data,
            "gas": GAS,
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": priority_fee,
        },
        wallet.key,
    )
    return Signed("0x" + bytes(signed.hash).hex(), bytes(signed.raw_transaction), max_fee, priority_fee)
