"""What a key may do, where the exchange tells."""

from collections.abc import Callable, Mapping
from typing import Any

from portfolios.brokers.base import BrokerUnreachable
from portfolios.brokers.client import Client


def can_withdraw(client: Client, exchange: str) -> bool | None:
    """Whether the key can move money out of the account; None where the exchange does not tell. Raises what the client
    raises, and BrokerUnreachable for an answer that does not say it."""
    if exchange not in _QUESTIONS:
        return None
    method, read = _QUESTIONS[exchange]
    answer = client.call(method)
    try:
        return read(answer)
    except (KeyError, TypeError, AttributeError) as error:
        raise BrokerUnreachable(
            f"{exchange}: the answer about the key's rights says nothing of withdrawals"
        ) from error


def _binance(answer: Any) -> bool:
    return _flag(answer["enableWithdrawals"]) or _flag(answer.get("permitsUniversalTransfer", False))


def _bybit(answer: Any) -> bool:
    return "Withdraw" in answer["result"]["permissions"]["Wallet"]


def _okx(answer: Any) -> bool:
    return "withdraw" in answer["data"][0]["perm"].split(",")


def _coinbase(answer: Any) -> bool:
    return _flag(answer["can_transfer"])


def _flag(value: Any) -> bool:
    # A word that means nothing must not be taken for "no".
    known = {"true": True, "false": False}
    return known[str(value).lower()]


_QUESTIONS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "binance": ("sapi_get_account_apirestrictions", _binance),
    "bybit": ("private_get_v5_user_query_api", _bybit),
    "okx": ("private_get_account_config", _okx),
    "coinbase": ("v3_private_get_brokerage_key_permissions", _coinbase),
}
"""Exchange of ccxt -> which call tells, and how to read it."""
