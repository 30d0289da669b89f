"""One Ethereum node, asked over JSON-RPC. It is believed in nothing that can be checked: every answer that does not
have the form that was asked for is no answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from web3 import Web3

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256 of Transfer(address,address,uint256), ERC-20."""
_BALANCE_OF = "0x70a08231"
_TOPICS_AT_ONCE = 500
_CONNECT_SECONDS, _READ_SECONDS = 3, 10
_KNOWN_ALREADY = ("already known", "alreadyknown", "known transaction", "already imported")


class NodeFailed(Exception):
    """No answer, or one that cannot be believed. Whatever was asked for may or may not have happened."""


@dataclass(frozen=True)
class Block:
    """A block of the chain as the node has it now."""

    number: int
    hash: str


@dataclass(frozen=True)
class TransferLog:
    """One Transfer event of the token; `amount` in base units."""

    tx_hash: str
    log_index: int
    block: Block
    sender: str
    receiver: str
    amount: int


@dataclass(frozen=True)
class Mined:
    """A transaction that is part of the chain."""

    tx_hash: str
    block: Block
    succeeded: bool


@dataclass(frozen=True)
class Fees:
    """What a transaction costs now, wei per gas."""

    base: int
    priority: int


class Node:
    """A node that must speak of the chain `chain_id`; `contract` is the token's address."""

    def __init__(self, web3: Web3, *, chain_id: int, contract: str) -> None:
        self._web3 = web3
        self.chain_id = chain_id
        self.contract = contract
        self._checked = False

    def head(self) -> Block:
        """The newest block. Raises NodeFailed, as all of these do; also when the node speaks of another chain."""
        with self._asked("head"):
            if not self._checked:
                said = self._web3.eth.chain_id
                if said != self.chain_id:
                    raise NodeFailed(f"the node speaks of chain {said}, and USDC_CHAIN_ID is {self.chain_id}")
                self._checked = True
            return _block(self._web3.eth.get_block("latest"))

    def block(self, number: int) -> Block | None:
        """The block at this height, or None where the chain does not reach it."""
        from web3.exceptions import BlockNotFound

        with self._asked(f"block {number}"):
            try:
                found = _block(self._web3.eth.get_block(number))
            except BlockNotFound:
                return None
            if found.number != number:
                raise NodeFailed(f"asked for block {number}, the node gave block {found.number}")
            return found

    def transfers(self, first: int, last: int, receivers: Sequence[str]) -> list[TransferLog]:
        """Every Transfer of the token to one of `receivers` in the blocks `first` to `last`, in the chain's order."""
        logs: list[TransferLog] = []
        for start in range(0, len(receivers), _TOPICS_AT_ONCE):
            part = receivers[start : start + _TOPICS_AT_ONCE]
            query: dict[str, Any] = {
                "fromBlock": first,
                "toBlock": last,
                "address": self.contract,
                "topics": [TRANSFER, None, ["0x" + "0" * 24 + address[2:].lower() for address in part]],
            }
            with self._asked(f"logs {first} to {last}"):
                logs += [self._transfer(log) for log in self._web3.eth.get_logs(query)]  # type: ignore[arg-type]
        wanted = set(receivers)
        for log in logs:
            if not first <= log.block.number <= last or log.receiver not in wanted:
                raise NodeFailed(
                    f"asked for blocks {first} to {last}, the node gave a log that is not of them"
                )
        places = {(log.block.number, log.log_index) for log in logs}
        hashes = {(log.block.number, log.block.hash) for log in logs}
        if len(places) != len(logs) or len(hashes) != len({number for number, _ in hashes}):
            raise NodeFailed(f"the logs of blocks {first} to {last} contradict each other")
        return sorted(logs, key=lambda log: (log.block.number, log.log_index))

    def balance(self, address: str) -> int:
        """Base units of the token at an address now."""
        with self._asked("balance"):
            call: dict[str, Any] = {
                "to": self.contract,
                "data": _BALANCE_OF + "0" * 24 + address[2:].lower(),
            }
            answer = bytes(self._web3.eth.call(call))  # type: ignore[arg-type]
            if len(answer) != 32:
                raise NodeFailed(
                    "the contract did not answer balanceOf; see whether USDC_CONTRACT is the token"
                )
            return int.from_bytes(answer)

    def gas_balance(self, address: str) -> int:
        """Wei at an address now."""
        with self._asked("balance of wei"):
            return int(self._web3.eth.get_balance(self._web3.to_checksum_address(address)))

    def nonce(self, address: str) -> int:
        """How many transactions of an address are part of the chain."""
        with self._asked("nonce"):
            return int(
                self._web3.eth.get_transaction_count(self._web3.to_checksum_address(address), "latest")
            )

    def fees(self) -> Fees:
        """What the network asks now."""
        with self._asked("fees"):
            base = int(self._web3.eth.get_block("latest")["baseFeePerGas"])
            return Fees(base, int(self._web3.eth.max_priority_fee))

    def send(self, raw: bytes) -> None:
        """Give a signed transaction to the network. One that it knows already is fine."""
        from web3.exceptions import Web3RPCError

        with self._asked("send"):
            try:
                self._web3.eth.send_raw_transaction(raw)
            except Web3RPCError as error:
                if not any(words in str(error).lower() for words in _KNOWN_ALREADY):
                    raise

    def mined(self, tx_hash: str) -> Mined | None:
        """Where a transaction stands in the chain, or None where it is not part of it."""
        from web3.exceptions import TransactionNotFound

        with self._asked(f"receipt {tx_hash}"):
            try:
                receipt = self._web3.eth.get_transaction_receipt(tx_hash)  # type: ignore[arg-type]
            except TransactionNotFound:
                return None
            if receipt is None or receipt.get("blockNumber") is None:
                return None
            if _hex(receipt["transactionHash"]) != tx_hash or receipt["status"] not in (0, 1):
                raise NodeFailed(f"the receipt of {tx_hash} is of something else")
            block = Block(int(receipt["blockNumber"]), _hex(receipt["blockHash"]))
            return Mined(tx_hash, block, receipt["status"] == 1)

    def _transfer(self, log: Any) -> TransferLog:
        if log.get("removed") or log["address"].lower() != self.contract.lower():
            raise NodeFailed("the node gave a log that was removed or is of another contract")
        topics = [_hex(topic) for topic in log["topics"]]
        data = bytes(log["data"])
        if len(topics) != 3 or topics[0] != TRANSFER or len(data) != 32:
            raise NodeFailed("the node gave a log that is no transfer")
        return TransferLog(
            tx_hash=_hex(log["transactionHash"]),
            log_index=int(log["logIndex"]),
            block=Block(int(log["blockNumber"]), _hex(log["blockHash"])),
            sender=self._web3.to_checksum_address("0x" + topics[1][-40:]),
            receiver=self._web3.to_checksum_address("0x" + topics[2][-40:]),
            amount=int.from_bytes(data),
        )

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        import requests
        from web3.exceptions import Web3Exception

        # What cannot be read is no answer: a field missing or of another type among them.
        unreadable = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
        try:
            yield
        except (Web3Exception, requests.RequestException, OSError, *unreadable) as error:
            raise NodeFailed(f"{what}: {type(error).__name__}: {str(error)[:160]}") from error


def connect(url: str, *, chain_id: int, contract: str) -> Node:
    """A node behind an HTTP address; nothing is asked yet."""
    from web3 import HTTPProvider, Web3

    provider = HTTPProvider(
        url, request_kwargs={"timeout": (_CONNECT_SECONDS, _READ_SECONDS)}, exception_retry_configuration=None
    )
    return Node(Web3(provider), chain_id=chain_id, contract=contract)


def _block(answer: Any) -> Block:
    return Block(int(answer["number"]), _hex(answer["hash"]))


def _hex(value: Any) -> str:
    text = bytes(value).hex()
    if len(text) != 64:
        raise ValueError(f"{len(text) // 2} bytes where a hash has 32")
    return "0x" + text
