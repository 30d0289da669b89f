"""What can be done to the market store: load a market, move its clock, add a day, add quotes."""

from signals.providers.base import ProviderError
from signals.services.alerts import alert_clear, alert_raise
from signals.services.days import day_close, day_ingest, days_ingest, quotes_ingest
from signals.services.experiments import experiment_register, experiments_verify
from signals.services.features import DayMissing, features_catch_up, features_compute
from signals.services.grading import grades_catch_up, grades_due, grades_made, grades_publish
from signals.services.guarding import ConfirmationRefused, Judged, freeze_confirm, marks_judge
from signals.services.ingest import Ingested, assets_upsert, candles_ingest
from signals.services.loading import (
    OBSERVATIONS,
    archive_panel,
    market_load_archive,
    market_load_live,
    market_load_simulated,
)
from signals.services.markets import (
    ClockError,
    clock_run,
    clock_set,
    market_activate,
    market_open,
    replay_until_set,
    ticked_through_set,
)
from signals.services.observations import Noted, observations_ingest
from signals.services.progress import Progress
from signals.services.regime import regime_publish
from signals.services.restating import (
    SamePerson,
    asset_event_enter,
    asset_event_withdraw,
    candle_restate,
    restatement_applied,
    restatement_approve,
    restatement_close,
    restatement_previewed,
    restatement_propose,
)
from signals.services.training import (
    model_train,
    models_due,
    models_ensure,
    models_made,
    specs,
    training_catch_up,
)
from signals.services.watching import observations_fetch, observations_history

__all__ = [
    "OBSERVATIONS",
    "ClockError",
    "ConfirmationRefused",
    "DayMissing",
    "Ingested",
    "Judged",
    "Noted",
    "Progress",
    "ProviderError",
    "SamePerson",
    "alert_clear",
    "alert_raise",
    "archive_panel",
    "asset_event_enter",
    "asset_event_withdraw",
    "assets_upsert",
    "candle_restate",
    "candles_ingest",
    "clock_run",
    "clock_set",
    "day_close",
    "day_ingest",
    "days_ingest",
    "experiment_register",
    "experiments_verify",
    "features_catch_up",
    "features_compute",
    "freeze_confirm",
    "grades_catch_up",
    "grades_due",
    "grades_made",
    "grades_publish",
    "market_activate",
    "market_load_archive",
    "market_load_live",
    "market_load_simulated",
    "market_open",
    "marks_judge",
    "model_train",
    "models_due",
    "models_ensure",
    "models_made",
    "observations_fetch",
    "observations_history",
    "observations_ingest",
    "quotes_ingest",
    "regime_publish",
    "replay_until_set",
    "restatement_applied",
    "restatement_approve",
    "restatement_close",
    "restatement_previewed",
    "restatement_propose",
    "specs",
    "ticked_through_set",
    "training_catch_up",
]
