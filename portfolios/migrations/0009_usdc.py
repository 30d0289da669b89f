"""USDC: deposit addresses, transfers seen on chain, signed payouts; custody reports and proofs of reserves."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0008_payments")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name="DepositAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chain_id", models.BigIntegerField()),
                ("address", models.CharField(help_text="With its checksum (EIP-55).", max_length=42)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="How its key is derived; empty where imported.", max_length=64
                    ),
                ),
                ("assigned_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deposit addresses",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ChainCheckpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chain_id", models.BigIntegerField()),
                ("contract", models.CharField(max_length=42)),
                ("number", models.BigIntegerField()),
                ("hash", models.CharField(max_length=66)),
                ("scanned_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("chain_id", "contract", "number"), name="chain_checkpoint_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainTransfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("chain_id", models.BigIntegerField()),
                ("contract", models.CharField(max_length=42)),
                ("tx_hash", models.CharField(max_length=66)),
                ("log_index", models.IntegerField()),
                (
                    "ordinal",
                    models.IntegerField(
                        help_text="The n-th transfer to this address in its transaction, from 0."
                    ),
                ),
                ("block_number", models.BigIntegerField()),
                ("block_hash", models.CharField(max_length=66)),
                ("sender", models.CharField(max_length=42)),
                ("amount", models.DecimalField(decimal_places=6, help_text="USDC.", max_digits=38)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("seen", "waits for confirmations"),
                            ("waiting", "waits"),
                            ("credited", "in your cash"),
                            ("orphaned", "its block is gone; it was never credited"),
                            ("reversed", "its block is gone; the credit was taken back"),
                        ],
                        default="seen",
                        max_length=8,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="What it waits for, for the person.", max_length=240
                    ),
                ),
                (
                    "turn",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="How often its block has become part of the chain."
                    ),
                ),
                (
                    "mark",
                    models.DecimalField(
                        blank=True,
                        decimal_places=10,
                        help_text="USD per USDC when it was credited.",
                        max_digits=20,
                        null=True,
                    ),
                ),
                ("seen_at", models.DateTimeField()),
                ("credited_at", models.DateTimeField(blank=True, null=True)),
                (
                    "payment",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolios.payment",
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "address",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfers",
                        to="portfolios.depositaddress",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="UsdcPayout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=160, unique=True)),
                ("chain_id", models.BigIntegerField()),
                ("contract", models.CharField(max_length=42)),
                ("destination", models.CharField(max_length=42)),
                ("usd", models.DecimalField(decimal_places=2, max_digits=20)),
                (
                    "mark",
                    models.DecimalField(
                        decimal_places=10, help_text="USD per USDC when it was asked for.", max_digits=20
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=6, help_text="USDC.", max_digits=38)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "waits for its turn"),
                            ("signed", "signed and stored, perhaps sent"),
                            ("sent", "given to the network"),
                            ("paid", "confirmed"),
                            ("failed", "not paid, for certain"),
                        ],
                        default="queued",
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, help_text="Why it waits or failed.", max_length=240)),
                ("sender", models.CharField(blank=True, max_length=42)),
                ("nonce", models.BigIntegerField(blank=True, null=True)),
                ("block_number", models.BigIntegerField(blank=True, null=True)),
                ("block_hash", models.CharField(blank=True, max_length=66)),
                (
                    "tx_hash",
                    models.CharField(blank=True, help_text="The transaction that was mined.", max_length=66),
                ),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["queued", "signed", "sent"])),
                        fields=["id"],
                        name="usdc_payout_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("nonce__isnull", False)),
                        fields=("chain_id", "sender", "nonce"),
                        name="usdc_payout_nonce_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0), ("usd__gt", 0)), name="usdc_payout_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["signed", "sent", "paid"]), _negated=True),
                            ("nonce__isnull", False),
                            _connector="OR",
                        ),
                        name="usdc_payout_signed_has_nonce",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainTransaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hash", models.CharField(max_length=66, unique=True)),
                ("raw", models.BinaryField()),
                ("nonce", models.BigIntegerField()),
                ("max_fee", models.DecimalField(decimal_places=0, help_text="Wei per gas.", max_digits=38)),
                (
                    "priority_fee",
                    models.DecimalField(decimal_places=0, help_text="Wei per gas.", max_digits=38),
                ),
                ("signed_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "payout",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="portfolios.usdcpayout",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="CustodyReport",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "custodian",
                    models.CharField(help_text="venue:binance, bank:stripe, wallet:usdc.", max_length=96),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("venue", "trading venue"),
                            ("bank", "bank or payment provider"),
                            ("wallet", "wallet on a chain"),
                            ("transit", "sent, not yet final"),
                            ("simulated", "simulated custody"),
                        ],
                        max_length=9,
                    ),
                ),
                ("as_of", models.DateTimeField(help_text="When it was asked, UTC.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-as_of", "-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("custodian", "as_of"), name="custody_report_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="CustodyBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolios.ledgerasset",
                    ),
                ),
                (
                    "report",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="balances",
                        to="portfolios.custodyreport",
                    ),
                ),
            ],
            options={
                "ordering": ["asset_id"],
                "constraints": [
                    models.UniqueConstraint(fields=("report", "asset"), name="custody_balance_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReserveSnapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(help_text="UTC day of the wall clock.", unique=True)),
                ("taken_at", models.DateTimeField()),
                ("market_time", models.DateTimeField(help_text="Market time of the marks, UTC.")),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("covered", "everything owed is held"),
                            ("short", "less is held than owed"),
                            ("unknown", "a custodian has not answered for too long"),
                        ],
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=240)),
                ("people", models.PositiveIntegerField(help_text="Leaves of the tree.")),
                (
                    "commitment",
                    models.CharField(
                        help_text="SHA-256 of the assets, the number of leaves and the root.", max_length=64
                    ),
                ),
                ("root", models.CharField(max_length=64)),
                ("sums", models.BinaryField(help_text="What is owed in all, as the root has it.")),
                (
                    "secret",
                    models.BinaryField(
                        help_text="What the salts of the leaves are made of; never published."
                    ),
                ),
            ],
            options={
                "ordering": ["-day"],
            },
        ),
        migrations.CreateModel(
            name="ReserveLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "place",
                    models.PositiveIntegerField(help_text="Its place in the sums of the tree, from 0."),
                ),
                ("owed", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "held",
                    models.DecimalField(
                        decimal_places=18,
                        help_text="What covers it, USDC counted as dollars where its peg holds.",
                        max_digits=38,
                    ),
                ),
                (
                    "simulated",
                    models.DecimalField(
                        decimal_places=18,
                        help_text="Part of `held` that only the ledger says.",
                        max_digits=38,
                    ),
                ),
                (
                    "stood_in",
                    models.DecimalField(
                        decimal_places=18, default=0, help_text="Part of `held` that is USDC.", max_digits=38
                    ),
                ),
                (
                    "mark",
                    models.DecimalField(
                        blank=True, decimal_places=18, help_text="USD each.", max_digits=38, null=True
                    ),
                ),
                ("short", models.BooleanField(default=False)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portfolios.ledgerasset",
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="portfolios.reservesnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["snapshot", "place"],
            },
        ),
        migrations.CreateModel(
            name="ReserveBlock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("digest", models.BinaryField()),
                ("sums", models.BinaryField()),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="blocks",
                        to="portfolios.reservesnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["snapshot", "number"],
            },
        ),
        migrations.CreateModel(
            name="ReserveLeaf",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("place", models.PositiveIntegerField()),
                (
                    "label",
                    models.CharField(
                        help_text="The person's email then: what makes the leaf theirs alone.", max_length=254
                    ),
                ),
                ("sums", models.BinaryField(help_text="Deflated: most of it are zeros.")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "snapshot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="leaves",
                        to="portfolios.reservesnapshot",
                    ),
                ),
            ],
            options={
                "ordering": ["snapshot", "place"],
            },
        ),
        migrations.AddConstraint(
            model_name="depositaddress",
            constraint=models.UniqueConstraint(fields=("chain_id", "address"), name="deposit_address_key"),
        ),
        migrations.AddConstraint(
            model_name="depositaddress",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("chain_id", "user"),
                name="deposit_address_one_each",
            ),
        ),
        migrations.AddConstraint(
            model_name="depositaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(("address__regex", "^0x[0-9a-fA-F]{40}$")), name="deposit_address_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="depositaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("assigned_at__isnull", True), ("user__isnull", True)),
                    models.Q(("assigned_at__isnull", False), ("user__isnull", False)),
                    _connector="OR",
                ),
                name="deposit_address_assigned",
            ),
        ),
        migrations.AddIndex(
            model_name="chaintransfer",
            index=models.Index(fields=["chain_id", "block_number"], name="chain_transfer_by_block"),
        ),
        migrations.AddConstraint(
            model_name="chaintransfer",
            constraint=models.UniqueConstraint(
                fields=("chain_id", "tx_hash", "log_index", "block_hash"), name="chain_transfer_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="chaintransfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["seen", "waiting", "credited"])),
                fields=("chain_id", "tx_hash", "address", "ordinal"),
                name="chain_transfer_in_force_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="chaintransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="chain_transfer_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="chaintransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["credited", "reversed"]), _negated=True),
                    models.Q(
                        ("credited_at__isnull", False), ("mark__isnull", False), ("payment__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="chain_transfer_credit_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reserveline",
            constraint=models.UniqueConstraint(fields=("snapshot", "asset"), name="reserve_line_key"),
        ),
        migrations.AddConstraint(
            model_name="reserveline",
            constraint=models.CheckConstraint(condition=models.Q(("owed__gte", 0)), name="reserve_line_owed"),
        ),
        migrations.AddConstraint(
            model_name="reserveleaf",
            constraint=models.UniqueConstraint(fields=("snapshot", "place"), name="reserve_leaf_key"),
        ),
        migrations.AddConstraint(
            model_name="reserveleaf",
            constraint=models.UniqueConstraint(fields=("snapshot", "user"), name="reserve_leaf_one_each"),
        ),
        migrations.AddConstraint(
            model_name="reserveblock",
            constraint=models.UniqueConstraint(fields=("snapshot", "number"), name="reserve_block_key"),
        ),
    ]
