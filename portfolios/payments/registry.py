"""Which providers there are, by name. What needs keys is here only where the operator has set them."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from portfolios.payments.base import BillingProvider, EventProvider, PaymentProvider
from portfolios.payments.sandbox import Sandbox
from portfolios.payments.stripe import Stripe
from portfolios.payments.usdc import Usdc

_SANDBOX = Sandbox()
PAYMENTS: dict[str, PaymentProvider] = {}
BILLING: dict[str, BillingProvider] = {_SANDBOX.name: _SANDBOX}
EVENTS: dict[str, EventProvider] = {}

if settings.SANDBOX_MONEY:
    if settings.STRIPE_LIVE:
        raise ImproperlyConfigured(
            "SANDBOX_MONEY and STRIPE_LIVE are both on: play money would leave as real money. Turn one of them off."
        )
    PAYMENTS[_SANDBOX.name] = _SANDBOX

if settings.STRIPE_SECRET_KEY:
    _STRIPE = Stripe(
        secret_key=settings.STRIPE_SECRET_KEY,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        live=settings.STRIPE_LIVE,
        api_base=settings.STRIPE_API_BASE,
    )
    PAYMENTS[_STRIPE.name] = _STRIPE
    EVENTS[_STRIPE.name] = _STRIPE

if settings.USDC_RPC_URL:
    _USDC = Usdc()
    PAYMENTS[_USDC.name] = _USDC
