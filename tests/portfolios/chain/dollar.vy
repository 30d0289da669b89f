# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
# A dollar of six decimals for tests: anybody may mint, and `pay_twice` makes two transfers in one transaction.

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

decimals: public(constant(uint8)) = 6
balanceOf: public(HashMap[address, uint256])
totalSupply: public(uint256)
refuses: public(bool)


@external
def mint(receiver: address, amount: uint256):
    self.balanceOf[receiver] += amount
    self.totalSupply += amount
    log Transfer(sender=empty(address), receiver=receiver, amount=amount)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    assert not self.refuses
    self._move(msg.sender, receiver, amount)
    return True


@external
def pay_twice(receiver: address, amount: uint256, other: address, rest: uint256):
    self._move(msg.sender, receiver, amount)
    self._move(msg.sender, other, rest)


@external
def refuse(refused: bool):
    # A real issuer can freeze transfers; then they fail.
    self.refuses = refused


@internal
def _move(sender: address, receiver: address, amount: uint256):
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
    log Transfer(sender=sender, receiver=receiver, amount=amount)
