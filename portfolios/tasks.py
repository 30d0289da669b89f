"""The ticks of this room: each finds what is due, by the market clock, and may run twice, late or never."""

import logging

from celery import shared_task
from django.utils import timezone

from portfolios.services import (
    execution,
    fees,
    idempotency,
    investing,
    ledger_check,
    notice_events,
    notice_mail,
    payments,
    plans,
    rebalancing,
    reconciliation,
    recurring,
    reserves,
    statements,
    usdc,
    valuations,
)
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)


@shared_task
def rebalances_tick() -> int:
    """A stored rebalance for every portfolio whose decision in force is new; how many."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    return len(rebalancing.rebalances_ensure(signal_selectors.last_closed_day()))


@shared_task(ignore_result=True)  # every few seconds: a row each would bury the others
def dealing_tick() -> dict[str, int | bool]:
    """Dealing cycles opened and driven as far as they go."""
    if signal_selectors.market_active_or_none() is None:
        return {"opened": 0, "settled": 0, "at_rest": True}
    # The fee of a close is borne by who was there then: it is taken before anybody comes or goes.
    fees.fees_accrue(signal_selectors.last_closed_day())
    # First who has to follow a decision: money that comes in now buys what is in force, and must not be traded again.
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    summary = execution.dealing_run()
    if investing.switches_advance(now=timezone.now()):
        # What was sold a moment ago is invested in the same turn of the clock.
        summary = execution.dealing_run()
        investing.switches_advance(now=timezone.now())
    return {"opened": summary.opened, "settled": summary.settled, "at_rest": summary.at_rest}


@shared_task
def fees_tick() -> int:
    """The house's fees of every closed day taken, what it redeemed collected; how many rows."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    return fees.fees_accrue(signal_selectors.last_closed_day()) + fees.fees_collect()


@shared_task
def valuations_tick() -> int:
    """The value per unit of every portfolio at the last closed day."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    return valuations.valuations_record(signal_selectors.last_closed_day())


@shared_task
def subscriptions_tick() -> int:
    """Contracts whose period is over renewed or ended."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    return plans.subscriptions_renew(signal_selectors.market_time())


@shared_task(ignore_result=True)  # every few seconds: a row each would bury the others
def payments_tick() -> dict[str, int]:
    """Withdrawals sent and followed, open deposits asked about, and what waited too long of both; how many of each."""
    if signal_selectors.market_active_or_none() is None:
        return {}
    now = timezone.now()
    return {
        # What is under way first: a provider that is down must not keep the rest from moving on.
        "followed": payments.withdrawals_follow(now=now),
        "expired": payments.withdrawals_expire(now=now) + payments.deposits_expire(now=now),
        "sent": payments.withdrawals_send(now=now),
        "asked": payments.deposits_follow(now=now),
    }


@shared_task
def ledger_check_tick() -> list[str]:
    """Every invariant of the books; what fails is logged as critical and returned."""
    failures = [f"{check.name}: {check.detail}" for check in ledger_check.checks_run() if not check.passed]
    for failure in failures:
        log.critical("ledger check failed: %s", failure)
    return failures


@shared_task
def idempotency_prune_tick() -> int:
    """Answers kept for retries that can no longer come are forgotten; how many."""
    return idempotency.records_prune(now=timezone.now())


@shared_task
def recurring_tick() -> int:
    """Every recurring plan that is due has its order, or the reason why not; how many dates."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    return recurring.recurring_run(through=recurring.today())


@shared_task(ignore_result=True)  # every few seconds
def notices_tick() -> int:
    """Everybody told what happened to their money; how many events there were."""
    return notice_events.events_tell(now=timezone.now())


@shared_task(ignore_result=True)  # every few seconds
def notices_mail_tick() -> int:
    """Notices that wait sent by e-mail; how many went out."""
    return notice_mail.notices_mail(now=timezone.now())


@shared_task
def statements_tick() -> int:
    """The statement of every month that is over for everybody who has none of it yet; how many."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    return statements.statements_issue(signal_selectors.market_time())


@shared_task
def venues_tick() -> dict[str, str]:
    """Every venue in use compared with our books once a day; venue -> what came of it."""
    return {name: reconciliation.reconcile(name).result for name in reconciliation.reconciliations_due()}


@shared_task(ignore_result=True)  # every few seconds
def usdc_tick() -> dict[str, int | str]:
    """USDC that arrived and was confirmed in people's cash, and what they asked for on its way to them."""
    if signal_selectors.market_active_or_none() is None:
        return {}
    look = usdc.usdc_drive(now=timezone.now())
    return {} if look is None else {"credited": look.credited, "failed": look.failed}


@shared_task
def reserves_tick() -> str:
    """Today's proof of reserves; its verdict, or empty while something is being dealt."""
    if signal_selectors.market_active_or_none() is None:
        return ""
    snapshot = reserves.reserves_prove(now=timezone.now())
    return "" if snapshot is None else snapshot.verdict
