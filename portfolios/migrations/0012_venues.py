"""Venues: accounts, markets, reconciliations, fees in tokens, and the one way that a block order may go."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The same table as portfolios/core/order_states.py; a test holds the two together.
CREATE = """
CREATE FUNCTION portfolios_block_order_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('new', 'sending'), ('new', 'rejected'),
        ('sending', 'open'), ('sending', 'unknown'), ('sending', 'done'), ('sending', 'rejected'),
        ('open', 'done'), ('open', 'rejected'),
        ('unknown', 'open'), ('unknown', 'done'), ('unknown', 'rejected')
    ) THEN
        RAISE EXCEPTION 'block order %: % to % is refused', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER block_order_edge BEFORE UPDATE OF status ON portfolios_blockorder
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION portfolios_block_order_edge();

CREATE FUNCTION portfolios_reconciliation_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'reconciliations are kept: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER reconciliation_append_only BEFORE UPDATE OR DELETE ON portfolios_reconciliation
    FOR EACH ROW EXECUTE FUNCTION portfolios_reconciliation_kept();
"""

DROP = """
DROP TRIGGER reconciliation_append_only ON portfolios_reconciliation;
DROP FUNCTION portfolios_reconciliation_kept();
DROP TRIGGER block_order_edge ON portfolios_blockorder;
DROP FUNCTION portfolios_block_order_edge();
"""

USED = """
UPDATE portfolios_fill f SET used = CASE b.side WHEN 'sell' THEN f.quantity ELSE f.notional + f.fee END
FROM portfolios_blockorder b WHERE b.id = f.block_order_id;
-- A table with deferred checks waiting cannot be altered in the same transaction.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0011_nominee_dealing")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("venue", models.CharField(max_length=24)),
                ("run_at", models.DateTimeField(help_text="Wall clock, UTC.")),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("clean", "everything agrees"),
                            ("waiting", "orders are on their way: balances were not judged"),
                            ("break", "the books disagree"),
                            ("no_answer", "the venue gave no complete answer"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "findings",
                    models.JSONField(
                        default=list, help_text="One sentence for each thing that is not as it should be."
                    ),
                ),
                ("trades", models.IntegerField(default=0, help_text="Trades that the venue reported.")),
                (
                    "posted",
                    models.IntegerField(
                        default=0, help_text="Trades that were missing here and were posted."
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="VenueAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="What orders and fills are booked under.", max_length=24, unique=True
                    ),
                ),
                ("exchange", models.CharField(help_text="The name ccxt gives it, or paper.", max_length=32)),
                ("url", models.URLField(blank=True, help_text="Empty: the exchange's own address.")),
                (
                    "quote",
                    models.CharField(
                        help_text="The currency its markets are priced in, such as USDT.", max_length=16
                    ),
                ),
                (
                    "fee",
                    models.DecimalField(
                        decimal_places=8, help_text="What a taker pays, a fraction.", max_digits=9
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
                ("key_sealed", models.TextField(blank=True)),
                ("secret_sealed", models.TextField(blank=True)),
                ("password_sealed", models.TextField(blank=True)),
                (
                    "key_end",
                    models.CharField(
                        blank=True, help_text="The last four characters of the key.", max_length=4
                    ),
                ),
                (
                    "withdrawals",
                    models.CharField(
                        choices=[
                            ("exchange", "the exchange says that the key cannot withdraw"),
                            ("operator", "an operator confirmed that the key cannot withdraw"),
                            ("none", "there is no key"),
                        ],
                        max_length=8,
                    ),
                ),
                ("withdrawals_at", models.DateTimeField(help_text="When that was found or confirmed, UTC.")),
                (
                    "baseline",
                    models.JSONField(
                        default=dict,
                        help_text="Currency -> what was there before our first order, a decimal string.",
                    ),
                ),
                ("connected_at", models.DateTimeField(help_text="Wall clock, UTC.")),
                (
                    "compared_through",
                    models.DateTimeField(
                        help_text="Trades at the venue up to here have been compared with ours, wall clock, UTC."
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="VenueMarket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "symbol",
                    models.CharField(help_text="The market as ccxt names it: BTC/USDT.", max_length=48),
                ),
                ("base", models.CharField(help_text="The venue's code for the token.", max_length=24)),
                (
                    "least_notional",
                    models.DecimalField(
                        decimal_places=18,
                        default=0,
                        help_text="Smallest order, quote currency.",
                        max_digits=38,
                    ),
                ),
                ("least_quantity", models.DecimalField(decimal_places=18, default=0, max_digits=38)),
                (
                    "step",
                    models.DecimalField(
                        decimal_places=18, help_text="Quantities are whole multiples of it.", max_digits=38
                    ),
                ),
                (
                    "tick",
                    models.DecimalField(
                        decimal_places=18, help_text="Prices are whole multiples of it.", max_digits=38
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("checked_at", models.DateTimeField(help_text="When the venue last told these rules, UTC.")),
            ],
            options={
                "ordering": ["account", "symbol"],
            },
        ),
        migrations.AddField(
            model_name="blockorder",
            name="send_after",
            field=models.DateTimeField(
                blank=True,
                help_text="Not sent before, wall clock, UTC: another try waits for the book to fill.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="blockorder",
            name="venue_reference",
            field=models.CharField(blank=True, help_text="The venue's own id of it.", max_length=96),
        ),
        migrations.AddField(
            model_name="fill",
            name="fee_asset",
            field=models.ForeignKey(
                blank=True,
                help_text="What the venue took its fee in; empty for dollars.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portfolios.ledgerasset",
            ),
        ),
        migrations.AddField(
            model_name="fill",
            name="fee_quantity",
            field=models.DecimalField(
                decimal_places=18,
                default=0,
                help_text="Of the fee asset, where it is a token.",
                max_digits=38,
            ),
        ),
        migrations.AddField(
            model_name="fill",
            name="quote_amount",
            field=models.DecimalField(
                blank=True,
                decimal_places=18,
                help_text="The notional in the venue's own currency.",
                max_digits=38,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="fill",
            name="quote_fee",
            field=models.DecimalField(
                decimal_places=18,
                default=0,
                help_text="The fee, where it was taken in that currency.",
                max_digits=38,
            ),
        ),
        migrations.AddField(
            model_name="fill",
            name="used",
            field=models.DecimalField(
                decimal_places=18,
                default=0,
                help_text="What it used up of the allocations: tokens of a sale, USD of a purchase.",
                max_digits=38,
            ),
        ),
        migrations.AlterField(
            model_name="blockorder",
            name="reason",
            field=models.CharField(blank=True, help_text="Why it was refused or not filled.", max_length=240),
        ),
        migrations.AlterField(
            model_name="fill",
            name="fee",
            field=models.DecimalField(
                decimal_places=18, help_text="USD that the fee cost the dealings.", max_digits=38
            ),
        ),
        migrations.AddIndex(
            model_name="reconciliation",
            index=models.Index(fields=["venue", "-id"], name="reconciliation_of_venue"),
        ),
        migrations.AddField(
            model_name="venueaccount",
            name="quote_token",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose mark says what the quote currency is worth; empty for US dollars.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="signals.asset",
            ),
        ),
        migrations.AddField(
            model_name="venueaccount",
            name="withdrawals_by",
            field=models.ForeignKey(
                blank=True,
                help_text="Who confirmed it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="venuemarket",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="markets",
                to="portfolios.venueaccount",
            ),
        ),
        migrations.AddField(
            model_name="venuemarket",
            name="token",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="signals.asset"
            ),
        ),
        migrations.AddConstraint(
            model_name="venuemarket",
            constraint=models.UniqueConstraint(fields=("account", "token"), name="venue_market_token"),
        ),
        migrations.AddConstraint(
            model_name="venuemarket",
            constraint=models.UniqueConstraint(fields=("account", "symbol"), name="venue_market_symbol"),
        ),
        migrations.RunSQL(USED, migrations.RunSQL.noop),
        migrations.RunSQL(CREATE, DROP),
    ]
