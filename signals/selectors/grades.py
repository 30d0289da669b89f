"""Published grades: of a day, of one token over time, and whether they may be relied on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet

from signals.core.publication import GRADE_LIFE_DAYS
from signals.models import Asset, Grade, Market, ModelRun
from signals.selectors.alerts import alert_standing
from signals.selectors.market import market_active, require_known

UNFIT = ("missing_features", "feature_drift")
"""Kinds of alert under which grades are shown and not acted on."""

_COLUMNS = (
    "asset__slug",
    "asset__name",
    "asset__symbol",
    "as_of",
    "trader_grade",
    "investor_grade",
    "signal",
    "confidence",
    "coverage",
    "contributions",
    "sentences",
    "model__trained_through",
)


@dataclass(frozen=True)
class GradeRow:
    """The grades of one token at the close of `as_of`. Changes are in points against the grade published one and seven
    days before; None where none was."""

    slug: str
    name: str
    symbol: str
    as_of: date
    trader_grade: float
    investor_grade: float
    signal: int
    confidence: float
    coverage: float
    contributions: list[Any] = field(repr=False)
    sentences: list[str] = field(repr=False)
    trained_through: date
    trader_change_1d: float | None = None
    trader_change_7d: float | None = None
    investor_change_1d: float | None = None
    investor_change_7d: float | None = None


@dataclass(frozen=True)
class GradePoint:
    """One day of a token's grades."""

    as_of: date
    trader_grade: float
    investor_grade: float
    signal: int
    confidence: float


@dataclass(frozen=True)
class GradingState:
    """Whether weights may follow the grades at a day; `kind` and `reason` say why not."""

    usable: bool
    kind: str = ""
    reason: str = ""
    graded_on: date | None = None


def grades_day(*, as_of: date, market: Market | None = None) -> date | None:
    """The latest day with published grades at or before `as_of`, however old. Raises NotYetKnown."""
    market = market or market_active()
    require_known(market, as_of)
    return (
        _published(market).filter(as_of__lte=as_of).order_by("-as_of").values_list("as_of", flat=True).first()
    )


def grades_in_force(*, as_of: date, market: Market | None = None) -> date | None:
    """The day whose grades count at the close of `as_of`: the latest published one at most GRADE_LIFE_DAYS before."""
    day = grades_day(as_of=as_of, market=market)
    return day if day is not None and (as_of - day).days <= GRADE_LIFE_DAYS else None


def grades(*, as_of: date, assets: Iterable[str] | None = None) -> list[GradeRow]:
    """The grades in force at the close of `as_of`, the best trader grade first; of these slugs or of all graded tokens.

    They are those of the latest published day at most GRADE_LIFE_DAYS before. Raises NotYetKnown.
    """
    market = market_active()
    day = grades_day(as_of=as_of, market=market)
    if day is None or (as_of - day).days > GRADE_LIFE_DAYS:
        return []
    found = _published(market).filter(as_of=day)
    if assets is not None:
        found = found.filter(asset__slug__in=list(assets))
    rows = list(found.order_by("-trader_grade", "asset__slug").values_list(*_COLUMNS))
    before = _before(market, day, [row[0] for row in rows] if assets is not None else None)
    return [GradeRow(*row, *_changes(row, day, before)) for row in rows]


def grade_asof(slug: str, *, as_of: date) -> GradeRow | None:
    """The grades of one token in force at the close of `as_of`; None where it has none. Raises NotYetKnown."""
    found = grades(as_of=as_of, assets=[slug])
    return found[0] if found else None


def grade_history(slug: str, *, as_of: date, days: int) -> list[GradePoint]:
    """One token's published grades of the calendar days (as_of - days, as_of], oldest first; days without are left out.

    Raises NotYetKnown and Asset.DoesNotExist.
    """
    market = market_active()
    require_known(market, as_of)
    found = _published(market).filter(
        asset=Asset.objects.get(slug=slug), as_of__gt=as_of - timedelta(days=days), as_of__lte=as_of
    )
    columns = ("as_of", "trader_grade", "investor_grade", "signal", "confidence")
    return [GradePoint(*row) for row in found.order_by("as_of").values_list(*columns)]


def trader_grades(*, as_of: date) -> dict[str, float]:
    """Slug -> trader grade in force at the close of `as_of`, what a rulebook ranks by. Raises NotYetKnown."""
    market = market_active()
    day = grades_day(as_of=as_of, market=market)
    if day is None or (as_of - day).days > GRADE_LIFE_DAYS:
        return {}
    return dict(_published(market).filter(as_of=day).values_list("asset__slug", "trader_grade"))


def grading_state(*, as_of: date) -> GradingState:
    """Whether weights may follow the grades at the close of `as_of`, and why not. Raises NotYetKnown.

    Not where nothing has been graded by then, where the last grades are older than GRADE_LIFE_DAYS, and while an alert
    of UNFIT stands. It is read from what is stored, so that a day in the past gets the same answer again.
    """
    day = grades_day(as_of=as_of)
    if day is None:
        return GradingState(usable=False, kind="no_model", reason="nothing has been graded yet")
    if (as_of - day).days > GRADE_LIFE_DAYS:
        reason = f"the last grades are of {day}, more than {GRADE_LIFE_DAYS} days before {as_of}"
        return GradingState(usable=False, kind="stale_grades", reason=reason, graded_on=day)
    alert = alert_standing(UNFIT, as_of=as_of)
    if alert is not None:
        return GradingState(usable=False, kind=alert.kind, reason=alert.text, graded_on=day)
    return GradingState(usable=True, graded_on=day)


def graded_days(days: Iterable[date], *, market: Market | None = None) -> set[date]:
    """Those of `days` that have published grades in the active market, or in `market`."""
    found = _published(market or market_active()).filter(as_of__in=list(days))
    return set(found.order_by().values_list("as_of", flat=True).distinct())


def _published(market: Market) -> QuerySet[Grade]:
    models = ModelRun.objects.filter(market=market.source).values("pk")
    return Grade.objects.filter(model__in=models)


def _before(
    market: Market, day: date, slugs: list[str] | None
) -> dict[tuple[str, date], tuple[float, float]]:
    days = [day - timedelta(days=1), day - timedelta(days=7)]
    found = _published(market).filter(as_of__in=days)
    if slugs is not None:
        found = found.filter(asset__slug__in=slugs)
    rows = found.values_list("asset__slug", "as_of", "trader_grade", "investor_grade")
    return {(slug, on): (trader, investor) for slug, on, trader, investor in rows}


def _changes(
    row: tuple[Any, ...], day: date, before: dict[tuple[str, date], tuple[float, float]]
) -> list[float | None]:
    """Trader grade against one and seven days before, then the investor grade's."""
    slug, now = row[0], (row[4], row[5])
    told: list[float | None] = []
    for place in (0, 1):
        for back in (1, 7):
            was = before.get((slug, day - timedelta(days=back)))
            told.append(None if was is None else now[place] - was[place])
    return told
