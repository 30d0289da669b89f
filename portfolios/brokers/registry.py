"""Which venues there are, by name."""

from portfolios.brokers.base import Broker
from portfolios.brokers.paper import PaperBroker

BROKERS: dict[str, Broker] = {"paper": PaperBroker()}
