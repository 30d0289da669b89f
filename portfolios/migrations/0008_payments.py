"""Ways in and out: allow-list, approvals, provider events and disputes."""

import uuid
from decimal import Decimal
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What was told and who allowed it is never changed afterwards.
CREATE = """
CREATE FUNCTION portfolios_payments_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'payments: % on % is refused; what was told or allowed stays as it was', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER payment_event_append_only BEFORE UPDATE OR DELETE ON portfolios_paymentevent
    FOR EACH ROW EXECUTE FUNCTION portfolios_payments_append_only();
CREATE TRIGGER withdrawal_approval_append_only BEFORE UPDATE OR DELETE ON portfolios_withdrawalapproval
    FOR EACH ROW EXECUTE FUNCTION portfolios_payments_append_only();
CREATE TRIGGER security_event_append_only BEFORE UPDATE OR DELETE ON portfolios_securityevent
    FOR EACH ROW EXECUTE FUNCTION portfolios_payments_append_only();
"""

DROP = """
DROP TRIGGER security_event_append_only ON portfolios_securityevent;
DROP TRIGGER withdrawal_approval_append_only ON portfolios_withdrawalapproval;
DROP TRIGGER payment_event_append_only ON portfolios_paymentevent;
DROP FUNCTION portfolios_payments_append_only();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0007_book_triggers")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name='PaymentEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=16)),
                ('event_id', models.CharField(max_length=128)),
                ('type', models.CharField(max_length=80)),
                ('subject', models.CharField(blank=True, max_length=160)),
                ('kind', models.CharField(blank=True, max_length=24)),
                ('amount', models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ('item', models.CharField(blank=True, help_text='The dispute it is about.', max_length=160)),
                ('detail', models.CharField(blank=True, max_length=240)),
                ('digest', models.CharField(help_text='SHA-256 of the message.', max_length=64)),
                ('occurred_at', models.DateTimeField(blank=True, null=True)),
                ('received_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='SecurityEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(db_index=True, max_length=32)),
                ('detail', models.CharField(blank=True, max_length=240)),
                ('subject', models.CharField(blank=True, help_text='Id of the row it is about.', max_length=64)),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='WithdrawalApproval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='WithdrawalDestination',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('method', models.CharField(max_length=16)),
                ('address', models.CharField(max_length=160)),
                ('label', models.CharField(blank=True, max_length=80)),
                ('created_at', models.DateTimeField(help_text='Wall clock, UTC.')),
                ('usable_from', models.DateTimeField(help_text='Wall clock, UTC.')),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='WithdrawalLimit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('daily', models.DecimalField(blank=True, decimal_places=2, help_text='USD in one UTC day.', max_digits=20, null=True)),
                ('approval_above', models.DecimalField(blank=True, decimal_places=2, help_text='USD above which two people approve.', max_digits=20, null=True)),
                ('note', models.CharField(help_text='Why.', max_length=240)),
            ],
        ),
        migrations.AlterModelOptions(
            name='payment',
            options={'ordering': ['-created_at'], 'permissions': [('approve_withdrawal', 'Can approve or refuse large withdrawals')]},
        ),
        migrations.AddField(
            model_name='payment',
            name='approvals_needed',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='payment',
            name='asked_at',
            field=models.DateTimeField(blank=True, help_text='When the provider was last asked.', null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='continue_url',
            field=models.TextField(blank=True, help_text='Where the person pays.'),
        ),
        migrations.AddField(
            model_name='payment',
            name='disputed',
            field=models.DecimalField(decimal_places=2, default=Decimal('0'), max_digits=20),
        ),
        migrations.AddField(
            model_name='payment',
            name='expires_at',
            field=models.DateTimeField(blank=True, help_text='When money set aside is given back.', null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='provider_reference',
            field=models.CharField(blank=True, help_text="The provider's own.", max_length=160),
        ),
        migrations.AddField(
            model_name='payment',
            name='reason',
            field=models.CharField(blank=True, help_text='Why it failed or ended, in plain words.', max_length=240),
        ),
        migrations.AddField(
            model_name='payment',
            name='refunded',
            field=models.DecimalField(decimal_places=2, default=Decimal('0'), max_digits=20),
        ),
        migrations.AddField(
            model_name='payment',
            name='sent_at',
            field=models.DateTimeField(blank=True, help_text='When the provider was first asked.', null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='session',
            field=models.CharField(blank=True, help_text="The provider's page for paying.", max_length=160),
        ),
        migrations.AlterField(
            model_name='account',
            name='kind',
            field=models.CharField(choices=[('cash', "investor's money and units, free to use"), ('reserved', 'set aside for an order or a withdrawal'), ('assets', 'what a portfolio holds'), ('books', 'what the books of a nominee hold together'), ('clearing', "a nominee's trades until its books have them"), ('issued', 'units a portfolio has issued (negative)'), ('outside', 'the world outside: payment providers'), ('venue', 'a trading venue'), ('fees', 'trading fees paid'), ('revenue', 'subscription income'), ('rounding', 'what rounding left over'), ('treasury', 'where the house changes USDC into dollars and back'), ('receivable', 'what a person owes (negative)')], max_length=16),
        ),
        migrations.AlterField(
            model_name='payment',
            name='status',
            field=models.CharField(choices=[('pending', 'pending'), ('held', 'set aside, about to be sent'), ('awaiting_approval', 'set aside, waiting for approval'), ('sending', 'being sent'), ('completed', 'completed'), ('disputed', 'disputed'), ('reversed', 'taken back'), ('failed', 'failed'), ('expired', 'expired'), ('cancelled', 'cancelled')], default='pending', max_length=20),
        ),
        migrations.AddField(
            model_name='paymentevent',
            name='payment',
            field=models.ForeignKey(blank=True, help_text='Named by it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='portfolios.payment'),
        ),
        migrations.AddField(
            model_name='securityevent',
            name='actor',
            field=models.ForeignKey(blank=True, help_text='Empty where the platform acted.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='securityevent',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='withdrawalapproval',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='portfolios.payment'),
        ),
        migrations.AddField(
            model_name='withdrawalapproval',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='withdrawaldestination',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='destinations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='payment',
            name='destination',
            field=models.ForeignKey(blank=True, help_text='Where a withdrawal goes; empty for play money.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='portfolios.withdrawaldestination'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('status__in', ['pending', 'held', 'awaiting_approval', 'sending'])), fields=['status', 'created_at'], name='payment_open'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['user', 'direction', '-created_at'], name='payment_by_user'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('provider_reference', ''), _negated=True), fields=('method', 'provider_reference'), name='payment_provider_reference'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('refunded__gte', 0), ('disputed__gte', 0)), name='payment_taken_back_positive'),
        ),
        migrations.AddField(
            model_name='withdrawallimit',
            name='user',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='withdrawal_limit', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='paymentevent',
            index=models.Index(fields=['provider', 'subject'], name='payment_event_subject'),
        ),
        migrations.AddConstraint(
            model_name='paymentevent',
            constraint=models.UniqueConstraint(fields=('provider', 'event_id'), name='payment_event_key'),
        ),
        migrations.AddConstraint(
            model_name='withdrawalapproval',
            constraint=models.UniqueConstraint(fields=('payment', 'staff'), name='approval_once'),
        ),
        migrations.AddConstraint(
            model_name='withdrawaldestination',
            constraint=models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('user', 'method', 'address'), name='destination_once'),
        ),
        migrations.AddConstraint(
            model_name='withdrawaldestination',
            constraint=models.CheckConstraint(condition=models.Q(('usable_from__gte', models.F('created_at'))), name='destination_usable_later'),
        ),
        migrations.AddConstraint(
            model_name='withdrawallimit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('daily__isnull', True), ('daily__gte', 0), _connector='OR'), models.Q(('approval_above__isnull', True), ('approval_above__gte', 0), _connector='OR')), name='withdrawal_limit_not_negative'),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='scopes',
            field=models.JSONField(default=list, help_text='Some of: read, trade, withdraw.'),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
