"""Messages as Stripe sends and signs them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from django.test import Client
from stripe import WebhookSignature

from portfolios.models import Payment
from portfolios.payments.stripe import Stripe

SECRET = "whsec_of_the_tests"
_numbers = count(1)


def stripe_provider(*, live: bool = False, api_base: str = "http://127.0.0.1:9") -> Stripe:
    """The provider; by default nobody answers at its address."""
    return Stripe(secret_key="sk_test_x", webhook_secret=SECRET, live=live, api_base=api_base)


def message(
    type_: str, thing: dict[str, Any], *, livemode: bool = False, event_id: str = ""
) -> dict[str, Any]:
    """An event about `thing` with an id of its own."""
    return {
        "id": event_id or f"evt_{next(_numbers):06}",
        "object": "event",
        "type": type_,
        "created": 1_660_000_000,
        "livemode": livemode,
        "data": {"object": thing},
    }


def signed(event: dict[str, Any], *, secret: str = SECRET, age: int = 0) -> tuple[bytes, str]:
    """Body and signature header, as made `age` seconds ago."""
    body = json.dumps(event)
    header = WebhookSignature.generate_signature_header(body, secret, timestamp=int(time.time()) - age)
    return body.encode(), header


def knock(event: dict[str, Any], **how: Any) -> Any:
    """The event delivered at the door; the response."""
    body, header = signed(event, **how)
    return Client().post(
        "/webhooks/stripe/", data=body, content_type="application/json", headers={"Stripe-Signature": header}
    )


@dataclass(frozen=True)
class Card:
    """The messages about one card payment, whose intent is `pi_<id>`."""

    payment: Payment

    @property
    def intent(self) -> str:
        return f"pi_{self.payment.pk.hex}"

    def _cents(self, amount: str) -> int:
        return int(Decimal(amount) * 100)

    def succeeded(self, amount: str = "", currency: str = "usd") -> dict[str, Any]:
        return message(
            "payment_intent.succeeded",
            {
                "id": self.intent,
                "object": "payment_intent",
                "amount_received": self._cents(amount or str(self.payment.amount)),
                "currency": currency,
                "metadata": {"payment": str(self.payment.pk)},
            },
        )

    def failed(self, why: str = "Your card was declined.") -> dict[str, Any]:
        return message(
            "payment_intent.payment_failed",
            {
                "id": self.intent,
                "object": "payment_intent",
                "metadata": {"payment": str(self.payment.pk)},
                "last_payment_error": {"message": why},
            },
        )

    def expired(self) -> dict[str, Any]:
        return message(
            "checkout.session.expired",
            {"id": "cs_x", "payment_intent": None, "metadata": {"payment": str(self.payment.pk)}},
        )

    def refunded(self, so_far: str) -> dict[str, Any]:
        return message(
            "charge.refunded",
            {
                "id": f"ch_{self.payment.pk.hex}",
                "payment_intent": self.intent,
                "amount_refunded": self._cents(so_far),
                "metadata": {"payment": str(self.payment.pk)},
            },
        )

    def dispute(
        self, what: str, status: str = "needs_response", *, amount: str = "", number: int = 1
    ) -> dict[str, Any]:
        """`what` is created, closed, funds_withdrawn or funds_reinstated. It names no payment of ours."""
        return message(
            f"charge.dispute.{what}",
            {
                "id": f"dp_{number}_{self.payment.pk.hex}",
                "charge": f"ch_{self.payment.pk.hex}",
                "payment_intent": self.intent,
                "amount": self._cents(amount or str(self.payment.amount)),
                "status": status,
            },
        )
