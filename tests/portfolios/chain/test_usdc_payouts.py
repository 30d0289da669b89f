"""USDC goes out: signed before it is sent, once whatever dies, replaced when stuck, final when confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from eth_account import Account

from portfolios import selectors
from portfolios.chain.node import Fees
from portfolios.chain.signing import fees_for, hot_wallet, transfer_sign
from portfolios.errors import InvalidAddress, InvalidTransfer
from portfolios.models import ChainTransaction, Payment, UsdcPayout, WithdrawalDestination
from portfolios.services import pauses, payments, usdc
from portfolios.services.faultpoints import hook_set
from tests.factories import user_make
from tests.portfolios.chain.local import USDC
from tests.portfolios.chain.scene import CONFIRMATIONS, Scene, price_set

pytestmark = pytest.mark.django_db

KEY = "0x" + "4c" * 32


class Died(BaseException):
    """The process ended here."""


@dataclass
class Till:
    """A scene whose person has $1,000 and an address of their own on the list."""

    scene: Scene
    wallet: str
    theirs: str
    listed: WithdrawalDestination
    asked: int = 0

    def ask(self, usd: str) -> Payment:
        """A withdrawal, handed to the queue of payouts."""
        asked = payments.withdraw(self.scene.user, usd, "usdc", destination=self.listed.pk)
        payments.withdrawals_send(now=timezone.now())
        return asked

    def status(self, asked: Payment) -> str:
        """What the withdrawal says after it has asked its provider."""
        self.asked += 1
        payments.withdrawals_follow(now=timezone.now() + timedelta(minutes=self.asked))
        asked.refresh_from_db()
        return asked.status

    def arrived(self) -> Decimal:
        return Decimal(int(self.scene.chain.token.functions.balanceOf(self.theirs).call())) / USDC


@pytest.fixture
def till(scene: Scene, settings: Any) -> Till:
    settings.USDC_HOT_KEY = KEY
    wallet = hot_wallet(KEY).address
    scene.chain.fund(wallet, usdc=5_000)
    scene.chain.pay(scene.address, 1_000, blocks=CONFIRMATIONS)
    scene.look()
    theirs = Account.from_key("0x" + "77" * 32).address
    now = timezone.now()
    listed = WithdrawalDestination.objects.create(
        user=scene.user, method="usdc", address=theirs, created_at=now, usable_from=now
    )
    return Till(scene, wallet, theirs, listed)


@pytest.fixture(autouse=True)
def _no_hook() -> Iterator[None]:
    yield
    hook_set(None)


def die_at(name: str) -> None:
    def hook(point: str) -> None:
        if point == name:
            raise Died(point)

    hook_set(hook)


def test_it_is_paid_at_the_mark_and_final_only_when_confirmed(till: Till) -> None:
    price_set("0.999")
    asked = till.ask("99.90")
    assert asked.status == "held"
    assert till.status(asked) == "sending"
    till.scene.look()
    assert till.status(asked) == "sending"
    assert till.arrived() == 100
    till.scene.chain.mine(CONFIRMATIONS - 2)
    till.scene.look()
    assert till.status(asked) == "sending"
    till.scene.chain.mine(1)
    look = till.scene.look()
    assert look.payouts == usdc.Progress(signed=0, paid=1, failed=0, open=0)
    assert till.status(asked) == "completed"
    payout = UsdcPayout.objects.get()
    assert asked.provider_reference == payout.tx_hash
    assert till.scene.cash() == Decimal("900.10")
    assert selectors.reserved(till.scene.user) == 0
    till.scene.look()
    assert till.arrived() == 100
    till.scene.books_hold()


@pytest.mark.parametrize("point", ["usdc payout signed", "usdc payout sent"])
def test_whoever_dies_after_storing_sends_the_same_transaction_again(till: Till, point: str) -> None:
    asked = till.ask("100")
    die_at(point)
    with pytest.raises(Died):
        till.scene.look()
    hook_set(None)
    assert till.arrived() == (100 if point == "usdc payout sent" else 0)
    for _ in range(3):
        till.scene.look()
        till.scene.chain.mine(1)
    till.scene.chain.mine(CONFIRMATIONS)
    till.scene.look()
    assert till.status(asked) == "completed"
    assert till.arrived() == 100
    assert ChainTransaction.objects.count() == 1
    assert len(set(till.scene.node.sent)) == 1
    till.scene.books_hold()


def test_a_send_without_an_answer_is_not_a_second_payment(till: Till) -> None:
    asked = till.ask("100")

    def dropped(truth: Any) -> None:
        truth()
        raise till_failed

    from portfolios.chain.node import NodeFailed

    till_failed = NodeFailed("the answer was lost")
    till.scene.node.lies["send"] = dropped
    till.scene.look()
    assert UsdcPayout.objects.get().status == "signed"
    till.scene.node.lies.clear()
    till.scene.chain.mine(CONFIRMATIONS)
    till.scene.look()
    assert till.status(asked) == "completed"
    assert till.arrived() == 100


def test_what_is_stuck_is_replaced_under_the_same_nonce(till: Till) -> None:
    asked = till.ask("100")
    till.scene.node.lies["send"] = lambda truth: None  # taken, and never mined
    till.scene.look()
    till.scene.look(minutes=9)
    assert ChainTransaction.objects.count() == 1
    till.scene.look(minutes=11)
    first, second = ChainTransaction.objects.all()
    assert first.nonce == second.nonce
    assert second.max_fee * 4 >= first.max_fee * 5
    assert second.priority_fee * 4 >= first.priority_fee * 5
    # The first one is mined after all: it is the same payment.
    till.scene.node.lies.clear()
    till.scene.node.send(bytes(first.raw))
    till.scene.chain.mine(CONFIRMATIONS)
    till.scene.look(minutes=12)
    assert till.status(asked) == "completed"
    assert UsdcPayout.objects.get().tx_hash == first.hash
    assert till.arrived() == 100
    till.scene.books_hold()


def test_a_payout_whose_block_is_gone_is_sent_again(till: Till) -> None:
    asked = till.ask("100")
    point = till.scene.chain.fork()
    till.scene.look()
    till.scene.chain.undo(point)
    till.scene.chain.mine(2)
    assert till.arrived() == 0
    till.scene.look()
    till.scene.chain.mine(CONFIRMATIONS)
    till.scene.look()
    assert till.status(asked) == "completed"
    assert till.arrived() == 100
    assert ChainTransaction.objects.count() == 1


def test_a_transfer_that_the_token_refuses_gives_the_money_back(till: Till) -> None:
    asked = till.ask("100")
    till.scene.chain.token.functions.refuse(True).transact({"from": till.scene.chain.bank})
    till.scene.look()
    till.scene.chain.mine(CONFIRMATIONS)
    assert till.scene.look().payouts == usdc.Progress(0, 0, 1, 0)
    assert till.status(asked) == "failed"
    assert till.scene.cash() == 1000
    till.scene.books_hold()


def test_several_wait_in_line_and_have_numbers_in_a_row(till: Till) -> None:
    for usd in ("10", "20", "30"):
        till.ask(usd)
    till.scene.node.lies["send"] = lambda truth: None  # taken, not mined yet: the chain still counts none
    till.scene.look()
    till.scene.node.lies.clear()
    till.scene.look()
    assert [payout.nonce for payout in UsdcPayout.objects.all()] == [0, 1, 2]
    till.scene.chain.mine(CONFIRMATIONS)
    assert till.scene.look().payouts == usdc.Progress(0, 3, 0, 0)
    assert till.arrived() == 60
    with pytest.raises(IntegrityError):
        UsdcPayout.objects.filter(nonce=2).update(nonce=1)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("USDC_PAYOUT_CAP", "99", "operator first"),
        ("USDC_DAILY_CAP", "99", "in a day"),
        ("USDC_MAX_FEE_GWEI", 0, "too high a fee"),
    ],
)
def test_caps_hold_it_back_and_say_so(
    till: Till, settings: Any, setting: str, value: object, words: str
) -> None:
    setattr(settings, setting, value)
    asked = till.ask("100")
    till.scene.look()
    payout = UsdcPayout.objects.get()
    assert payout.status == "queued"
    assert words in payout.reason
    assert till.scene.node.sent == []
    usdc.payout_refuse(payout.pk, by=user_make(), reason="Too large.")
    assert till.status(asked) == "failed"
    assert till.scene.cash() == 1000
    till.scene.books_hold()


def test_the_daily_cap_counts_what_was_signed_today(till: Till, settings: Any) -> None:
    settings.USDC_DAILY_CAP = "150"
    till.ask("100")
    till.ask("100")
    till.scene.look()
    assert UsdcPayout.objects.filter(status="queued").count() == 1
    till.scene.chain.mine(CONFIRMATIONS)
    till.scene.look(minutes=60)
    assert UsdcPayout.objects.filter(status="queued").count() == 1
    till.scene.look(minutes=12 * 60 + 1)
    assert UsdcPayout.objects.filter(status="queued").count() == 0


def test_an_empty_wallet_and_a_pause_hold_it_back(till: Till, settings: Any) -> None:
    settings.USDC_HOT_KEY = "0x" + "5d" * 32
    till.ask("100")
    till.scene.look()
    assert UsdcPayout.objects.get().reason == "The wallet is being refilled."
    settings.USDC_HOT_KEY = KEY
    pause = pauses.pause_start("withdrawals", reason="A drill.")
    till.scene.look()
    assert UsdcPayout.objects.get().reason == "A drill."
    pauses.pause_end(pause.pk, by=user_make())
    till.scene.look()
    assert UsdcPayout.objects.get().status == "sent"


def test_transactions_of_the_wallet_that_are_not_ours_stop_it(till: Till) -> None:
    till.ask("10")
    till.scene.look()
    wallet, node = hot_wallet(KEY), till.scene.node
    most, priority = fees_for(node.fees())
    for nonce in (1, 2):
        signed = transfer_sign(
            wallet,
            chain_id=node.chain_id,
            contract=node.contract,
            receiver=till.theirs,
            amount=1,
            nonce=nonce,
            max_fee=most,
            priority_fee=priority,
        )
        node.send(signed.raw)
    till.scene.chain.mine(1)
    till.ask("20")
    till.scene.look()
    assert UsdcPayout.objects.get(usd=20).reason == "An operator looks at the wallet first."


def test_a_signed_payout_cannot_be_refused(till: Till) -> None:
    till.ask("10")
    till.scene.look()
    with pytest.raises(InvalidTransfer, match="signed or finished"):
        usdc.payout_refuse(UsdcPayout.objects.get().pk, by=user_make(), reason="")


def test_below_98_cents_nothing_is_sent_and_the_money_is_free_again(till: Till) -> None:
    price_set("0.9")
    asked = till.ask("100")
    assert till.status(asked) == "failed"
    assert "too far below its dollar" in asked.reason
    assert till.scene.cash() == 1000
    assert not UsdcPayout.objects.exists()


@pytest.mark.parametrize("address", ["0x12", "0x" + "0" * 40, "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"])
def test_addresses_with_errors_are_refused(till: Till, address: str) -> None:
    with pytest.raises(InvalidAddress):
        payments.destination_add(till.scene.user, method="usdc", address=address)


def test_our_own_addresses_are_refused(till: Till) -> None:
    for address in (till.scene.address, till.scene.node.contract):
        with pytest.raises(InvalidAddress):
            payments.destination_add(till.scene.user, method="usdc", address=address.lower())


def test_a_replacement_offers_a_quarter_more_of_both() -> None:
    assert fees_for(Fees(100, 10)) == (210, 10)
    assert fees_for(Fees(100, 10), replaced=(210, 10)) == (263, 13)
    assert fees_for(Fees(1000, 10), replaced=(210, 10)) == (2010, 13)


def test_the_key_is_in_no_message() -> None:
    with pytest.raises(ValueError, match="USDC_HOT_KEY") as caught:
        hot_wallet("0xnot-a-key-but-secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert KEY not in repr(hot_wallet(KEY))
