"""Recurring plans, switches and notices."""

import uuid
from typing import ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# What came to rest before there were notices is nobody's news.
TOLD_BEFORE = """
UPDATE portfolios_order SET told_at = created_at WHERE status IN ('settled', 'cancelled');
UPDATE portfolios_rebalance SET told_at = created_at WHERE status IN ('done', 'skipped');
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("indices", "0007_retired"), ("portfolios", "0009_usdc")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=128, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("order_executed", "an order was carried out"),
                            ("order_skipped", "an order was not carried out"),
                            ("rebalanced", "an index you hold was rebalanced"),
                            ("paused", "something you hold or wait for is paused"),
                            ("price_frozen", "a price in what you hold is in doubt"),
                            ("payment", "money came in"),
                            ("withdrawal", "money goes out"),
                            ("recurring", "a recurring plan"),
                            ("security", "the safety of your account"),
                            ("fee", "a fee"),
                            ("statement", "a statement is ready"),
                        ],
                        max_length=16,
                    ),
                ),
                ("title", models.CharField(max_length=160)),
                ("text", models.TextField()),
                ("url", models.CharField(blank=True, max_length=240)),
                ("people", models.PositiveIntegerField(default=0, help_text="How many were told.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("order_executed", "an order was carried out"),
                            ("order_skipped", "an order was not carried out"),
                            ("rebalanced", "an index you hold was rebalanced"),
                            ("paused", "something you hold or wait for is paused"),
                            ("price_frozen", "a price in what you hold is in doubt"),
                            ("payment", "money came in"),
                            ("withdrawal", "money goes out"),
                            ("recurring", "a recurring plan"),
                            ("security", "the safety of your account"),
                            ("fee", "a fee"),
                            ("statement", "a statement is ready"),
                        ],
                        max_length=16,
                    ),
                ),
                ("key", models.CharField(max_length=128)),
                ("title", models.CharField(max_length=160)),
                ("text", models.TextField()),
                (
                    "url",
                    models.CharField(blank=True, help_text="Path of the page it is about.", max_length=240),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                (
                    "mail",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("unwanted", "not wanted"),
                            ("failed", "given up"),
                        ],
                        default="waiting",
                        help_text="Its e-mail.",
                        max_length=8,
                    ),
                ),
                (
                    "mail_after",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="When the next attempt may be made."
                    ),
                ),
                ("mail_attempts", models.PositiveSmallIntegerField(default=0)),
                ("emailed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="NoticePreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("order_executed", "an order was carried out"),
                            ("order_skipped", "an order was not carried out"),
                            ("rebalanced", "an index you hold was rebalanced"),
                            ("paused", "something you hold or wait for is paused"),
                            ("price_frozen", "a price in what you hold is in doubt"),
                            ("payment", "money came in"),
                            ("withdrawal", "money goes out"),
                            ("recurring", "a recurring plan"),
                            ("security", "the safety of your account"),
                            ("fee", "a fee"),
                            ("statement", "a statement is ready"),
                        ],
                        max_length=16,
                    ),
                ),
                ("by_email", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="RecurringPlan",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("amount", models.DecimalField(decimal_places=2, help_text="USD.", max_digits=20)),
                (
                    "frequency",
                    models.CharField(
                        choices=[
                            ("daily", "every day"),
                            ("weekly", "every week"),
                            ("monthly", "every month"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "weekday",
                    models.PositiveSmallIntegerField(blank=True, help_text="0 is Monday.", null=True),
                ),
                (
                    "day",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Of the month; a shorter month's last day stands for it.",
                        null=True,
                    ),
                ),
                ("starts_on", models.DateField()),
                (
                    "ends_on",
                    models.DateField(blank=True, help_text="The last day that may be due.", null=True),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("paused", "paused"),
                            ("cancelled", "cancelled"),
                            ("ended", "ended"),
                        ],
                        default="active",
                        max_length=9,
                    ),
                ),
                ("next_due", models.DateField(blank=True, null=True)),
                (
                    "reference",
                    models.CharField(blank=True, help_text="The caller's own.", max_length=128, null=True),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="RecurringRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("due_on", models.DateField()),
                (
                    "status",
                    models.CharField(choices=[("ordered", "ordered"), ("skipped", "skipped")], max_length=8),
                ),
                ("reason", models.CharField(blank=True, help_text="Why it was skipped.", max_length=240)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-due_on"],
            },
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("selling", "selling"),
                            ("buying", "buying"),
                            ("done", "done"),
                            ("cancelled", "cancelled"),
                            ("stopped", "stopped half-way"),
                        ],
                        default="selling",
                        max_length=9,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="Why it stopped or was cancelled.", max_length=240
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        help_text="The caller's own; the same one twice is one switch.",
                        max_length=128,
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, help_text="Wall clock, UTC.", null=True)),
            ],
            options={
                "verbose_name_plural": "switches",
                "ordering": ["-created_at"],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="percent",
            field=models.DecimalField(
                blank=True, decimal_places=2, help_text="Of what is free, asked for.", max_digits=5, null=True
            ),
        ),
        migrations.AddField(
            model_name="order",
            name="told_at",
            field=models.DateTimeField(blank=True, help_text="When its owner was told, UTC.", null=True),
        ),
        migrations.AddField(
            model_name="rebalance",
            name="told_at",
            field=models.DateTimeField(blank=True, help_text="When its holders were told, UTC.", null=True),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("status__in", ["settled", "cancelled"]), ("told_at", None)),
                fields=["created_at"],
                name="order_to_tell",
            ),
        ),
        migrations.AddIndex(
            model_name="rebalance",
            index=models.Index(
                condition=models.Q(("told_at", None)), fields=["id"], name="rebalance_to_tell"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="noticepreference",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="recurringplan",
            name="index",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="indices.index"
            ),
        ),
        migrations.AddField(
            model_name="recurringplan",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="recurringrun",
            name="order",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="recurring_run",
                to="portfolios.order",
            ),
        ),
        migrations.AddField(
            model_name="recurringrun",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="portfolios.recurringplan",
            ),
        ),
        migrations.AddField(
            model_name="switch",
            name="invest",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="switch_in",
                to="portfolios.order",
            ),
        ),
        migrations.AddField(
            model_name="switch",
            name="redeem",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="switch_out", to="portfolios.order"
            ),
        ),
        migrations.AddField(
            model_name="switch",
            name="target",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="indices.index"
            ),
        ),
        migrations.AddField(
            model_name="switch",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["user", "-id"], name="notice_by_user"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("read_at__isnull", True)), fields=["user"], name="notice_unread"
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("mail", "waiting")), fields=["mail_after"], name="notice_to_mail"
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("user", "key"), name="notice_key"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("emailed_at__isnull", False), ("mail", "sent")),
                    models.Q(models.Q(("mail", "sent"), _negated=True), ("emailed_at__isnull", True)),
                    _connector="OR",
                ),
                name="notice_mail_sent",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticepreference",
            constraint=models.UniqueConstraint(fields=("user", "kind"), name="notice_preference_key"),
        ),
        migrations.AddConstraint(
            model_name="noticepreference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "security"), _negated=True), ("by_email", True), _connector="OR"
                ),
                name="notice_security_is_mailed",
            ),
        ),
        migrations.AddIndex(
            model_name="recurringplan",
            index=models.Index(
                condition=models.Q(("status", "active")), fields=["next_due"], name="recurring_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="recurringplan",
            constraint=models.UniqueConstraint(fields=("user", "reference"), name="recurring_reference"),
        ),
        migrations.AddConstraint(
            model_name="recurringplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="recurring_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="recurringplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("day__isnull", True), ("frequency", "daily"), ("weekday__isnull", True)),
                    models.Q(("day__isnull", True), ("frequency", "weekly"), ("weekday__lte", 6)),
                    models.Q(
                        ("day__gte", 1), ("day__lte", 31), ("frequency", "monthly"), ("weekday__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="recurring_rule",
            ),
        ),
        migrations.AddConstraint(
            model_name="recurringplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__isnull", True), ("ends_on__gte", models.F("starts_on")), _connector="OR"
                ),
                name="recurring_dates",
            ),
        ),
        migrations.AddConstraint(
            model_name="recurringplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "active"), _negated=True),
                    ("next_due__isnull", False),
                    _connector="OR",
                ),
                name="recurring_active_is_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="recurringrun",
            constraint=models.UniqueConstraint(fields=("plan", "due_on"), name="recurring_run_key"),
        ),
        migrations.AddConstraint(
            model_name="recurringrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("order__isnull", False), ("reason", ""), ("status", "ordered")),
                    models.Q(
                        ("order__isnull", True),
                        ("status", "skipped"),
                        models.Q(("reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="recurring_run_explained",
            ),
        ),
        migrations.AddIndex(
            model_name="switch",
            index=models.Index(
                condition=models.Q(("status__in", ["selling", "buying"])),
                fields=["created_at"],
                name="switch_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.UniqueConstraint(fields=("user", "reference"), name="switch_reference"),
        ),
        migrations.AddConstraint(
            model_name="switch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("invest__isnull", True), ("status__in", ["selling", "cancelled"])),
                    models.Q(("invest__isnull", False), ("status__in", ["buying", "done"])),
                    models.Q(("status", "stopped"), models.Q(("reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="switch_legs",
            ),
        ),
        migrations.RunSQL(TOLD_BEFORE, migrations.RunSQL.noop),
    ]
