"""The tables of the room, by what they are about."""

from signals.models.alerts import Alert
from signals.models.guarding import Freeze, GuardRecord
from signals.models.learning import Experiment, ModelRun
from signals.models.market import Asset, Candle, LoadRun, Market
from signals.models.reading import FeatureVector, Grade, Observation, Regime
from signals.models.restating import AssetEvent, CandleRevision, Restatement

__all__ = [
    "Alert",
    "Asset",
    "AssetEvent",
    "Candle",
    "CandleRevision",
    "Experiment",
    "FeatureVector",
    "Freeze",
    "Grade",
    "GuardRecord",
    "LoadRun",
    "Market",
    "ModelRun",
    "Observation",
    "Regime",
    "Restatement",
]
