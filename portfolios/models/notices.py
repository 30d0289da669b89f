"""What people are told: one row per person and event, shown in the inbox and sent by e-mail from the row."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class NoticeKind(models.TextChoices):
    """What a notice is about; a person says per kind whether it also comes by e-mail."""

    ORDER_EXECUTED = "order_executed", "an order was carried out"
    ORDER_SKIPPED = "order_skipped", "an order was not carried out"
    REBALANCED = "rebalanced", "an index you hold was rebalanced"
    PAUSED = "paused", "something you hold or wait for is paused"
    PRICE_FROZEN = "price_frozen", "a price in what you hold is in doubt"
    PAYMENT = "payment", "money came in"
    WITHDRAWAL = "withdrawal", "money goes out"
    RECURRING = "recurring", "a recurring plan"
    SECURITY = "security", "the safety of your account"
    FEE = "fee", "a fee"
    STATEMENT = "statement", "a statement is ready"


class Notice(models.Model):
    """Something that one person was told. `key` names the event: the same event is told once, whatever runs twice.

    A notice is never changed but for when it was read and what became of its e-mail.
    """

    class Mail(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENT = "sent", "sent"
        UNWANTED = "unwanted", "not wanted"
        FAILED = "failed", "given up"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=NoticeKind)
    key = models.CharField(max_length=128)
    title = models.CharField(max_length=160)
    text = models.TextField()
    url = models.CharField(max_length=240, blank=True, help_text="Path of the page it is about.")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    mail = models.CharField(max_length=8, choices=Mail, default=Mail.WAITING, help_text="Its e-mail.")
    mail_after = models.DateTimeField(default=timezone.now, help_text="When the next attempt may be made.")
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    emailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="notice_key"),
            models.CheckConstraint(
                condition=Q(mail="sent", emailed_at__isnull=False)
                | (~Q(mail="sent") & Q(emailed_at__isnull=True)),
                name="notice_mail_sent",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_by_user"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread"),
            models.Index(fields=["mail_after"], condition=Q(mail="waiting"), name="notice_to_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Announcement(models.Model):
    """One event that was told to many people at once, each by a notice with the same key."""

    key = models.CharField(max_length=128, unique=True)
    kind = models.CharField(max_length=16, choices=NoticeKind)
    title = models.CharField(max_length=160)
    text = models.TextField()
    url = models.CharField(max_length=240, blank=True)
    people = models.PositiveIntegerField(default=0, help_text="How many were told.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.key


class NoticePreference(models.Model):
    """Whether one person wants one kind of notice by e-mail too. Without a row they do."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=NoticeKind)
    by_email = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notice_preference_key"),
            models.CheckConstraint(
                condition=~Q(kind="security") | Q(by_email=True), name="notice_security_is_mailed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.by_email}"
