"""The whole weekly chain at one date: candles, decisions, levels, rebalances, orders, fills, ledger, valuations."""

from dataclasses import dataclass
from datetime import date

from config.replay import ReplayError, day_run, replay_advance, target_checked
from indices import selectors as index_selectors
from portfolios import selectors as portfolio_selectors
from signals import selectors as signal_selectors


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
    """The clock stands at the close of `until`; raises ReplayError where it cannot be moved there now."""
    target_checked(until)
    if not replay_advance(until):
        raise ReplayError("another process is advancing the clock; try again when it has finished")


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
