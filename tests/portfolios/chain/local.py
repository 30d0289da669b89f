"""A chain in the test's own process: blocks can be mined, taken back and mined otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_tester import EthereumTester, PyEVMBackend
from web3 import EthereumTesterProvider, Web3

from portfolios.chain.node import Block, Fees, Mined, Node, NodeFailed, TransferLog

FILE = Path(__file__).with_name("dollar.json")
USDC = 10**6


class LocalChain:
    """eth-tester with the test dollar deployed; `bank` has plenty of it."""

    def __init__(self) -> None:
        self.tester = EthereumTester(PyEVMBackend())
        self.web3: Any = Web3(EthereumTesterProvider(self.tester))
        accounts = [str(address) for address in self.web3.eth.accounts]
        self.bank, self.people = accounts[0], accounts[1:]
        built = json.loads(FILE.read_text())
        factory = self.web3.eth.contract(abi=built["abi"], bytecode=built["bytecode"])
        made = self.web3.eth.wait_for_transaction_receipt(factory.constructor().transact({"from": self.bank}))
        assert made["contractAddress"] is not None
        self.contract = str(made["contractAddress"])
        self.token: Any = self.web3.eth.contract(address=made["contractAddress"], abi=built["abi"])
        self.token.functions.mint(self.bank, 10**9 * USDC).transact({"from": self.bank})
        self.mine(5)
        self._clock = 0

    @property
    def height(self) -> int:
        return int(self.web3.eth.block_number)

    def node(self) -> FlakyNode:
        return FlakyNode(self.web3, chain_id=int(self.web3.eth.chain_id), contract=self.contract)

    def mine(self, blocks: int = 1) -> None:
        self.tester.mine_blocks(blocks)

    def pay(self, receiver: str, usdc: str | int, *, blocks: int = 0) -> str:
        """A transfer in a block of its own, and `blocks` on top of it; its hash."""
        amount = int(float(usdc) * USDC)
        sent = self.token.functions.transfer(receiver, amount).transact({"from": self.bank})
        self.mine(blocks)
        return "0x" + bytes(sent).hex()

    def pay_twice(self, receiver: str, usdc: int, other: str, rest: int) -> None:
        """Two transfers in one transaction."""
        self.token.functions.pay_twice(receiver, usdc * USDC, other, rest * USDC).transact(
            {"from": self.bank}
        )

    def fork(self) -> Any:
        """A point to which `undo` goes back."""
        return self.tester.take_snapshot()

    def undo(self, point: Any) -> None:
        """The blocks since `point` are gone; those mined from now on are others, later in time."""
        self.tester.revert_to_snapshot(point)
        self._clock += 1_000
        self.tester.time_travel(self.tester.get_block_by_number("latest")["timestamp"] + self._clock)

    def fund(self, address: str, *, usdc: int, wei: int = 10**18) -> None:
        """Dollars and gas for a wallet."""
        self.pay(address, usdc)
        self.web3.eth.send_transaction({"from": self.bank, "to": address, "value": wei})


class FlakyNode(Node):
    """A node that can fail and lie: `fails` names methods that do not answer, `lies` replaces answers."""

    def __init__(self, web3: Web3, *, chain_id: int, contract: str) -> None:
        super().__init__(web3, chain_id=chain_id, contract=contract)
        self.fails: set[str] = set()
        self.lies: dict[str, Any] = {}
        self.sent: list[bytes] = []

    def head(self) -> Block:
        return self._told("head", super().head)

    def block(self, number: int) -> Block | None:
        return self._told("block", lambda: super(FlakyNode, self).block(number), number)

    def transfers(self, first: int, last: int, receivers: Any) -> list[TransferLog]:
        return self._told(
            "transfers", lambda: super(FlakyNode, self).transfers(first, last, receivers), first, last
        )

    def mined(self, tx_hash: str) -> Mined | None:
        return self._told("mined", lambda: super(FlakyNode, self).mined(tx_hash), tx_hash)

    def fees(self) -> Fees:
        return self._told("fees", super().fees)

    def send(self, raw: bytes) -> None:
        self.sent.append(raw)
        self._told("send", lambda: super(FlakyNode, self).send(raw))

    def _told(self, name: str, truth: Any, *arguments: Any) -> Any:
        if name in self.fails:
            raise NodeFailed(f"{name}: does not answer")
        if name in self.lies:
            return self.lies[name](truth, *arguments)
        return truth()
