"""What the market does on its own: closed days come in, quotes come in, a simulated clock runs."""

from datetime import date

from celery import Task, shared_task
from django.utils import timezone

from signals import selectors, services
from signals.core.regime import RegimeError

REGIME_FAILED = "regime_failed"
STEP_EXPIRES = 600
"""Seconds after which a step that nobody took is forgotten: the next tick finds the same work again."""


@shared_task
def candles_tick() -> int:
    """Every day that has closed at market time is in the store. Returns how many were new."""
    if selectors.market_active_or_none() is None:
        return 0
    return services.days_ingest()


@shared_task(ignore_result=True)  # every few seconds: a row each would bury the others
def quotes_tick() -> int:
    """The simulated clock has run on, the price of this minute is stored, and live marks are judged. Returns how many
    prices were stored."""
    if selectors.market_active_or_none() is None:
        return 0
    market = services.clock_run(wall=timezone.now())
    at = selectors.market_time(market)
    try:
        return services.quotes_ingest(at=at)
    finally:
        # A source that fails is one voice less, and a reason to look at the others, not to look away.
        services.marks_judge(at=at)


@shared_task(ignore_result=True)
def observations_tick() -> int:
    """What live sources tell beside candles is stored. Returns how many rows were new; 0 for a replayed market."""
    if selectors.market_active_or_none() is None:
        return 0
    return services.observations_fetch(at=selectors.market_time())


@shared_task(ignore_result=True)
def regime_tick() -> int:
    """The regime of every complete day is published. Returns how many days were new.

    A market that tells too little for one raises an alert; the rest of the day does not depend on it.
    """
    day = _day()
    if day is None:
        return 0
    try:
        new = services.regime_publish(through=day)
    except RegimeError as error:
        text = f"The regime cannot be read: {error}. Indices that follow it are fully invested meanwhile."
        services.alert_raise(REGIME_FAILED, as_of=day, text=text)
        return 0
    if new:
        services.alert_clear(REGIME_FAILED, as_of=day)
    return new


@shared_task(ignore_result=True)
def features_tick() -> None:
    """Every graded token has its features of the last complete day."""
    day = _day()
    if day is not None:
        features_step.apply_async((day.isoformat(),), expires=STEP_EXPIRES)


@shared_task(ignore_result=True)
def training_tick() -> None:
    """The models that grade the last complete day are trained: four times a year, and at the first start."""
    day = _day()
    if day is not None and services.models_due(as_of=day):
        training_step.apply_async((day.isoformat(),), expires=STEP_EXPIRES)


@shared_task(ignore_result=True)
def grades_tick() -> None:
    """The last complete day is graded; in the background the year before it too, so that there is a history."""
    day = _day()
    if day is not None and services.grades_due():
        grades_step.apply_async(expires=STEP_EXPIRES)


@shared_task(bind=True)
def features_step(self: Task, day: str) -> int:
    """The features of one day are stored. Returns how many tokens were new."""
    as_of, inline = date.fromisoformat(day), bool(self.request.is_eager)
    new = services.features_catch_up(as_of=as_of, inline=inline)
    if not inline:
        # The first reader of a day's quant figures would otherwise wait for a year of candles.
        selectors.market_year(as_of=as_of)
    return new


@shared_task(bind=True)
def training_step(self: Task, day: str) -> int:
    """The models that grade one day are stored, unless another process trains already. Returns how many were new."""
    return services.training_catch_up(as_of=date.fromisoformat(day), inline=bool(self.request.is_eager))


@shared_task(bind=True)
def grades_step(self: Task) -> int:
    """Grades that are missing are published, unless another process is at it. Returns how many days were new."""
    return services.grades_catch_up(inline=bool(self.request.is_eager))


def _day() -> date | None:
    """The last day whose candles are all in the store; None where no market is active or it is empty."""
    return None if selectors.market_active_or_none() is None else selectors.last_complete_day()
