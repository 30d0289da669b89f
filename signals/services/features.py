"""The features of a market day into the store: one row per graded token, once."""

from datetime import date

import numpy as np
import pandas as pd

from signals.core.panel import Panel
from signals.models import FeatureVector, Market
from signals.selectors import asset_ids, market_active
from signals.selectors.features import set_version
from signals.selectors.observations import observing
from signals.services.windows import window_drop, window_panel


class DayMissing(LookupError):
    """The market has no candles of the day; the message names it."""


def features_compute(*, as_of: date, back_to: date | None = None) -> int:
    """Every token that is graded at the close of `as_of` has its feature vector; returns how many were new.

    A second call writes nothing. `back_to` is the earliest day that will be asked for in this run (see
    window_panel). Raises NotYetKnown, and DayMissing where the market has no candle of that day.
    """
    from signals.core.features import rows_needed

    names = feature_names()
    version = set_version(names)
    if FeatureVector.objects.filter(as_of=as_of, set_version=version).exists():
        # They are written in one statement: where one is, all are.
        return 0
    known = window_panel(as_of=as_of, days=rows_needed(names), back_to=back_to)
    require_day(known, as_of)
    universe = graded_tokens(known)
    if not universe:
        return 0
    ids = asset_ids()
    values = feature_values(known, universe, market=market_active())
    FeatureVector.objects.bulk_create(
        [
            FeatureVector(
                asset_id=ids[slug],
                as_of=as_of,
                set_version=version,
                values=row.tolist(),
                known=int((~np.isnan(row)).sum()),
            )
            for slug, row in zip(universe, values.to_numpy(dtype=np.float64), strict=True)
        ],
        ignore_conflicts=True,
    )
    return len(universe)


def features_catch_up(*, as_of: date, inline: bool) -> int:
    """The features of `as_of` are stored; returns how many tokens were new, 0 where the market has no such day.

    `inline` (a replay) keeps what was read of the market for the day after; a worker gives the memory back.
    """
    try:
        return features_compute(as_of=as_of)
    except DayMissing:
        return 0
    finally:
        if not inline:
            window_drop()


def feature_names() -> tuple[str, ...]:
    """The names of the stored set, in order: every declared feature, whether or not this market knows it."""
    from signals.core.features import catalogue

    return tuple(feature.name for feature in catalogue())


def feature_values(known: Panel, assets: list[str], *, market: Market) -> pd.DataFrame:
    """The features of the panel's last day: [asset x feature] float64 in the order of the stored set, NaN unknown.

    Those of observations are made from what `market` has stored beside the candles.
    """
    from signals.core.features import catalogue, compute_last, rows_needed

    candles = compute_last(known).loc[assets]
    wanted = [feature for feature in catalogue() if feature.needs]
    rows = rows_needed(feature.name for feature in wanted)
    beside = observing(known.last(rows).select(assets), market=market)
    there = [feature.name for feature in wanted if all(metric in beside.observed for metric in feature.needs)]
    whole = candles.join(compute_last(beside, there).loc[assets]) if there else candles
    return whole.reindex(columns=list(feature_names()))


def graded_tokens(known: Panel) -> list[str]:
    """Slugs of those who are graded at the close of the panel's last day."""
    from signals.core.universe import STILL_DAYS, gradable

    who = gradable(known.last(STILL_DAYS + 1))[-1]
    return [known.assets[column] for column in np.flatnonzero(who)]


def feature_frame(*, as_of: date) -> pd.DataFrame:
    """The stored vectors of the day: [asset slug x feature] float64, slugs in order; no rows where there are none."""
    names = feature_names()
    rows = (
        FeatureVector.objects.filter(as_of=as_of, set_version=set_version(names))
        .order_by("asset__slug")
        .values_list("asset__slug", "values")
    )
    found = dict(rows)
    return pd.DataFrame(
        np.array(list(found.values()), dtype=np.float64).reshape(len(found), len(names)),
        index=pd.Index(list(found), dtype=object),
        columns=list(names),
    )


def require_day(known: Panel, day: date) -> None:
    """Raise DayMissing unless `day` is the panel's last day."""
    if not len(known.dates) or known.dates[-1].date() != day:
        raise DayMissing(f"as_of: the market has no candles of {day}; load that day first.")
