"""Models into the store: trained through a day, kept as text, each with an entry in the register of experiments."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import transaction

from signals.core.digest import panel_digest
from signals.core.panel import Panel
from signals.models import ModelRun
from signals.selectors import market_active, model_in_force, panel
from signals.services.alerts import alert_clear, alert_raise
from signals.services.experiments import code_version, experiment_register
from signals.services.learning_lock import learning_lock
from signals.services.progress import Progress, silent

if TYPE_CHECKING:
    from signals.core.model.spec import Spec
    from signals.core.model.trained import Model

log = logging.getLogger(__name__)

TRAINING_FAILED = "training_failed"


def model_train(*, through: date, progress: Progress = silent) -> dict[str, ModelRun]:
    """The trader and the investor model trained through `through` are stored; returns them by name.

    Nothing after that day is read. What is stored already is not trained again; two processes make one model. Raises
    NotYetKnown where the market clock has not got that far.
    """
    return models_train(through=[through], progress=progress)[through]


def models_train(*, through: Iterable[date], progress: Progress = silent) -> dict[date, dict[str, ModelRun]]:
    """The models trained through each of these days are stored; returns them by day and name. See model_train.

    The market is read once for all of them, and each model is what training it alone would give.
    """
    market = market_active()
    days = sorted(set(through))
    with learning_lock(wait=True):
        stored: dict[date, dict[str, ModelRun]] = {day: {} for day in days}
        missing: list[tuple[Spec, date]] = []
        for day in days:
            for spec in specs():
                run = _stored(spec, through=day, market=market.source)
                if run is None:
                    missing.append((spec, day))
                else:
                    stored[day][spec.name] = run
        if not missing:
            return stored
        progress("reading the market", 0, 1)
        known = panel(as_of=missing[-1][1], market=market)
        progress("reading the market", 1, 1)
        for model in models_made(known, missing, progress=progress):
            day = model.trained_through
            run = _store(model, market=market.source, data_hash=panel_digest(known.as_of(day)))
            stored[day][run.name] = run
    return stored


def models_ensure(*, as_of: date, progress: Progress = silent) -> dict[str, ModelRun]:
    """The models that grade the close of `as_of` are stored: those trained through the last quarter end before it."""
    from signals.core.model.spec import training_day

    return model_train(through=training_day(as_of), progress=progress)


def training_catch_up(*, as_of: date, inline: bool) -> int:
    """The models that grade the close of `as_of` are stored; returns how many were new.

    `inline` (a replay): waits for another process that trains. Otherwise it leaves the work to that one. A training
    that fails raises an alert, and the error too unless `inline`: the rest of the day does not depend on it.
    """
    with learning_lock(wait=inline) as held:
        if not held or not models_due(as_of=as_of):
            return 0
        try:
            models = models_ensure(as_of=as_of)
        except Exception as error:
            alert_raise(
                TRAINING_FAILED,
                as_of=as_of,
                text=f"No model could be trained to grade {as_of}: {error}. Grades stay as they are and go stale after "
                "eight days; the training is tried again every minute. The log has the whole error.",
            )
            if not inline:
                raise
            log.exception("training to grade %s failed", as_of)
            return 0
        alert_clear(TRAINING_FAILED, as_of=as_of)
    return len(models)


def models_due(*, as_of: date) -> bool:
    """Whether a model that grades the close of `as_of` is still to be trained."""
    found = model_in_force(as_of=as_of)
    return any(spec.name not in found or found[spec.name].spec_hash != spec.digest() for spec in specs())


def models_made(
    known: Panel, wanted: Sequence[tuple["Spec", date]], *, progress: Progress = silent
) -> Iterator["Model"]:
    """The models of these specifications through these days, in that order, from one reading of the features.

    What a model is made of ends at its day, so a longer panel changes none of it; the longest is cut there too.
    """
    from signals.core.model.samples import sample
    from signals.core.model.training import trainer, training_dates

    cut = known.as_of(max(day for _, day in wanted))
    names = tuple(dict.fromkeys(name for spec, _ in wanted for name in spec.names))
    progress("reading the past", 0, 1)
    taken = sample(cut, training_dates(cut), names=names)
    progress("reading the past", 1, 1)
    trainers = {spec: trainer(cut, spec, taken=taken) for spec, _ in wanted}
    for number, (spec, day) in enumerate(wanted):
        progress("training models", number, len(wanted))
        yield trainers[spec].model(day)
    progress("training models", len(wanted), len(wanted))


def models_stored(through: date, *, market: str) -> "tuple[Model, Model] | None":
    """The trader and the investor model of a training day as they are stored; None where one is not."""
    runs = [_stored(spec, through=through, market=market) for spec in specs()]
    if any(run is None for run in runs):
        return None
    trader, investor = (model_of(run.pk) for run in runs if run is not None)
    return trader, investor


@lru_cache(maxsize=4)
def model_of(run_id: int) -> "Model":
    """The model of a run, its hash verified. Runs never change, so what was read once is kept."""
    from signals.core.model.trained import Model

    return Model.from_text(ModelRun.objects.values_list("text", flat=True).get(pk=run_id))


def specs() -> tuple["Spec", "Spec"]:
    """The published specifications: trader, investor."""
    from signals.core.model.spec import INVESTOR, TRADER

    return TRADER, INVESTOR


def _stored(spec: "Spec", *, through: date, market: str) -> ModelRun | None:
    runs = ModelRun.objects.filter(market=market, trained_through=through, spec_hash=spec.digest())
    return runs.defer("text").order_by("-pk").first()


@transaction.atomic
def _store(model: "Model", *, market: str, data_hash: str) -> ModelRun:
    spec = model.spec
    result: dict[str, Any] = {
        "sha256": model.sha256,
        "form": model.form,
        "weeks": model.weeks,
        "rows": model.rows,
        "evidence": asdict(model.evidence),
        "calibration": asdict(model.calibration),
    }
    run = ModelRun.objects.create(
        name=spec.name,
        market=market,
        trained_through=model.trained_through,
        spec=spec.as_dict(),
        spec_hash=spec.digest(),
        data_hash=data_hash,
        code_version=code_version(),
        seed=spec.seed,
        text=model.to_text(),
        sha256=model.sha256,
        result=result,
    )
    experiment_register(
        "training",
        {"spec": spec.as_dict(), "trained_through": model.trained_through.isoformat(), "market": market},
        data_hash,
        result,
    )
    return run
