"""Large withdrawals leave only when two members of staff say so; nobody says so about their own."""

from uuid import UUID

from django.db import transaction

from portfolios.errors import ApprovalRefused
from portfolios.models import Payment, User, WithdrawalApproval
from portfolios.services import accounts
from portfolios.services.payments import holds, telling


@transaction.atomic
def withdrawal_approve(payment_id: UUID | str, *, staff: User) -> Payment:
    """The approval of `staff` is on record; with the last one that is needed the withdrawal is about to be sent.

    Approving twice counts once. Raises ApprovalRefused where the person may not approve it or it does not wait for it.
    """
    payment = _waiting(payment_id, staff)
    _, is_new = WithdrawalApproval.objects.get_or_create(payment=payment, staff=staff)
    if not is_new:
        raise ApprovalRefused("Nothing was changed: you have approved this withdrawal already.")
    telling.security_note(payment.user, "withdrawal_approved", actor=staff, subject=payment.pk)
    if payment.approvals.count() >= payment.approvals_needed:
        payment.status = Payment.Status.HELD
        payment.save(update_fields=["status"])
        telling.withdrawal_changed(payment)
    return payment


@transaction.atomic
def withdrawal_refuse(payment_id: UUID | str, *, staff: User, reason: str) -> Payment:
    """The withdrawal is not sent and its money is the owner's again. One member of staff is enough. Raises
    ApprovalRefused."""
    reason = " ".join(reason.split())
    if not reason:
        raise ApprovalRefused("Nothing was changed: give a reason, which the owner reads.")
    payment = _waiting(payment_id, staff)
    holds.hold_void(
        payment.pk, status=Payment.Status.FAILED, reason=reason, only=(Payment.Status.AWAITING_APPROVAL,)
    )
    telling.security_note(payment.user, "withdrawal_refused", actor=staff, detail=reason, subject=payment.pk)
    payment.refresh_from_db()
    return payment


def _waiting(payment_id: UUID | str, staff: User) -> Payment:
    payment = Payment.objects.select_related("user").get(pk=payment_id)
    accounts.user_queue(payment.user)
    payment = (
        Payment.objects.select_for_update(of=("self",))
        .select_related("user", "destination")
        .get(pk=payment_id)
    )
    if not (staff.is_active and staff.is_staff):
        raise ApprovalRefused("Nothing was changed: only staff approve withdrawals.")
    if payment.user_id == staff.pk:
        raise ApprovalRefused("Nothing was changed: nobody approves or refuses their own withdrawal.")
    if payment.status != Payment.Status.AWAITING_APPROVAL:
        raise ApprovalRefused(
            f"Nothing was changed: this withdrawal is {payment.get_status_display()} and waits for no approval."
        )
    return payment
