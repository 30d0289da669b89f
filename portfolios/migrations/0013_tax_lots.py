"""Tax lots and statements: what a person was told in writing, and chose, does not change afterwards."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

CREATE = """
CREATE FUNCTION portfolios_statement_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'statements: % is refused; issue a further version with a note', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER statement_frozen BEFORE UPDATE OR DELETE ON portfolios_statement
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_statement_frozen();
CREATE TRIGGER statement_no_truncate BEFORE TRUNCATE ON portfolios_statement
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_statement_frozen();

CREATE FUNCTION portfolios_tax_year_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'taxes: the year % is closed', OLD.year USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER tax_year_closed BEFORE UPDATE OR DELETE ON portfolios_taxyear
    FOR EACH ROW EXECUTE FUNCTION portfolios_tax_year_closed();

CREATE FUNCTION portfolios_lot_choice_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    choice portfolios_lotchoice;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'taxes: a choice is not changed but replaced' USING ERRCODE = 'restrict_violation';
    ELSIF TG_OP = 'DELETE' THEN choice := OLD;
    ELSE choice := NEW;
    END IF;
    -- Midnight is the close of the day before it, so the first moment of a year belongs to the year before.
    IF EXISTS (SELECT 1 FROM portfolios_order o JOIN portfolios_taxyear y ON y.user_id = o.user_id
               WHERE o.id = choice.order_id AND y.closed_at IS NOT NULL AND o.settled_at IS NOT NULL
                 AND y.year = EXTRACT(YEAR FROM (o.settled_at AT TIME ZONE 'UTC') - interval '1 microsecond')) THEN
        RAISE EXCEPTION 'taxes: the year of order % is closed', choice.order_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lot_choice_open BEFORE INSERT OR UPDATE OR DELETE ON portfolios_lotchoice
    FOR EACH ROW EXECUTE FUNCTION portfolios_lot_choice_open();
"""

DROP = """
DROP TRIGGER lot_choice_open ON portfolios_lotchoice;
DROP FUNCTION portfolios_lot_choice_open();
DROP TRIGGER tax_year_closed ON portfolios_taxyear;
DROP FUNCTION portfolios_tax_year_closed();
DROP TRIGGER statement_no_truncate ON portfolios_statement;
DROP TRIGGER statement_frozen ON portfolios_statement;
DROP FUNCTION portfolios_statement_frozen();
"""

METHODS = [
    ("fifo", "first in, first out"),
    ("lifo", "last in, first out"),
    ("hifo", "highest cost first"),
    ("average", "average cost"),
    ("specific", "lots that you choose"),
]
CENTS = {"decimal_places": 2, "max_digits": 20}


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0012_venues")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name="TaxYear",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.PositiveSmallIntegerField()),
                ("method", models.CharField(choices=METHODS, default="fifo", max_length=8)),
                ("closed_at", models.DateTimeField(blank=True, help_text="Wall clock, UTC.", null=True)),
                ("digest", models.CharField(blank=True, max_length=64)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tax_years",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-year"],
                "constraints": [
                    models.UniqueConstraint(fields=["user", "year"], name="tax_year_key"),
                    models.CheckConstraint(
                        condition=Q(closed_at__isnull=True, digest="")
                        | (Q(closed_at__isnull=False) & ~Q(digest="")),
                        name="tax_year_closed_with_digest",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="First day of the market month.")),
                ("version", models.PositiveSmallIntegerField(default=1)),
                (
                    "note",
                    models.CharField(blank=True, help_text="Why there is a further version.", max_length=240),
                ),
                ("opening", models.DecimalField(**CENTS)),
                ("deposits", models.DecimalField(**CENTS)),
                ("withdrawals", models.DecimalField(**CENTS)),
                ("other", models.DecimalField(**CENTS)),
                ("gains", models.DecimalField(**CENTS, help_text="Before costs; negative is a loss.")),
                ("costs", models.DecimalField(**CENTS)),
                ("closing", models.DecimalField(**CENTS)),
                ("body", models.JSONField(help_text="The sheet, cell by cell.")),
                (
                    "digest",
                    models.CharField(help_text="SHA-256 of the body in its canonical form.", max_length=64),
                ),
                ("pdf_digest", models.CharField(help_text="SHA-256 of the PDF.", max_length=64)),
                (
                    "entries_digest",
                    models.CharField(help_text="SHA-256 of the ledger's entries that it rests on.", max_length=64),
                ),
                ("as_of", models.DateTimeField(help_text="Market time at which it was issued, UTC.")),
                ("issued_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-month", "-version"],
                "constraints": [
                    models.UniqueConstraint(fields=["user", "month", "version"], name="statement_key"),
                    models.CheckConstraint(
                        condition=Q(
                            closing=F("opening")
                            + F("deposits")
                            - F("withdrawals")
                            + F("other")
                            + F("gains")
                            - F("costs")
                        ),
                        name="statement_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=Q(version=1) | (Q(version__gt=1) & ~Q(note="")),
                        name="statement_correction_noted",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LotChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("units", models.DecimalField(decimal_places=18, max_digits=38)),
                ("chosen_at", models.DateTimeField(auto_now_add=True)),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portfolios.entry"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lot_choices",
                        to="portfolios.order",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lot_choices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=["order", "lot"], name="lot_choice_key"),
                    models.CheckConstraint(condition=Q(units__gt=0), name="lot_choice_positive"),
                ],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
