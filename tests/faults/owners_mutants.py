"""Bugs in personal portfolios, approvals and plans, which only schedules with owners and staff can catch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import numpy as np
from django.db import transaction
from django.db.models import F

from portfolios.core.bulk import rounds, trading
from portfolios.core.bulk.whole import divided
from portfolios.errors import ApprovalRefused, PaymentDeclined
from portfolios.models import Book, BookChange, DealingBlock, Payment, Subscription
from portfolios.services import plans
from portfolios.services.execution import nominees
from portfolios.services.nominees import dealing, opening, planning, storing
from portfolios.services.payments import approvals, limits
from signals import selectors as signal_selectors
from tests.faults.database import Database
from tests.faults.planting import Mutant, replaced, wrapped

_numbers = itertools.count()


def _store_a_part_twice(original: Callable[..., Any]) -> Callable[..., Any]:
    """Nobody looks whether a block has its part, and the reference of a batch says nothing."""
    store = storing.batch_store

    def anew(*arguments: Any, reference: str, block: Any, **named: Any) -> bool:
        return store(*arguments, reference=f"{reference}:{next(_numbers)}", block=None, **named)

    def settle(this: Any, about: Any, block: DealingBlock) -> None:
        original(this, about, block)
        DealingBlock.objects.filter(pk=block.pk).update(stored_at=None)
        with patch.object(dealing, "batch_store", anew):
            original(this, about, block)

    return settle


def _the_same_to_every_book(total: int, weights: Any) -> Any:
    """Equal parts where shares are due."""
    return divided(total, np.where(weights > 0, 1, 0)) if len(weights) else weights


def _choice_of_another(original: Callable[..., Any]) -> Callable[..., Any]:
    """Settings come into force for the book next to the one that they were chosen for."""

    def apply(nominee: Any, basket: Any, *, at: Any) -> Any:
        waiting = list(BookChange.objects.filter(book__nominee=nominee, applied_at=None))
        wider = original(nominee, basket, at=at)
        for change in waiting:
            other = Book.objects.filter(nominee=nominee).exclude(pk=change.book_id).order_by("-id").first()
            if other is not None:
                Book.objects.filter(pk=other.pk).update(
                    excluded=opening.mask_of(wider, change.excluded),
                    max_weight=change.max_weight,
                    risk_share=change.risk_share,
                )
        return wider

    return apply


def _buy_what_is_left_out(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda this, books: original(this, replace(books, excluded=np.zeros_like(books.excluded)))


def _plan_again_at_new_prices(original: Callable[..., Any]) -> Callable[..., Any]:
    """A plan that is made again after a crash follows the prices of that moment."""

    def marks(cycle: Any) -> Any:
        known = original(cycle)
        slugs = [code.removeprefix("token:") for code in known]
        now = signal_selectors.prices(slugs, at=signal_selectors.market_time())
        exact = {f"token:{slug}": type(known[f"token:{slug}"])(repr(price)) for slug, price in now.items()}
        return known | exact

    return marks


def _pay_what_was_asked_for(original: Callable[..., Any]) -> Callable[..., Any]:
    """A redemption is paid in full, whatever the sales brought."""

    def paid(wanted: Any, at: Any, income: Any, left: Any) -> Any:
        given, dust = original(wanted, at, income, left)
        if wanted.flow is None:
            return given, dust
        asked = wanted.flow.needed(wanted.wishes.worth) // 10_000 * 10_000
        return np.maximum(given, asked), dust

    return paid


def _forget_what_it_cost(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda deltas, at, came: np.zeros_like(original(deltas, at, came))


def _give_for_nothing(original: Callable[..., Any]) -> Callable[..., Any]:
    """What changes hands between books is not paid for."""

    def net(wanted: Any, at: Any) -> Any:
        orders = original(wanted, at)
        return replace(orders, crossed_value=tuple(0 for _ in orders.crossed_value))

    return net


def _all_orders_of_a_book(original: Callable[..., Any]) -> Callable[..., Any]:
    return list


@contextmanager
def _one_is_enough(database: Database) -> Iterator[None]:
    with patch.object(limits, "APPROVALS", 1):
        yield


def _count_a_yes_twice(original: Callable[..., Any]) -> Callable[..., Any]:
    def approve(payment_id: Any, *, staff: Any) -> Any:
        payment = original(payment_id, staff=staff)
        if 2 * payment.approvals.count() >= payment.approvals_needed:
            payment.status = Payment.Status.HELD
            payment.save(update_fields=["status"])
        return payment

    return approve


def _approve_ones_own(original: Callable[..., Any]) -> Callable[..., Any]:
    def waiting(payment_id: Any, staff: Any) -> Any:
        payment = Payment.objects.select_for_update(of=("self",)).select_related("user").get(pk=payment_id)
        if payment.status != Payment.Status.AWAITING_APPROVAL:
            raise ApprovalRefused("It waits for no approval.")
        return payment

    return waiting


def _send_what_was_refused(original: Callable[..., Any]) -> Callable[..., Any]:
    """Who says no only takes back the yes of others."""

    @transaction.atomic
    def refuse(payment_id: Any, *, staff: Any, reason: str) -> Any:
        payment = approvals._waiting(payment_id, staff)
        payment.reason = reason
        payment.save(update_fields=["reason"])
        return payment

    return refuse


def _the_whole_month(price: Decimal, **period: Any) -> Decimal:
    return price


def _a_day_early(original: Callable[..., Any]) -> Callable[..., Any]:
    """The next month begins before the last one is over."""

    def renew(key: int, now: Any) -> bool:
        due = Subscription.objects.filter(pk=key, status="active", period_end__lte=now)
        due.update(period_end=F("period_end") - timedelta(days=1))
        return bool(original(key, now))

    return renew


def _declined_is_paid(original: Callable[..., Any]) -> Callable[..., Any]:
    def charge(*arguments: Any) -> None:
        with suppress(PaymentDeclined):
            original(*arguments)

    return charge


OWNERS_MUTANTS = (
    Mutant("store the part of a book twice", wrapped(dealing.block_settle, _store_a_part_twice), 23),
    Mutant("give the same to every book", lambda database: replaced(divided, _the_same_to_every_book), 5),
    Mutant("apply one's choice to another book", wrapped(opening.changes_apply, _choice_of_another), 104),
    Mutant("buy what is left out", wrapped(planning.planned, _buy_what_is_left_out), 5),
    Mutant("plan books again at new prices", wrapped(planning.cycle_marks, _plan_again_at_new_prices), 50),
    Mutant("pay what was asked for", wrapped(rounds.paid_out, _pay_what_was_asked_for), 482),
    Mutant("forget what trading cost a book", wrapped(rounds.costs, _forget_what_it_cost), 5),
    Mutant("give between books for nothing", wrapped(trading.netted, _give_for_nothing), 338),
    Mutant("deal all orders of a book at once", wrapped(nominees.one_of_each_book, _all_orders_of_a_book), 5),
    Mutant("let one approval be enough", _one_is_enough, 5),
    Mutant("count an approval twice", wrapped(approvals.withdrawal_approve, _count_a_yes_twice), 14),
    Mutant("approve one's own withdrawal", wrapped(approvals._waiting, _approve_ones_own), 86),
    Mutant("send what was refused", wrapped(approvals.withdrawal_refuse, _send_what_was_refused), 122),
    Mutant("charge the whole month", lambda database: replaced(plans.prorated, _the_whole_month), 1004),
    Mutant("begin a month a day early", wrapped(plans._renew_once, _a_day_early), 446),
    Mutant("give a plan that was not paid", wrapped(plans._charge, _declined_is_paid), 446),
)
