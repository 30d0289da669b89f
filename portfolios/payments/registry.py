"""Which providers there are, by name."""

from portfolios.payments.base import BillingProvider, PaymentProvider
from portfolios.payments.sandbox import Sandbox

_SANDBOX = Sandbox()
PAYMENTS: dict[str, PaymentProvider] = {_SANDBOX.name: _SANDBOX}
BILLING: dict[str, BillingProvider] = {_SANDBOX.name: _SANDBOX}
