"""The whole weekly chain at one date: candles, decisions, levels, rebalances, orders, fills, ledger, valuations."""

import time
from dataclasses import dataclass
from datetime import date

from config.replay import ReplayError, day_run, replay_advance, target_checked
from indices import selectors as index_selectors
from portfolios import selectors as portfolio_selectors
from signals import selectors as signal_selectors
from signals import services as signal_services

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class IndexWeek:
    """What one index's week came to. `rebalances` counts the portfolios' moves to the decision by status."""

    index: str
    as_of: date
    effective_on: date
    decision: str
    rebalances: dict[str, int]


def week_run(*, as_of: date) -> list[IndexWeek]:
    """The chain has run for the determination day at or before `as_of`, up to the close at which it is traded.

    A replay clock that has not got that far is advanced day by day. Running it again changes nothing. Raises
    ReplayError where `as_of` has not closed and the clock cannot be advanced.
    """
    if as_of > signal_selectors.last_closed_day():
        walk(as_of)
    day_run()
    weeks = weeks_at(as_of)
    last_effective = max((week.effective_on for week in weeks), default=as_of)
    if last_effective > signal_selectors.last_closed_day() and can_walk(last_effective):
        walk(last_effective)
        weeks = weeks_at(as_of)
    return weeks


def walk(until: date) -> None:
    """The clock stands at the close of `until`; raises ReplayError where it cannot be moved there.

    The day is asked for in the market's row first: a running clock then stands, and a worker finishes the walk if this
    process dies. Where another process is walking already, this one waits and takes over what is left.
    """
    asked = signal_selectors.market_active().replay_until
    if asked is None or asked < until:
        signal_services.replay_until_set(target_checked(until))
    while not replay_advance(until):
        time.sleep(POLL_SECONDS)


def can_walk(until: date) -> bool:
    """Whether the active market's clock can be advanced to the close of `until`."""
    try:
        target_checked(until)
    except ReplayError:
        return False
    return True


def weeks_at(as_of: date) -> list[IndexWeek]:
    """The latest decision of every index at or before `as_of`, and what became of it."""
    weeks = []
    for index in index_selectors.index_list():
        decision = index_selectors.decision_latest(index, as_of=as_of)
        if decision is None:
            continue
        weeks.append(
            IndexWeek(
                index=index.slug,
                as_of=decision.as_of,
                effective_on=decision.effective_on,
                decision=decision.epoch,
                rebalances=portfolio_selectors.rebalance_counts(decision.pk),
            )
        )
    return weeks
