"""Grades of market days into the store: published once, by the models of their quarter, and never changed."""

import logging
import time
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from django.db import connection, transaction

from signals.core.panel import Panel
from signals.core.publication import days_wanted
from signals.models import Grade, Market
from signals.selectors import (
    UNFIT,
    asset_ids,
    graded_days,
    grading_state,
    last_complete_day,
    market_active,
    model_in_force,
)
from signals.services.alerts import alert_clear, alert_raise
from signals.services.features import DayMissing, feature_frame, features_compute
from signals.services.learning_lock import learning_lock
from signals.services.progress import Progress, silent
from signals.services.training import model_of, models_due, models_ensure, models_stored, models_train, specs
from signals.services.windows import window_drop

if TYPE_CHECKING:
    from signals.core.model.samples import Sample
    from signals.core.model.trained import Model

log = logging.getLogger(__name__)

STALE, FAILED = "stale_grades", "grading_failed"
_PUBLISH_LOCK = 5_270_005
BACKFILL_SECONDS = 120.0
"""How long one background step goes on; the next tick goes on where it stopped."""

_nobody: set[tuple[int, date]] = set()
"""Market and day on which nobody could be graded: found out once by each process, not every minute."""


def grades_publish(*, as_of: date, back_to: date | None = None, progress: Progress = silent) -> int:
    """Every token that is graded at the close of `as_of` has its grades, from the models trained through the last
    quarter end; returns how many are new.

    A day that has grades keeps them. Features and models that are missing are made first. `back_to` as in
    features_compute. Raises NotYetKnown and DayMissing.
    """
    market = market_active()
    if graded_days([as_of], market=market):
        return 0
    models_ensure(as_of=as_of, progress=progress)
    features_compute(as_of=as_of, back_to=back_to)
    return _publish(market, as_of)


def grades_catch_up(*, inline: bool, progress: Progress = silent, seconds: float = BACKFILL_SECONDS) -> int:
    """Grades of the last complete day are published, and then, in the background, those of the year before that are
    missing, for up to `seconds`; returns how many days are new.

    `inline` (a replay): waits for another process that grades, and leaves the year before to the background. Otherwise
    it does nothing while another process trains or grades, and makes way for a replay. A failure raises an alert, and
    the error too unless `inline`: the rest of the day does not depend on it.
    """
    market = market_active()
    last = last_complete_day(market)
    if last is None:
        return 0
    done = 0
    with learning_lock(wait=inline) as held:
        if not held:
            return 0
        try:
            done = _graded(market, last, inline=inline, progress=progress, seconds=seconds)
        except Exception as error:
            alert_raise(
                FAILED,
                as_of=last,
                text=f"Grades could not be published: {error}. The last ones stay and go stale after eight days; it is "
                "tried again every minute. The log has the whole error.",
            )
            if not inline:
                raise
            log.exception("grading %s failed", last)
        else:
            alert_clear(FAILED, as_of=last)
        finally:
            if not inline:
                window_drop()
        staleness_watch(as_of=last)
    return done


def _graded(market: Market, last: date, *, inline: bool, progress: Progress, seconds: float) -> int:
    from signals.core.model.spec import training_day

    wanted = [last] if inline else grades_missing(market, last)
    done = 0
    began = time.monotonic()
    for number, day in enumerate(wanted):
        if not inline and (_replaying(market) or time.monotonic() - began > seconds):
            break
        progress("grading", number, len(wanted))
        if done and models_due(as_of=day):
            # The first day is graded as soon as can be; the models of the year before are trained at one go.
            models_train(through={training_day(each) for each in wanted}, progress=progress)
        done += _publish_if_possible(market, day, back_to=None if inline else wanted[-1])
    return done


def grades_due() -> bool:
    """Whether a day that should have grades has none."""
    market = market_active()
    last = last_complete_day(market)
    return last is not None and bool(grades_missing(market, last))


def grades_missing(market: Market, last: date) -> list[date]:
    """The days through `last`, the latest first, that should have grades and have none; the last day first of all."""
    if market.first_day is None:
        return []
    wanted = days_wanted(last, first=market.first_day)
    have = graded_days(wanted, market=market)
    return [day for day in wanted if day not in have and (market.pk, day) not in _nobody]


def _publish_if_possible(market: Market, day: date, *, back_to: date | None) -> int:
    try:
        new = grades_publish(as_of=day, back_to=back_to)
    except DayMissing:
        new = 0
    if not new and not graded_days([day], market=market):
        _nobody.add((market.pk, day))
    return 1 if new else 0


def sample_stored(names: tuple[str, ...], *, as_of: date) -> "Sample":
    """The stored features of the day as a model reads them: the same numbers as signals.core.model.sample gives."""
    from signals.core.model.samples import Sample, ranks_by_date

    frame = feature_frame(as_of=as_of)[list(names)]
    raw = frame.to_numpy(dtype=np.float32)
    row = np.zeros(len(frame), dtype=np.int64)
    return Sample(
        dates=pd.DatetimeIndex([pd.Timestamp(as_of)]).as_unit("s"),
        assets=[str(slug) for slug in frame.index],
        names=names,
        row=row,
        column=np.arange(len(frame), dtype=np.int64),
        raw=raw,
        ranks=ranks_by_date(raw, row, 1),
    )


def _publish(market: Market, as_of: date) -> int:
    from signals.core.grading import grades

    runs = [model_in_force(as_of=as_of, market=market)[spec.name] for spec in specs()]
    trader, investor = (model_of(run.pk) for run in runs)
    names = tuple(dict.fromkeys((*trader.spec.names, *investor.spec.names)))
    taken = sample_stored(names, as_of=as_of)
    if not len(taken.row):
        return 0
    ids = asset_ids()
    lines: Iterable[Any] = grades(taken, trader, investor).itertuples(index=False)
    rows = [
        Grade(
            asset_id=ids[line.asset],
            as_of=as_of,
            model=runs[0],
            trader_grade=line.trader_grade,
            investor_grade=line.investor_grade,
            signal=line.signal,
            confidence=line.confidence,
            coverage=line.coverage,
            contributions=line.contributions,
            sentences=list(line.sentences),
        )
        for line in lines
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PUBLISH_LOCK])
        if graded_days([as_of], market=market):
            return 0
        Grade.objects.bulk_create(rows)
        if as_of == last_complete_day(market):
            fitness_watch(taken, (trader, investor), as_of=as_of)
    return len(rows)


def fitness_watch(taken: "Sample", models: tuple["Model", "Model"], *, as_of: date) -> None:
    """An alert stands where what the models read at `as_of` is not what they were trained on, and none where it is."""
    from signals.core.grading import usable
    from signals.core.grading.state import drifted
    from signals.core.model.drift import MISSING_LIMIT

    found: dict[str, str] = {}
    for model in models:
        reason = usable(taken, model)
        if reason is None:
            continue
        _, missing = drifted(taken, model)
        known = len(taken.row) and float(missing.mean()) <= MISSING_LIMIT
        found.setdefault("feature_drift" if known and "spread" in reason else "missing_features", reason)
    for kind in UNFIT:
        if kind in found:
            alert_raise(
                kind,
                as_of=as_of,
                text=f"{found[kind]}. Grades are shown and not acted on: weights are passive while this stands.",
            )
        else:
            alert_clear(kind, as_of=as_of)


def staleness_watch(*, as_of: date) -> None:
    """An alert stands where nothing has been graded for longer than a grade counts."""
    state = grading_state(as_of=as_of)
    if state.kind == STALE:
        alert_raise(
            STALE,
            as_of=as_of,
            text=f"{state.reason}. Weights are passive until a day is graded: see the worker's log for what fails.",
        )
    else:
        alert_clear(STALE, as_of=as_of)


def grades_made(
    known: Panel, days: pd.DatetimeIndex, *, market: str | None, progress: Progress = silent
) -> pd.DataFrame:
    """The grades of `days`, which rise, from the panel: one row per day and token, columns of signals.core.grading.

    Contributions and sentences are left out. Models that `market` has stored are used as they are; where one that is
    needed is not, or `market` is None, all are trained anew from the panel and not kept. Either way each saw nothing
    after the last quarter end at or before the day it grades.
    """
    from signals.core.grading import grades, walk_forward
    from signals.core.model import sample, training_day

    turns = [training_day(day.date()) for day in days]
    stored = {} if market is None else {turn: models_stored(turn, market=market) for turn in set(turns)}
    pairs = {turn: pair for turn, pair in stored.items() if pair is not None}
    if len(pairs) < len(set(turns)):
        return walk_forward(known, days, lambda done, of, what: progress(what, done, of), explain=False)
    names = tuple(
        dict.fromkeys(name for pair in pairs.values() for model in pair for name in model.spec.names)
    )
    taken = sample(known, days, names=names)
    frames = []
    for turn in sorted(pairs):
        places = [place for place, own in enumerate(turns) if own == turn]
        frames.append(grades(taken.at(days[places]), *pairs[turn], explain=False))
    return pd.concat(frames, ignore_index=True)


def _replaying(market: Market) -> bool:
    return Market.objects.filter(pk=market.pk, replay_until__isnull=False).exists()
