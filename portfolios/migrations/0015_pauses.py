"""The kill switch; drift bands and a turnover budget per portfolio; why cash stays after a dealing."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def _person(**more: object) -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        **more,
    )


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0014_fees")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="dealing",
            name="cash_left",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Why USD stay in the portfolio: a list of {why, usd, token}; it sums to what stays.",
            ),
        ),
        migrations.AddField(
            model_name="portfolio",
            name="drift_full",
            field=models.PositiveIntegerField(
                default=10_000,
                help_text="Millionths: above this drift a rebalance goes all the way to target.",
            ),
        ),
        migrations.AddField(
            model_name="portfolio",
            name="drift_hold",
            field=models.PositiveIntegerField(
                default=2_500,
                help_text="Millionths of its value: up to this drift a rebalance sells nothing.",
            ),
        ),
        migrations.AddField(
            model_name="portfolio",
            name="max_turnover",
            field=models.PositiveIntegerField(
                default=2_000_000,
                help_text="Millionths: the most that a rebalance buys and sells together.",
            ),
        ),
        migrations.AddConstraint(
            model_name="portfolio",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("drift_full__lte", 1_000_000), ("drift_hold__lte", models.F("drift_full"))
                ),
                name="portfolio_bands",
            ),
        ),
        migrations.CreateModel(
            name="Pause",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("all", "everything"),
                            ("buys", "purchases"),
                            ("sells", "sales"),
                            ("withdrawals", "withdrawals"),
                            ("asset", "one token"),
                            ("index", "one index"),
                            ("venue", "one venue"),
                        ],
                        max_length=12,
                    ),
                ),
                ("target", models.CharField(blank=True, max_length=128)),
                (
                    "reason",
                    models.CharField(help_text="For investors: a sentence in plain words.", max_length=240),
                ),
                ("started_at", models.DateTimeField(help_text="Wall clock, UTC.")),
                ("ended_at", models.DateTimeField(blank=True, help_text="Wall clock, UTC.", null=True)),
                (
                    "told_at",
                    models.DateTimeField(blank=True, help_text="When those it touches were told.", null=True),
                ),
                ("ended_by", _person()),
                ("started_by", _person(help_text="Empty where the platform stopped itself.")),
            ],
            options={
                "ordering": ["-started_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("scope", "target"),
                        name="pause_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("scope__in", ["asset", "index", "venue"]),
                                models.Q(("target", ""), _negated=True),
                            ),
                            models.Q(("scope__in", ["all", "buys", "sells", "withdrawals"]), ("target", "")),
                            _connector="OR",
                        ),
                        name="pause_target",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="pause_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at__isnull", True),
                            ("ended_at__gte", models.F("started_at")),
                            _connector="OR",
                        ),
                        name="pause_ends_later",
                    ),
                ],
            },
        ),
    ]
