"""Fees: announced in schedules, accrued as units. What was accrued is never changed."""

from decimal import Decimal
from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

CREATE = """
CREATE FUNCTION portfolios_fees_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fees: % on % is refused; what was accrued or announced stays', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER fee_accrual_append_only BEFORE UPDATE OR DELETE ON portfolios_feeaccrual
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_fees_append_only();
CREATE TRIGGER fee_accrual_no_truncate BEFORE TRUNCATE ON portfolios_feeaccrual
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_fees_append_only();
CREATE TRIGGER fee_schedule_fixed BEFORE UPDATE OF index_id, management_rate, performance_rate, announced_on,
    effective_from ON portfolios_feeschedule FOR EACH STATEMENT EXECUTE FUNCTION portfolios_fees_append_only();
"""

DROP = """
DROP TRIGGER fee_schedule_fixed ON portfolios_feeschedule;
DROP TRIGGER fee_accrual_no_truncate ON portfolios_feeaccrual;
DROP TRIGGER fee_accrual_append_only ON portfolios_feeaccrual;
DROP FUNCTION portfolios_fees_append_only();
"""

AMOUNT: dict[str, Any] = {"max_digits": 38, "decimal_places": 18}
RATE: dict[str, Any] = {"max_digits": 7, "decimal_places": 6}


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0013_tax_lots")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name="FeeSchedule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "management_rate",
                    models.DecimalField(
                        **RATE,
                        default=0,
                        help_text="Fraction of the holding a year: 0.005 is half a percent. At most 0.05.",
                    ),
                ),
                (
                    "performance_rate",
                    models.DecimalField(
                        **RATE,
                        default=0,
                        help_text="Fraction of the gain above the high-water mark: 0 is off. At most 0.5.",
                    ),
                ),
                (
                    "announced_on",
                    models.DateField(help_text="Market day on which holders could first read it."),
                ),
                ("effective_from", models.DateField(help_text="The first market day it is taken for.")),
                ("announced_by", models.CharField(blank=True, max_length=254)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "index",
                    models.ForeignKey(
                        blank=True,
                        help_text="Leave empty for every index of ours that has no schedule of its own.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="indices.index",
                    ),
                ),
            ],
            options={"ordering": ["-effective_from", "-id"]},
        ),
        migrations.CreateModel(
            name="FeeAccrual",
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
                        choices=[("management", "management fee"), ("performance", "performance fee")],
                        max_length=12,
                    ),
                ),
                ("day", models.DateField(help_text="Market day that it is taken for, at its close.")),
                ("rate", models.DecimalField(**RATE)),
                ("units_before", models.DecimalField(**AMOUNT, help_text="Units issued before it.")),
                ("units", models.DecimalField(**AMOUNT, help_text="Units issued to the house for it.")),
                (
                    "carry",
                    models.DecimalField(
                        decimal_places=0,
                        default=0,
                        help_text="What division left for the next day.",
                        max_digits=20,
                    ),
                ),
                (
                    "unit_price",
                    models.DecimalField(**AMOUNT, help_text="Value per unit right after it, USD."),
                ),
                (
                    "low",
                    models.DecimalField(
                        **AMOUNT, blank=True, help_text="Lowest close of three days, USD.", null=True
                    ),
                ),
                (
                    "mark_before",
                    models.DecimalField(**AMOUNT, blank=True, help_text="High-water mark, USD.", null=True),
                ),
                (
                    "mark_after",
                    models.DecimalField(
                        **AMOUNT, blank=True, help_text="High-water mark from now on.", null=True
                    ),
                ),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "entry",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fee_accrual",
                        to="portfolios.entry",
                    ),
                ),
                (
                    "portfolio",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fee_accruals",
                        to="portfolios.portfolio",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="accruals",
                        to="portfolios.feeschedule",
                    ),
                ),
            ],
            options={"ordering": ["-day", "-id"]},
        ),
        migrations.AddConstraint(
            model_name="feeschedule",
            constraint=models.UniqueConstraint(
                fields=("index", "effective_from"), name="fee_schedule_key", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="feeschedule",
            constraint=models.CheckConstraint(
                condition=Q(management_rate__gte=0, management_rate__lte=Decimal("0.05"))
                & Q(performance_rate__gte=0, performance_rate__lte=Decimal("0.5")),
                name="fee_schedule_rates",
            ),
        ),
        migrations.AddConstraint(
            model_name="feeschedule",
            constraint=models.CheckConstraint(
                condition=Q(effective_from__gt=models.F("announced_on")), name="fee_schedule_announced_before"
            ),
        ),
        migrations.AddConstraint(
            model_name="feeaccrual",
            constraint=models.UniqueConstraint(fields=("portfolio", "kind", "day"), name="fee_accrual_key"),
        ),
        migrations.AddConstraint(
            model_name="feeaccrual",
            constraint=models.CheckConstraint(
                condition=Q(units__gte=0) & Q(carry__gte=0) & Q(units_before__gt=0),
                name="fee_accrual_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="feeaccrual",
            constraint=models.CheckConstraint(
                condition=Q(units__gt=0, entry__isnull=False) | Q(units=0, entry__isnull=True),
                name="fee_accrual_posted",
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
