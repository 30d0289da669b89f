"""What a set of messages about a card payment means, whatever their order and number."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.cards import KINDS, CardFact, card_state

HUNDRED = Decimal(100)
PAID = CardFact("paid", HUNDRED)


def fact(kind: str, amount: int = 0, item: str = "") -> CardFact:
    return CardFact(kind, Decimal(amount), item)


@pytest.mark.parametrize(
    ("facts", "status", "refunded", "disputed"),
    [
        ([], "pending", 0, 0),
        ([fact("failed")], "failed", 0, 0),
        ([fact("failed"), fact("expired")], "expired", 0, 0),
        ([fact("failed"), PAID], "completed", 0, 0),
        ([fact("expired"), PAID], "completed", 0, 0),
        ([fact("paid", 99)], "pending", 0, 0),
        ([fact("refunded", 30)], "pending", 0, 0),
        ([PAID, fact("refunded", 30)], "completed", 30, 0),
        ([PAID, fact("refunded", 30), fact("refunded", 80)], "completed", 80, 0),
        ([PAID, fact("refunded", 100)], "reversed", 100, 0),
        ([PAID, fact("dispute_opened", 100, "a")], "disputed", 0, 100),
        ([PAID, fact("dispute_taken", 100, "a")], "disputed", 0, 100),
        ([PAID, fact("dispute_opened", 100, "a"), fact("dispute_taken", 100, "a")], "disputed", 0, 100),
        ([PAID, fact("dispute_opened", 100, "a"), fact("dispute_won", 100, "a")], "completed", 0, 0),
        ([PAID, fact("dispute_taken", 100, "a"), fact("dispute_given", 100, "a")], "completed", 0, 0),
        ([PAID, fact("dispute_taken", 100, "a"), fact("dispute_lost", 100, "a")], "reversed", 0, 100),
        ([PAID, fact("dispute_lost", 40, "a")], "completed", 0, 40),
        ([PAID, fact("dispute_opened", 40, "a"), fact("dispute_opened", 60, "b")], "disputed", 0, 100),
        (
            [PAID, fact("refunded", 60), fact("dispute_taken", 40, "a"), fact("dispute_lost", 40, "a")],
            "reversed",
            60,
            40,
        ),
    ],
)
def test_what_they_add_up_to(facts: list[CardFact], status: str, refunded: int, disputed: int) -> None:
    state = card_state(HUNDRED, facts)
    assert (state.status, state.refunded, state.disputed) == (status, refunded, disputed)
    assert state.is_paid is (PAID in facts)


FACTS = st.builds(
    CardFact,
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([Decimal(0), Decimal(40), Decimal(60), HUNDRED]),
    st.sampled_from(["", "a", "b"]),
)


@given(st.lists(FACTS, max_size=20), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(facts: list[CardFact], chance: random.Random) -> None:
    again = [*facts, *chance.choices(facts, k=len(facts))] if facts else []
    chance.shuffle(again)
    assert card_state(HUNDRED, again) == card_state(HUNDRED, facts)


@given(st.lists(FACTS, max_size=20))
def test_nothing_is_taken_back_of_what_never_came(facts: list[CardFact]) -> None:
    state = card_state(HUNDRED, facts)
    assert state.refunded >= 0
    assert state.disputed >= 0
    if not state.is_paid:
        assert (state.refunded, state.disputed) == (0, 0)


def test_fifty_messages_twenty_times_in_a_hundred_orders() -> None:
    chance = random.Random(7)
    amounts = [Decimal(10), Decimal(25), HUNDRED]
    facts = [PAID] + [
        CardFact(chance.choice(sorted(KINDS - {"paid"})), chance.choice(amounts), chance.choice("abcd"))
        for _ in range(49)
    ]
    in_order = card_state(HUNDRED, facts)
    for _ in range(100):
        deliveries = facts * 20
        chance.shuffle(deliveries)
        assert card_state(HUNDRED, deliveries) == in_order


def test_an_unknown_message_is_an_error() -> None:
    with pytest.raises(ValueError, match="kind"):
        card_state(HUNDRED, [fact("paid_twice")])
