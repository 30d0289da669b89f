"""Models that were trained, experiments that were made."""

from datetime import date
from typing import Any

from django.db.models import QuerySet

from signals.models import Experiment, Market, ModelRun
from signals.selectors.market import market_active


def model_runs(*, limit: int = 20) -> list[ModelRun]:
    """The active market's models, the latest training first, without their text."""
    return list(_runs(market_active()).defer("text")[:limit])


def model_in_force(*, as_of: date, market: Market | None = None) -> dict[str, ModelRun]:
    """Name -> the run that grades the close of `as_of`, without its text; empty where none has been trained yet.

    It is trained through the last quarter end at or before `as_of`, and never through a later day.
    """
    from signals.core.model.spec import training_day

    runs = _runs(market or market_active()).filter(trained_through=training_day(as_of)).defer("text")
    # The latest comes last and wins: a specification that was changed counts once it has been trained.
    return {run.name: run for run in runs.order_by("pk")}


def experiments(*, limit: int = 50) -> list[Experiment]:
    """The experiments, the latest first."""
    return list(Experiment.objects.order_by("-pk")[:limit])


def experiment_count() -> int:
    """How many experiments there are: all count when the best of them is judged."""
    return Experiment.objects.count()


def validation_latest() -> dict[str, Any] | None:
    """The document of the latest validation with the moment it was registered (`made_at`); None where there is none."""
    found = Experiment.objects.filter(kind="validation").order_by("-pk").first()
    return None if found is None else {**found.result, "made_at": found.made_at}


def _runs(market: Market) -> QuerySet[ModelRun]:
    return ModelRun.objects.filter(market=market.source)
