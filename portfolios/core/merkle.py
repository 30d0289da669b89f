"""A Merkle-sum tree of what is owed, and a verifier that needs nothing but Python:

    python -m portfolios.core.merkle FILE.json

Every node commits to a hash and to the exact sums of everything below it, in base units, one for each asset. A sum
is an unsigned number of 20 bytes, so no debt can hide behind a negative one, and a parent's hash covers the sums of
both of its children, so none can be shifted between them. With || for concatenation, all numbers big-endian:

    lanes(amounts)  = each amount in 20 bytes, in the order of the assets
    leaf            = SHA-256(0x00 || length of label (2) || label || salt (32) || lanes(amounts))
    node            = SHA-256(0x01 || left hash || right hash || lanes(left sums) || lanes(right sums))
    node sums       = left sums + right sums
    commitment      = SHA-256(0x02 || leaves (8) || length of assets (4) || assets || root hash || lanes(root sums))

`assets` is a JSON array of [code, decimals] without spaces. A node without a neighbour rises unchanged. The label names
the person (their email), so that one leaf cannot be shown to two people who are owed the same; the salt hides it
from everybody else.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = "bellwether-reserves-1"
LANE = 20
LARGEST = 2**128
"""An amount of a leaf is less than this; 2^32 of them still fit into a lane."""
MOST_LEAVES = 2**32


@dataclass(frozen=True, slots=True)
class Node:
    """`digest` of 32 bytes; `lanes` are the sums, 20 bytes for each asset."""

    digest: bytes
    lanes: bytes

    @property
    def sums(self) -> list[int]:
        """Base units per asset."""
        return [int.from_bytes(self.lanes[at : at + LANE]) for at in range(0, len(self.lanes), LANE)]


@dataclass(frozen=True)
class Step:
    """A neighbour on the way from a leaf to the root."""

    left: bool
    node: Node


def lanes(amounts: Sequence[int]) -> bytes:
    """Amounts as a leaf holds them. Raises ValueError where one is negative or too large."""
    for amount in amounts:
        if not 0 <= amount < LARGEST:
            raise ValueError(
                f"amount: {amount} is negative or too large; what is owed is never less than nothing"
            )
    return b"".join(amount.to_bytes(LANE) for amount in amounts)


def leaf(label: str, salt: bytes, amounts: bytes) -> Node:
    """The leaf of one person; `amounts` as `lanes` makes them."""
    name = label.encode()
    if len(salt) != 32 or len(name) > 65535 or len(amounts) % LANE:
        raise ValueError("leaf: a salt has 32 bytes, a label at most 65,535, and amounts are whole lanes")
    head = b"\x00" + len(name).to_bytes(2) + name + salt
    return Node(hashlib.sha256(head + amounts).digest(), amounts)


def parent(left: Node, right: Node) -> Node:
    """The node above two. Raises ValueError where their assets differ or a sum does not fit any more."""
    size = len(left.lanes)
    if len(right.lanes) != size:
        raise ValueError("the two nodes do not sum the same assets")
    # All sums at once: as one long number, since no lane below 2^32 leaves can carry into the next.
    total = (int.from_bytes(left.lanes) + int.from_bytes(right.lanes)).to_bytes(size)
    digest = hashlib.sha256(b"\x01" + left.digest + right.digest + left.lanes + right.lanes).digest()
    return Node(digest, total)


def levels(nodes: Sequence[Node]) -> list[list[Node]]:
    """The tree above `nodes`, from the bottom (themselves) to the root. Raises ValueError where there are none."""
    if not 0 < len(nodes) <= MOST_LEAVES:
        raise ValueError(f"a tree has 1 to {MOST_LEAVES} leaves, not {len(nodes)}")
    found = [list(nodes)]
    while len(found[-1]) > 1:
        below = found[-1]
        above = [parent(left, right) for left, right in zip(below[::2], below[1::2], strict=False)]
        found.append(above + below[len(below) & ~1 :])
    return found


def path(tree: Sequence[Sequence[Node]], place: int) -> list[Step]:
    """The neighbours of the node at `place` of the lowest level, from the bottom up."""
    steps = []
    for level in tree[:-1]:
        neighbour = place ^ 1
        if neighbour < len(level):
            steps.append(Step(left=neighbour < place, node=level[neighbour]))
        place >>= 1
    return steps


def climb(node: Node, steps: Sequence[Step]) -> Node:
    """The root that a leaf and its neighbours lead to."""
    for step in steps:
        node = parent(step.node, node) if step.left else parent(node, step.node)
    return node


def commitment(root: Node, assets: Sequence[tuple[str, int]], count: int) -> str:
    """What is published of a tree of `count` leaves, hexadecimal; `assets` are (code, decimals)."""
    if len(root.lanes) != LANE * len(assets):
        raise ValueError(f"the root sums {len(root.lanes) // LANE} assets, and {len(assets)} are named")
    named = json.dumps([list(asset) for asset in assets], separators=(",", ":")).encode()
    head = b"\x02" + count.to_bytes(8) + len(named).to_bytes(4) + named
    return hashlib.sha256(head + root.digest + root.lanes).hexdigest()


def sides(place: int, count: int) -> list[bool]:
    """Whether each neighbour on the way up from leaf `place` of `count` stands on the left."""
    found = []
    while count > 1:
        if place ^ 1 < count:
            found.append(bool(place & 1))
        place, count = place >> 1, (count + 1) >> 1
    return found


def document(
    *,
    day: str,
    assets: Sequence[tuple[str, int]],
    count: int,
    place: int,
    label: str,
    salt: bytes,
    amounts: Sequence[int],
    steps: Sequence[Step],
) -> dict[str, Any]:
    """One person's proof, as `verify` reads it."""
    root = climb(leaf(label, salt, lanes(amounts)), steps)
    return {
        "format": FORMAT,
        "day": day,
        "commitment": commitment(root, assets, count),
        "assets": [{"code": code, "decimals": decimals} for code, decimals in assets],
        "leaves": count,
        "leaf": {"place": place, "label": label, "salt": salt.hex(), "amounts": _texts(amounts)},
        "path": [{"hash": step.node.digest.hex(), "sums": _texts(step.node.sums)} for step in steps],
        "root": {"hash": root.digest.hex(), "sums": _texts(root.sums)},
    }


def verify(proof: Mapping[str, Any]) -> str:
    """Why a proof does not hold, or empty where it does: the leaf, with its sums, is part of what was committed to.

    Whether the commitment is the published one, and the label and the amounts are one's own, is for the person to see.
    """
    try:
        if proof["format"] != FORMAT:
            return f"this is not a proof of the form {FORMAT}"
        assets = [(str(asset["code"]), int(asset["decimals"])) for asset in proof["assets"]]
        own, count = proof["leaf"], int(proof["leaves"])
        turns = sides(int(own["place"]), count)
        if not 0 <= int(own["place"]) < count or len(turns) != len(proof["path"]):
            return "the way to the root does not have the length that this place in the tree has"
        start = leaf(str(own["label"]), bytes.fromhex(own["salt"]), _numbers(own["amounts"], len(assets)))
        steps = [
            Step(left, Node(_digest(step["hash"]), _numbers(step["sums"], len(assets), of_leaf=False)))
            for left, step in zip(turns, proof["path"], strict=True)
        ]
        root = climb(start, steps)
        said = Node(
            _digest(proof["root"]["hash"]), _numbers(proof["root"]["sums"], len(assets), of_leaf=False)
        )
        if root != said:
            return "the leaf does not lead to the root: a sum, a hash or an order was changed"
        if commitment(root, assets, count) != proof["commitment"]:
            return "the root does not lead to the commitment: assets, number of people or sums were changed"
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        return f"the proof cannot be read: {type(error).__name__}: {error}"
    return ""


def _texts(amounts: Sequence[int]) -> list[str]:
    return [str(amount) for amount in amounts]


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError("a hash has 32 bytes")
    return digest


def _numbers(texts: Sequence[str], count: int, *, of_leaf: bool = True) -> bytes:
    """Lanes of decimal texts; only plain digits are numbers here, and a sum may fill its lane."""
    if len(texts) != count:
        raise ValueError(f"{len(texts)} sums for {count} assets")
    if any(not (isinstance(text, str) and text.isascii() and text.isdigit()) for text in texts):
        raise ValueError("a sum is written as plain digits; nothing owed is negative")
    amounts = [int(text) for text in texts]
    return lanes(amounts) if of_leaf else b"".join(amount.to_bytes(LANE) for amount in amounts)


def main(arguments: Sequence[str]) -> int:
    """The command: prints what the proof shows; 0 where it holds, 1 where it does not, 2 for a wrong call."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m portfolios.core.merkle FILE.json\n")
        return 2
    try:
        proof = json.loads(Path(arguments[0]).read_text())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{arguments[0]} cannot be read: {error}\n")
        return 2
    fault = verify(proof) if isinstance(proof, dict) else "it is not a JSON object"
    if fault:
        sys.stdout.write(f"The proof does NOT hold: {fault}.\n")
        return 1
    own = proof["leaf"]
    sys.stdout.write(f"The proof of {proof['day']} holds. It says that {own['label']} is owed:\n")
    for asset, amount in zip(proof["assets"], own["amounts"], strict=True):
        if int(amount):
            sys.stdout.write(f"  {_shown(int(amount), int(asset['decimals']))} {asset['code']}\n")
    sys.stdout.write(f"as one of {proof['leaves']} people. Compare this with the public page:\n")
    sys.stdout.write(f"  {proof['commitment']}\n")
    return 0


def _shown(amount: int, decimals: int) -> str:
    text = str(amount).rjust(decimals + 1, "0")
    whole, fraction = text[: len(text) - decimals], text[len(text) - decimals :].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
