"""Cards through Stripe's own page: no card number ever reaches us. It knows Stripe and nothing of the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from portfolios.core import cards
from portfolios.payments.base import ChargeResult, Collects, EventRefused, PaymentUnreachable, ProviderEvent

if TYPE_CHECKING:
    from stripe import StripeClient

SIGNATURE_SECONDS = 300
TIMEOUT = (3, 10)
_CENT = Decimal("0.01")


class Stripe:
    """Deposits by card on a Checkout page. `api_base` is Stripe's unless a test answers in its place."""

    name = "stripe"
    title = "Card"
    collects: Collects = "by page"
    pays_out = False
    play_money = False

    def __init__(self, *, secret_key: str, webhook_secret: str, live: bool, api_base: str = "") -> None:
        if not webhook_secret:
            raise ValueError(
                "STRIPE_WEBHOOK_SECRET: set it together with STRIPE_SECRET_KEY, or payments would never be confirmed"
            )
        self._secret_key = secret_key
        self._webhook_secret = webhook_secret
        self._live = live
        self._api_base = api_base

    def collect(
        self, *, customer: str, amount: Decimal, reference: str, return_url: str = ""
    ) -> ChargeResult:
        """A page on which the person pays `amount` USD by card. `reference`, our id, is Stripe's idempotency key and
        comes back in every message."""
        name = {"payment": reference, "customer": customer}
        params: dict[str, Any] = {
            "mode": "payment",
            "payment_method_types": ["card"],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": _cents(amount),
                        "product_data": {"name": "Deposit"},
                    },
                }
            ],
            "client_reference_id": reference,
            "metadata": name,
            "payment_intent_data": {"metadata": name},
            "success_url": return_url,
            "cancel_url": return_url,
        }
        made = self._asked(
            lambda client: client.v1.checkout.sessions.create(
                params,
                {"idempotency_key": f"deposit-{reference}"},
            )
        )
        if made is None:
            return ChargeResult(paid=False, reference="", reason="the card page was refused")
        page, session = made.get("url"), made.get("id")
        if not isinstance(session, str) or not isinstance(page, str) or not page.startswith("https://"):
            raise PaymentUnreachable("Stripe answered without the address of a page")
        return ChargeResult(paid=False, reference="", pending=True, url=page, session=session)

    def deposit_find(self, *, session: str, reference: str) -> Sequence[ProviderEvent]:
        """What Stripe knows of the page: paid, expired, or nothing yet."""
        found = self._asked(
            lambda client: client.v1.checkout.sessions.retrieve(session, {"expand": ["payment_intent"]})
        )
        if found is None or found.get("client_reference_id") != reference:
            raise PaymentUnreachable(f"Stripe does not know the page of deposit {reference}")
        intent = found.get("payment_intent")
        if isinstance(intent, Mapping) and intent.get("status") == "succeeded":
            return [
                ProviderEvent(
                    id=f"asked:{session}:paid",
                    type="asked.succeeded",
                    subject=_text(intent, "id"),
                    payment=reference,
                    kind=cards.PAID,
                    amount=_dollars(intent, "amount_received"),
                )
            ]
        if found.get("status") == "expired":
            return [
                ProviderEvent(
                    id=f"asked:{session}:expired",
                    type="asked.expired",
                    payment=reference,
                    kind=cards.EXPIRED,
                )
            ]
        return []

    def address_checked(self, address: str) -> str:
        """Raises ValueError: nothing is paid out by card."""
        raise ValueError("Money is not paid out to cards.")

    def pay_out(self, *, customer: str, amount: Decimal, reference: str, address: str = "") -> ChargeResult:
        """Declined: nothing is paid out by card."""
        return ChargeResult(paid=False, reference="", reason="money is not paid out to cards")

    def payout_find(self, *, reference: str) -> ChargeResult | None:
        """None: nothing is paid out by card."""
        return None

    def event_read(self, body: bytes, signature: str) -> ProviderEvent:
        """The message, verified on its raw bytes against Stripe's signature of the last five minutes. Raises
        EventRefused, also for a test-mode message in live mode and the other way round."""
        import stripe

        try:
            stripe.Webhook.construct_event(body, signature, self._webhook_secret, tolerance=SIGNATURE_SECONDS)
            message = json.loads(body)
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise EventRefused("the signature does not fit, or is too old") from error
        try:
            if message["livemode"] is not self._live:
                raise EventRefused("a message of test mode in live mode, or the other way round")
            return _event(message)
        except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
            raise EventRefused(f"the message lacks {error}") from error

    def _asked(self, question: Any) -> dict[str, Any] | None:
        """Stripe's answer as plain data; None for a definite refusal. Raises PaymentUnreachable for all that leaves
        open what happened: no answer, 5xx, too many requests, a key in use at this moment."""
        import stripe

        try:
            answer = question(self._client())
        except (stripe.InvalidRequestError, stripe.CardError):
            return None
        except stripe.StripeError as error:
            raise PaymentUnreachable(f"Stripe: {type(error).__name__}") from error
        plain: dict[str, Any] = json.loads(str(answer))
        return plain

    def _client(self) -> StripeClient:
        import stripe

        bases: Any = {"api": self._api_base} if self._api_base else None
        return stripe.StripeClient(
            self._secret_key,
            base_addresses=bases,
            max_network_retries=1,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )


def _event(message: Mapping[str, Any]) -> ProviderEvent:
    type_, thing = str(message["type"]), message["data"]["object"]
    told = _told(type_, thing)
    created = message.get("created")
    moment = datetime.fromtimestamp(created, UTC) if isinstance(created, int) else None
    return ProviderEvent(id=str(message["id"]), type=type_, occurred_at=moment, **told)


def _told(type_: str, thing: Mapping[str, Any]) -> dict[str, Any]:
    """Which payment a message is about and what it says of the money; empty for a type that is none of our business."""
    metadata = thing.get("metadata") or {}
    ours = {"payment": str(metadata.get("payment", ""))}
    if type_ == "payment_intent.succeeded":
        return ours | {
            "subject": _text(thing, "id"),
            "kind": cards.PAID,
            # Another currency is another amount: it must not pass for the dollars that were asked for.
            "amount": _dollars(thing, "amount_received") if thing["currency"] == "usd" else Decimal(0),
        }
    if type_ == "payment_intent.payment_failed":
        error = thing.get("last_payment_error") or {}
        detail = str(error.get("message", ""))[:200]
        return ours | {"subject": _text(thing, "id"), "kind": cards.FAILED, "detail": detail}
    if type_ == "checkout.session.expired":
        return ours | {"subject": _text(thing, "payment_intent"), "kind": cards.EXPIRED}
    if type_ == "charge.refunded":
        return ours | {
            "subject": _text(thing, "payment_intent"),
            "kind": cards.REFUNDED,
            "amount": _dollars(thing, "amount_refunded"),
        }
    if type_.startswith("charge.dispute."):
        kind = _dispute(type_, str(thing.get("status", "")))
        if kind:
            return {
                "subject": _text(thing, "payment_intent"),
                "kind": kind,
                "amount": _dollars(thing, "amount"),
                "item": _text(thing, "id"),
            }
    return {}


def _dispute(type_: str, status: str) -> str:
    """What a message about a dispute says of the money. An inquiry (`warning_...`) takes none."""
    kinds = {
        "charge.dispute.funds_withdrawn": cards.DISPUTE_TAKEN,
        "charge.dispute.funds_reinstated": cards.DISPUTE_GIVEN,
    }
    if type_ == "charge.dispute.created" and not status.startswith("warning"):
        return cards.DISPUTE_OPENED
    if type_ == "charge.dispute.closed":
        return {"won": cards.DISPUTE_WON, "lost": cards.DISPUTE_LOST}.get(status, "")
    return kinds.get(type_, "")


def _text(thing: Mapping[str, Any], name: str) -> str:
    """The id in a field that holds an id, an object with one, or nothing."""
    value = thing.get(name)
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value or "")


def _cents(amount: Decimal) -> int:
    return int((amount / _CENT).to_integral_exact())


def _dollars(thing: Mapping[str, Any], name: str) -> Decimal:
    cents = thing[name]
    if type(cents) is not int:
        raise TypeError(f"{name}: a whole number of cents")
    return Decimal(cents) * _CENT
