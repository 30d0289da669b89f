"""Where money may go, who let it go, and what touched the safety of an account."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class WithdrawalDestination(models.Model):
    """An address on a person's allow-list. It may be used from `usable_from` until it is removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="destinations")
    method = models.CharField(max_length=16)
    address = models.CharField(max_length=160)
    label = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(help_text="Wall clock, UTC.")
    usable_from = models.DateTimeField(help_text="Wall clock, UTC.")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "method", "address"],
                condition=Q(removed_at__isnull=True),
                name="destination_once",
            ),
            models.CheckConstraint(
                condition=Q(usable_from__gte=F("created_at")), name="destination_usable_later"
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.address


class WithdrawalApproval(models.Model):
    """One member of staff said yes to one withdrawal. Never changed, never their own (see services)."""

    payment = models.ForeignKey("portfolios.Payment", on_delete=models.PROTECT, related_name="approvals")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["payment", "staff"], name="approval_once")]

    def __str__(self) -> str:
        return f"{self.payment_id} by {self.staff_id}"


class WithdrawalLimit(models.Model):
    """Other limits than the usual ones for one person. An empty one is the usual one."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="withdrawal_limit"
    )
    daily = models.DecimalField(
        max_digits=20, decimal_places=2, null=True, blank=True, help_text="USD in one UTC day."
    )
    approval_above = models.DecimalField(
        max_digits=20,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="USD above which two people approve.",
    )
    note = models.CharField(max_length=240, help_text="Why.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(daily__isnull=True) | Q(daily__gte=0))
                & (Q(approval_above__isnull=True) | Q(approval_above__gte=0)),
                name="withdrawal_limit_not_negative",
            )
        ]

    def __str__(self) -> str:
        return f"limit of user {self.user_id}"


class SecurityEvent(models.Model):
    """Who did what to the safety of whose account, and when. Never changed, never deleted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Empty where the platform acted.",
    )
    kind = models.CharField(max_length=32, db_index=True)
    detail = models.CharField(max_length=240, blank=True)
    subject = models.CharField(max_length=64, blank=True, help_text="Id of the row it is about.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} of user {self.user_id}"
