"""What a person is told about their money and the safety of their account, and what is written down for auditors."""

from collections.abc import Mapping
from decimal import Decimal

from django.urls import reverse

from portfolios.models import NoticeKind, Payment, SecurityEvent, User, WithdrawalDestination
from portfolios.selectors.payments import owed
from portfolios.services.notices import notice_send


def security_note(
    user: User, kind: str, *, actor: User | None, detail: str = "", subject: object = ""
) -> SecurityEvent:
    """One row of who did what to whose account, in the caller's transaction."""
    return SecurityEvent.objects.create(
        user=user, actor=actor, kind=kind, detail=detail[:240], subject=str(subject)
    )


def deposit_changed(payment: Payment, *, before: str, changes: Mapping[str, Decimal]) -> None:
    """The owner is told what became of a deposit, once per state. `changes` is what was taken back just now, by kind;
    what came back is negative."""
    title, text = _deposit_words(payment, before, changes)
    if not title:
        return
    debt = owed(payment.user)
    if debt > 0:
        text += f" You owe ${debt:,.2f}, which your next deposits pay first; withdrawals wait until then."
    # The sums make each state of a payment an event of its own.
    notice_send(
        payment.user,
        kind=NoticeKind.PAYMENT,
        key=f"payment:{payment.pk}:{payment.status}:{payment.refunded}:{payment.disputed}",
        title=title,
        text=text,
        url=reverse("portfolios:payment", args=[payment.pk]),
    )


def _deposit_words(payment: Payment, before: str, changes: Mapping[str, Decimal]) -> tuple[str, str]:
    amount = f"${payment.amount:,.2f}"
    dispute, refund = changes.get("dispute", Decimal(0)), changes.get("refund", Decimal(0))
    if dispute > 0:
        return (
            f"${dispute:,.2f} of your deposit is disputed",
            (
                f"${dispute:,.2f} was taken out of your cash: the cardholder's bank disputes the deposit of {amount}. "
                "If the dispute is decided in your favour the money comes back by itself."
            ),
        )
    if dispute < 0:
        return (
            f"${-dispute:,.2f} came back",
            f"The dispute about your deposit of {amount} is over and ${-dispute:,.2f} is yours again.",
        )
    if refund > 0:
        return (
            f"${refund:,.2f} was refunded to your card",
            f"${refund:,.2f} of your deposit of {amount} went back to the card it came from.",
        )
    if payment.status == before:
        return "", ""
    if payment.status == Payment.Status.COMPLETED and before != Payment.Status.DISPUTED:
        return f"{amount} came in", f"Your deposit of {amount} is in your cash."
    if payment.status == Payment.Status.FAILED:
        return (
            f"Your deposit of {amount} did not work",
            f"Nothing was charged. {payment.reason} You can try again with another card.".replace("  ", " "),
        )
    if payment.status == Payment.Status.REVERSED:
        return (
            f"Your deposit of {amount} was taken back",
            f"The dispute about your deposit of {amount} was lost.",
        )
    return "", ""


_WITHDRAWAL_WORDS = {
    Payment.Status.HELD: (
        "{amount} is set aside for your withdrawal",
        "{amount} was set aside and is sent to {to} shortly. You can cancel it until then.",
    ),
    Payment.Status.AWAITING_APPROVAL: (
        "{amount} is set aside and waits for approval",
        (
            "{amount} was set aside. Two of our people approve a withdrawal of this size before it is sent to {to}. "
            "You can cancel it until then."
        ),
    ),
    Payment.Status.COMPLETED: ("{amount} was paid out", "{amount} was sent to {to}."),
    Payment.Status.FAILED: (
        "Your withdrawal was not paid out",
        "{amount} is back in your cash. {reason}",
    ),
    Payment.Status.EXPIRED: (
        "Your withdrawal was not sent in time",
        (
            "{amount} is back in your cash: the withdrawal to {to} was not sent in its time. Ask again if you still "
            "want it."
        ),
    ),
    Payment.Status.CANCELLED: ("Your withdrawal was cancelled", "{amount} is back in your cash. {reason}"),
}


def withdrawal_changed(payment: Payment) -> None:
    """The owner is told where their withdrawal stands, once per state."""
    words = _WITHDRAWAL_WORDS.get(Payment.Status(payment.status))
    if words is None:
        return
    said = {
        "amount": f"${payment.amount:,.2f}",
        "to": str(payment.destination) if payment.destination else "your sandbox account",
        "reason": payment.reason,
    }
    notice_send(
        payment.user,
        kind=NoticeKind.WITHDRAWAL,
        key=f"payment:{payment.pk}:{payment.status}",
        title=words[0].format(**said),
        text=words[1].format(**said).strip(),
        url=reverse("portfolios:payment", args=[payment.pk]),
    )


def destination_added(destination: WithdrawalDestination) -> None:
    """The owner is told at once that money may go to a new address, and where to stop it."""
    notice_send(
        destination.user,
        kind=NoticeKind.SECURITY,
        key=f"destination:{destination.pk}:added",
        title="A new address for withdrawals was added",
        text=f"Nothing was moved. {destination} ({destination.address}, by {destination.method}) can be used from "
        f"{destination.usable_from:%-d %B %Y, %H:%M} UTC. If this was not you, remove it now and change your password.",
        url=reverse("portfolios:destinations"),
    )


def destination_removed(destination: WithdrawalDestination, *, cancelled: int) -> None:
    """The owner is told that an address is off their list."""
    more = f" {cancelled} withdrawal{'s' if cancelled != 1 else ''} to it went back to your cash."
    notice_send(
        destination.user,
        kind=NoticeKind.SECURITY,
        key=f"destination:{destination.pk}:removed",
        title="An address for withdrawals was removed",
        text=f"No money can be sent to {destination} ({destination.address}) any more.{more if cancelled else ''}",
        url=reverse("portfolios:destinations"),
    )
