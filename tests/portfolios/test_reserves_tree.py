"""The Merkle-sum tree: whatever is changed breaks it, and nothing negative hides in it."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolios.core import merkle
from portfolios.core.merkle import LANE, Node

ASSETS = [("USD", 6), ("token:alpha", 15), ("token:beta", 13)]
AMOUNT = st.integers(0, 2**100)
LEAVES = st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT), min_size=1, max_size=40)


def salt(place: int) -> bytes:
    return place.to_bytes(32)


def tree_of(amounts: list[tuple[int, int, int]]) -> list[list[Node]]:
    return merkle.levels(
        [
            merkle.leaf(f"person-{place}@example.org", salt(place), merkle.lanes(each))
            for place, each in enumerate(amounts)
        ]
    )


def proof_of(amounts: list[tuple[int, int, int]], place: int) -> dict[str, Any]:
    tree = tree_of(amounts)
    return merkle.document(
        day="2026-11-23",
        assets=ASSETS,
        count=len(amounts),
        place=place,
        label=f"person-{place}@example.org",
        salt=salt(place),
        amounts=amounts[place],
        steps=merkle.path(tree, place),
    )


@given(LEAVES)
@settings(max_examples=60)
def test_everybody_finds_their_part_and_the_root_is_the_sum(amounts: list[tuple[int, int, int]]) -> None:
    root = tree_of(amounts)[-1][0]
    assert root.sums == [sum(column) for column in zip(*amounts, strict=True)]
    published = merkle.commitment(root, ASSETS, len(amounts))
    for place in range(len(amounts)):
        proof = proof_of(amounts, place)
        assert merkle.verify(json.loads(json.dumps(proof))) == ""
        assert proof["commitment"] == published


@given(LEAVES, st.data())
@settings(max_examples=100)
def test_any_changed_leaf_changes_the_root(amounts: list[tuple[int, int, int]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(amounts) - 1))
    asset = data.draw(st.integers(0, 2))
    changed = [list(each) for each in amounts]
    changed[place][asset] += data.draw(st.integers(1, 10))
    assert tree_of(amounts)[-1][0].digest != tree_of([tuple(each) for each in changed])[-1][0].digest  # type: ignore[misc]


def every_change(proof: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The proof with one thing changed, for every thing that it says."""
    found: list[tuple[str, dict[str, Any]]] = []

    def walk(value: Any, path: list[str | int]) -> None:
        if isinstance(value, dict):
            for name, each in value.items():
                walk(each, [*path, name])
        elif isinstance(value, list):
            for place, each in enumerate(value):
                walk(each, [*path, place])
        else:
            other = copy.deepcopy(proof)
            at: Any = other
            for name in path[:-1]:
                at = at[name]
            if isinstance(value, int):
                at[path[-1]] = value + 1
            elif str(value).isdigit():
                at[path[-1]] = str(int(value) + 1)
            else:
                at[path[-1]] = ("0" if value[:1] != "0" else "1") + value[1:]
            found.append((".".join(map(str, path)), other))

    walk({name: each for name, each in proof.items() if name != "day"}, [])
    return found


@given(st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT), min_size=2, max_size=9), st.data())
@settings(max_examples=25)
def test_whatever_is_changed_in_a_proof_breaks_it(
    amounts: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    proof = proof_of(amounts, data.draw(st.integers(0, len(amounts) - 1)))
    for name, changed in every_change(proof):
        assert merkle.verify(changed) != "", name


@given(st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT), min_size=3, max_size=12), st.data())
@settings(max_examples=40)
def test_the_order_of_the_way_matters(amounts: list[tuple[int, int, int]], data: st.DataObject) -> None:
    proof = proof_of(amounts, data.draw(st.integers(0, len(amounts) - 1)))
    steps = proof["path"]
    if len(steps) < 2:
        return
    swapped = {**proof, "path": [steps[1], steps[0], *steps[2:]]}
    assert merkle.verify(swapped) != ""
    assert merkle.verify({**proof, "path": steps[:-1]}) != ""
    assert merkle.verify({**proof, "path": [*steps, steps[0]]}) != ""


@given(st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT), min_size=4, max_size=12), st.data())
@settings(max_examples=40)
def test_nothing_can_be_shifted_from_one_neighbour_to_another(
    amounts: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """The root's sums stay the same, and still the hashes tell."""
    owed = [(first + 1, *rest) for first, *rest in amounts]
    proof = proof_of(owed, data.draw(st.integers(0, 3)))  # type: ignore[arg-type]
    low, high = proof["path"][0]["sums"], proof["path"][-1]["sums"]
    low[0], high[0] = str(int(low[0]) - 1), str(int(high[0]) + 1)
    assert "does not lead to the root" in merkle.verify(proof)


def test_the_hashes_are_those_of_the_document() -> None:
    """Written out once more from docs/reserves.md, for two people and one asset."""
    both = [
        hashlib.sha256(b"\x00" + b"\x00\x01" + name + salt(place) + amount.to_bytes(20)).digest()
        for place, (name, amount) in enumerate([(b"a", 5), (b"b", 7)])
    ]
    top = hashlib.sha256(b"\x01" + both[0] + both[1] + (5).to_bytes(20) + (7).to_bytes(20)).digest()
    named = b'[["USD",6]]'
    said = hashlib.sha256(
        b"\x02" + (2).to_bytes(8) + len(named).to_bytes(4) + named + top + (12).to_bytes(20)
    ).hexdigest()
    leaves = [
        merkle.leaf(name, salt(n), merkle.lanes([amount]))
        for n, (name, amount) in enumerate([("a", 5), ("b", 7)])
    ]
    assert merkle.commitment(merkle.levels(leaves)[-1][0], [("USD", 6)], 2) == said


@given(st.integers(-(2**100), -1), LEAVES)
@settings(max_examples=40)
def test_a_negative_leaf_cannot_hide_a_debt(debt: int, amounts: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValueError, match="negative"):
        tree_of([*amounts, (debt, 0, 0)])
    proof = proof_of([*amounts, (5, 5, 5)], 0)
    for place in ("leaf", "root"):
        changed = copy.deepcopy(proof)
        changed[place]["amounts" if place == "leaf" else "sums"][0] = str(debt)
        assert "negative" in merkle.verify(changed)
    # A debt written as what it would be without a sign is a claim larger than the lane of any leaf.
    with pytest.raises(ValueError, match="too large"):
        merkle.lanes([debt % 2 ** (8 * LANE)])


def test_a_sum_cannot_run_over_into_the_next_asset() -> None:
    full = Node(b"\x00" * 32, b"".join(n.to_bytes(LANE) for n in (0, 2 ** (8 * LANE) - 1)))
    one = Node(b"\x01" * 32, merkle.lanes([0, 1]))
    # Two sums that cannot stand below 2^32 honest leaves: the carry is seen, for it changes the root's first asset.
    assert merkle.parent(full, one).sums == [1, 0]
    with pytest.raises(OverflowError):
        merkle.parent(Node(full.digest, full.lanes[LANE:] * 2), one)


def test_a_leaf_is_no_node_and_two_people_have_two_leaves() -> None:
    same = merkle.lanes([1, 2, 3])
    assert merkle.leaf("a@x.org", salt(1), same).digest != merkle.leaf("b@x.org", salt(1), same).digest
    assert merkle.leaf("a@x.org", salt(1), same).digest != merkle.leaf("a@x.org", salt(2), same).digest
    with pytest.raises(ValueError, match="same assets"):
        merkle.parent(merkle.leaf("a", salt(1), same), merkle.leaf("a", salt(1), merkle.lanes([1])))
    with pytest.raises(ValueError, match="leaves"):
        merkle.levels([])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_blocks_of_a_power_of_two_make_the_same_tree(count: int) -> None:
    leaves = tree_of([(place, 1, 2) for place in range(count)])[0]
    tops = [merkle.levels(leaves[start : start + 4])[-1][0] for start in range(0, count, 4)]
    assert merkle.levels(tops)[-1][0] == merkle.levels(leaves)[-1][0]


def test_the_verifier_runs_without_anything_of_ours(tmp_path: Path) -> None:
    proof = proof_of([(1_500_000, 0, 7), (2, 3, 4), (5, 6, 7)], 0)
    file = tmp_path / "proof.json"
    root = Path(merkle.__file__).resolve().parents[2]

    def run() -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-S",
            "-m",
            "portfolios.core.merkle",
            str(file),
        ]  # -S: no installed packages
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    file.write_text(json.dumps(proof))
    good = run()
    assert good.returncode == 0
    assert "person-0@example.org is owed:\n  1.5 USD\n  0.0000000000007 token:beta\n" in good.stdout
    assert proof["commitment"] in good.stdout
    proof["leaf"]["amounts"][0] = "1500001"
    file.write_text(json.dumps(proof))
    bad = run()
    assert (bad.returncode, "does NOT hold" in bad.stdout) == (1, True)
    file.write_text("[]")
    assert run().returncode == 1
    file.write_text("{")
    assert run().returncode == 2


@pytest.mark.parametrize("broken", [{}, {"format": "x"}, {"format": merkle.FORMAT, "assets": 3}])
def test_nonsense_is_no_proof(broken: dict[str, Any]) -> None:
    assert merkle.verify(broken) != ""
