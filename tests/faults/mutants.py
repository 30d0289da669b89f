"""Bugs that somebody might write. A harness that does not catch them proves nothing."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from portfolios.brokers.base import BrokerUnreachable
from portfolios.brokers.registry import BROKERS
from portfolios.core import allocation, dealing, money
from portfolios.models import Allocation, BlockOrder, Dealing, Order, Payment
from portfolios.selectors import pauses
from portfolios.services import idempotency, ledger, rebalancing
from portfolios.services.execution import books, planning, settlement
from portfolios.services.execution.venue import driving, fills
from portfolios.services.investing import placing
from portfolios.services.payments import asking, events, holds, sending
from tests.faults.database import Database
from tests.faults.owners_mutants import OWNERS_MUTANTS
from tests.faults.planting import Mutant, replaced, rewritten, wrapped
from tests.faults.ports import Feed

_numbers = itertools.count()


def _skip_the_lock(database: Database) -> Any:
    return rewritten(database, lambda text: text.replace(" FOR UPDATE OF b", ""))


def _forget_the_fee(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda lines: original([(block, replace(fill, fee=Decimal("0.000000"))) for block, fill in lines])


def _retry_blindly(original: Callable[..., Any]) -> Callable[..., Any]:
    def unknown(block: BlockOrder, error: Exception) -> None:
        again = BlockOrder.objects.select_related("asset__token", "cycle").get(pk=block.pk)
        try:
            BROKERS["paper"].order_place(driving.broker_order(again))
        except BrokerUnreachable:
            original(block, error)
        original(block, error)

    return unknown


def _timeout_is_failure(original: Callable[..., Any]) -> Callable[..., Any]:
    def unknown(block: BlockOrder, error: Exception) -> None:
        original(block, error)
        BlockOrder.objects.filter(pk=block.pk, status="unknown").update(status="rejected")

    return unknown


def _absent_at_once(original: Callable[..., Any]) -> Callable[..., Any]:
    def missing(*arguments: Any, **named: Any) -> Any:
        with patch.object(driving, "MISSES_BEFORE_ABSENT", 1):
            with patch.object(driving, "ABSENT_AFTER", driving.ABSENT_AFTER * 0):
                return original(*arguments, **named)

    return missing


def _trust_the_first_report(original: Callable[..., Any]) -> Callable[..., Any]:
    def apply(reports: Any, market: Any) -> Any:
        return original([(block, replace(report, state="done")) for block, report in reports], market)

    return apply


def _count_a_fill_twice(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda lines: original(
        [(block, replace(fill, trade_id=f"{fill.trade_id}-{next(_numbers)}")) for block, fill in lines]
    )


def _send_before_claiming(database: Database) -> Any:
    """The order is at the venue before it is on record that it may be."""

    def send(block: Any, desks: Any, reports: Any) -> bool:
        try:
            report = desks.at(block.venue).broker.order_place(driving.broker_order(block))
        except BrokerUnreachable as error:
            BlockOrder.objects.filter(pk=block.pk, status="new").update(status="sending")
            driving._unknown(block, error)
            return True
        BlockOrder.objects.filter(pk=block.pk, status="new").update(status="sending")
        reports.append((block, report))
        return True

    return replaced(driving._send, send)


@contextmanager
def _overfill_accepted(database: Database) -> Iterator[None]:
    """Nobody looks at how much of an order is still open."""
    with replaced(fills._open, lambda block, rows: 10**30):
        with patch.object(Allocation, "open_base", lambda row, scale: money.to_base(row.size, scale)):
            yield


def _units_before_cost(original: Callable[..., Any]) -> Callable[..., Any]:
    def settle(*, value_before: int, issued: int, value_now: int, cash: int, orders: Any, **more: Any) -> Any:
        whole = value_before + sum(order.amount for order in orders)
        return original(
            value_before=value_before, issued=issued, value_now=whole, cash=cash, orders=orders, **more
        )

    return settle


def _settle_at_new_prices(original: Callable[..., Any]) -> Callable[..., Any]:
    def market(cycle: Any) -> Any:
        found = original(cycle)
        quotes = {
            code: replace(quote, price=quote.price * 101 // 100) for code, quote in found.quotes.items()
        }
        return replace(found, quotes=quotes)

    return market


def _settle_twice(original: Callable[..., Any]) -> Callable[..., Any]:
    def settle(dealing_id: int, market: Any) -> Any:
        original(dealing_id, market)
        Dealing.objects.filter(pk=dealing_id).update(is_open=True)
        return original(dealing_id, market)

    return settle


def _forget_what_crossing_costs(original: Callable[..., Any]) -> Callable[..., Any]:
    def crossing(cycle: Any, found: Any, parts: Any, market: Any) -> Any:
        return original(cycle, replace(found, dollars={}), parts, market)

    return crossing


def _everybody_the_same(total: int, weights: Any) -> list[int]:
    """Equal parts where shares are due."""
    kept = [number for number, weight in enumerate(weights) if weight]
    parts = [0] * len(weights)
    for place, number in enumerate(kept):
        parts[number] = total // len(kept) + (place < total % len(kept))
    return parts


def _drop_the_remainder(total: int, weights: Any) -> list[int]:
    whole = sum(weights)
    return [total * weight // whole if whole else 0 for weight in weights]


def _split(fake: Callable[..., list[int]]) -> Callable[[Database], Any]:
    return lambda database: replaced(allocation.split, fake)


@contextmanager
def _ignore_the_halt(database: Database) -> Iterator[None]:
    """What the price guard says is thrown away."""
    with replaced(books.refusal, lambda block: None), patch.object(Feed, "halts", lambda feed, slugs, at: {}):
        yield


@contextmanager
def _ignore_the_operator(database: Database) -> Iterator[None]:
    """What a person has stopped goes on."""
    with replaced(books.refusal, lambda block: None), replaced(pauses.pauses, pauses.Pauses):
        yield


def _use_float(database: Database) -> Any:
    def from_base(units: int, scale: int) -> Decimal:
        return Decimal(repr(units / 10**scale)).quantize(Decimal(1).scaleb(-scale))

    return replaced(money.from_base, from_base)


def _epoch_by_local_time(original: Callable[..., Any]) -> Callable[..., Any]:
    """The week of somewhere west of Greenwich, by the clock on the wall."""

    def ensure(due: Any) -> Any:
        from datetime import timedelta

        from django.utils import timezone

        year, week, _ = (timezone.now() - timedelta(hours=9)).isocalendar()
        return original(replace(due, epoch=f"{year}-W{week:02d}"))

    return ensure


def _post_before_hold(original: Callable[..., Any]) -> Callable[..., Any]:
    def post(**entry: Any) -> Any:
        return None if entry["kind"] == "hold" else original(**entry)

    return post


def _cancel_after_dealing(original: Callable[..., Any]) -> Callable[..., Any]:
    def cancel(user: Any, order_id: Any) -> Any:
        Order.objects.filter(pk=order_id, user=user, status="dealing").update(status="accepted", dealing=None)
        return original(user, order_id)

    return cancel


def _forget_the_reference(original: Callable[..., Any]) -> Callable[..., Any]:
    def own(user: Any, direction: Any, reference: str) -> str:
        return original(user, direction, f"{uuid.uuid4()}:{reference}" if reference else "")

    return own


def _answer_every_time(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda user, key, print_, act: act()


def _credit_each_message(original: Callable[..., Any]) -> Callable[..., Any]:
    """Every message about a payment that succeeded is money that comes in, under the message's own name."""

    def follow(payment: Payment, state: Any, event: Any) -> Any:
        own = payment.reference
        if payment.completed_at is not None:
            payment.completed_at, payment.reference = None, f"{own}:{event.id}"
        original(payment, state, event)
        payment.reference = own
        payment.save(update_fields=["reference"])

    return follow


def _release_on_unknown(original: Callable[..., Any]) -> Callable[..., Any]:
    def send(payment: Payment) -> None:
        original(payment)
        holds.hold_void(
            payment.pk, status=Payment.Status.FAILED, reason="no answer", only=(Payment.Status.SENDING,)
        )

    return send


def _pay_out_before_claiming(original: Callable[..., Any]) -> Callable[..., Any]:
    """The money leaves before it is on record that it may have left."""

    def claim(payment_id: Any, now: Any) -> Any:
        payment = Payment.objects.select_related("user", "destination").get(pk=payment_id)
        if payment.status == Payment.Status.HELD:
            sending._send(payment)
        return original(payment_id, now)

    return claim


def _pending_is_paid(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda payment, answer: original(
        payment, replace(answer, paid=answer.paid or answer.pending, pending=False)
    )


MUTANTS = (
    Mutant("skip the lock of balances", _skip_the_lock, 44),
    Mutant("forget the fee", wrapped(fills.fills_post, _forget_the_fee)),
    Mutant("retry blindly", wrapped(driving._unknown, _retry_blindly), 17),
    Mutant("believe that a timeout is a failure", wrapped(driving._unknown, _timeout_is_failure), 17),
    Mutant("believe the first 'not found'", wrapped(driving._missing, _absent_at_once), 42),
    Mutant("believe that the first report is the last", wrapped(driving._apply, _trust_the_first_report), 13),
    Mutant("count a fill twice", wrapped(fills.fills_post, _count_a_fill_twice)),
    Mutant("send before it is on record", _send_before_claiming, 63),
    Mutant("accept an overfill", _overfill_accepted, 13),
    Mutant("issue units before the cost is known", wrapped(dealing.flow_settle, _units_before_cost)),
    Mutant("settle at other prices than dealt at", wrapped(books.cycle_market, _settle_at_new_prices)),
    Mutant("settle twice", wrapped(settlement.dealing_settle, _settle_twice)),
    Mutant("forget the dollars of a crossing", wrapped(planning._crossing, _forget_what_crossing_costs)),
    Mutant("allocate the same to everybody", _split(_everybody_the_same), 48),
    Mutant("drop what rounding leaves", _split(_drop_the_remainder)),
    Mutant("ignore the halt", _ignore_the_halt, 37),
    Mutant("ignore the operator's stop", _ignore_the_operator, 87),
    Mutant("use float", _use_float, 75),
    Mutant("take the week from local time", wrapped(rebalancing.rebalance_ensure, _epoch_by_local_time), 48),
    Mutant("post before the hold", wrapped(ledger.entry_post, _post_before_hold)),
    Mutant("cancel after dealing began", wrapped(placing.order_cancel, _cancel_after_dealing), 61),
    Mutant("forget the reference of a deposit", wrapped(asking.own_reference, _forget_the_reference), 1),
    Mutant("answer a key every time", wrapped(idempotency.answer_once, _answer_every_time), 43),
    Mutant("credit each message", wrapped(events._follow_state, _credit_each_message), 71),
    Mutant("release the hold when nobody answers", wrapped(sending._send, _release_on_unknown), 81),
    Mutant("pay out before it is on record", wrapped(sending._claim, _pay_out_before_claiming), 7),
    Mutant("believe that pending is paid", wrapped(sending._conclude, _pending_is_paid), 161),
    *(replace(mutant, owners=True) for mutant in OWNERS_MUTANTS),
)
