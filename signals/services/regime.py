"""The regime of every closed day, stored once and never changed after."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from django.db import transaction

from signals.core.panel import Panel
from signals.core.regime import RegimeHistory, RegimeRules, Standing, regime
from signals.models import Market, Regime
from signals.selectors import market_active, panel
from signals.selectors.market import require_known
from signals.selectors.observations import observing
from signals.selectors.regime import regime_version, regimes_stored
from signals.services.windows import window_panel

SLACK_DAYS = 14
"""Calendar days read beyond the memory of the rules: a market may lack a row on some days."""
BATCH = 1000


@transaction.atomic
def regime_publish(*, through: date) -> int:
    """Every day with candles through `through` has a row of the active market's regime; returns how many are new.

    What is stored stays as it is, so a second call writes nothing, and two at once write the same. The first call makes
    the whole history; a later one reads the memory of the rules before the new days, and writes the same bits. Raises
    NotYetKnown where `through` has not closed, MarketNotLoaded, and RegimeError for a market without caps or volume.
    """
    market = market_active()
    require_known(market, through)
    rules = RegimeRules()
    last = regimes_stored(market).order_by("-as_of").first()
    if last is None:
        return _store(regime(panel(as_of=through, market=market, observed=True), rules), market)
    if last.as_of >= through:
        return 0
    window = _window(market, rules, since=last.as_of, through=through)
    if window.dates[-1].date() <= last.as_of:
        return 0
    return _store(regime(window, rules, standing=_standing(last, market, rules)), market)


def _window(market: Market, rules: RegimeRules, *, since: date, through: date) -> Panel:
    # Of the rows through `since` the memory of the day after needs all but one.
    days = (through - since).days + rules.memory_rows + SLACK_DAYS
    window = observing(window_panel(as_of=through, days=days, keep=False), market=market)
    before = int(window.dates.searchsorted(pd.Timestamp(since), side="right"))
    is_whole = market.first_day is not None and (through - market.first_day).days < days
    if before >= rules.memory_rows - 1 or is_whole:
        return window
    return panel(as_of=through, market=market, observed=True)


def _standing(last: Regime, market: Market, rules: RegimeRules) -> Standing:
    rows = regimes_stored(market).order_by("-as_of").values_list("risk_share", flat=True)
    newest = list(rows[: rules.lag_days + 2])
    return Standing(
        day=last.as_of,
        shares=tuple(percent / 100 for percent in reversed(newest)),
        moved=last.moved_on,
        ledger=last.ledger,
    )


def _store(history: RegimeHistory, market: Market) -> int:
    version = regime_version(market)
    readings = history.readings.to_dict("records")
    ledger = history.ledger.to_dict("records")
    rows = [
        Regime(
            as_of=day.date(),
            rules_version=version,
            risk_share=round(100 * history.risk_share.iloc[at]),
            wanted=_number(history.wanted.iloc[at]),
            moved_on=None if pd.isna(history.moved_on.iloc[at]) else history.moved_on.iloc[at].date(),
            readings=_known(readings[at]) | {"leader": history.leader.iloc[at]},
            ledger=_known(ledger[at]),
        )
        for at, day in enumerate(history.risk_share.index)
    ]
    Regime.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


def _known(values: Mapping[Any, float]) -> dict[str, float | None]:
    return {str(name): _number(value) for name, value in values.items()}


def _number(value: float) -> float | None:
    # JSON has no NaN, and a double travels through it without losing a bit.
    return float(value) if np.isfinite(value) else None
