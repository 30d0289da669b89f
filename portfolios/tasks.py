"""The ticks of this room: each finds what is due, by the market clock, and may run twice, late or never."""

import logging

from celery import shared_task
from django.utils import timezone

from portfolios.services import execution, idempotency, ledger_check, plans, rebalancing, valuations
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
    # First who has to follow a decision: money that comes in now buys what is in force, and must not be traded again.
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    summary = execution.dealing_run()
    return {"opened": summary.opened, "settled": summary.settled, "at_rest": summary.at_rest}


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
