"""Orders of personal portfolios behind a nominee, and what their books are dealt by."""

from typing import ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone

from django.db import migrations, models

# What a statement posts is checked together: a check of each row costs more than the row. An entry that a statement
# leaves unbalanced is noted and checked again when the transaction ends, so that it may still be completed.
CREATE = """
DROP TRIGGER posting_whole ON portfolios_posting;
DROP TRIGGER posting_balanced ON portfolios_posting;
DROP TRIGGER entry_balanced ON portfolios_entry;
DROP FUNCTION portfolios_posting_whole();
DROP FUNCTION portfolios_entry_balanced();

CREATE FUNCTION portfolios_entry_has_legs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT COUNT(*) FROM portfolios_posting WHERE entry_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'ledger: entry % has fewer than two postings', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_has_legs AFTER INSERT ON portfolios_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_entry_has_legs();

CREATE TABLE portfolios_unbalanced (entry_id bigint NOT NULL);
CREATE FUNCTION portfolios_unbalanced_checked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken record;
BEGIN
    SELECT asset_id, SUM(amount) AS total INTO broken FROM portfolios_posting
        WHERE entry_id = NEW.entry_id GROUP BY asset_id HAVING SUM(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: entry % does not balance: asset % sums to %', NEW.entry_id, broken.asset_id, broken.total
            USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM portfolios_unbalanced WHERE entry_id = NEW.entry_id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER unbalanced_checked AFTER INSERT ON portfolios_unbalanced
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_unbalanced_checked();

CREATE FUNCTION portfolios_postings_sound() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT p.amount, p.asset_id, e.id IS NULL OR c.id IS NULL OR a.id IS NULL AS stray INTO wrong FROM fresh p
        LEFT JOIN portfolios_entry e ON e.id = p.entry_id
        LEFT JOIN portfolios_account c ON c.id = p.account_id
        LEFT JOIN portfolios_ledgerasset a ON a.id = p.asset_id
        WHERE e.id IS NULL OR c.id IS NULL OR a.id IS NULL OR p.amount <> trunc(p.amount, a.scale) LIMIT 1;
    IF FOUND AND wrong.stray THEN
        RAISE EXCEPTION 'ledger: a posting of % refers to an entry, account or asset that is not there', wrong.amount
            USING ERRCODE = 'foreign_key_violation';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'ledger: % is not a whole number of base units of asset %', wrong.amount, wrong.asset_id
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO portfolios_unbalanced SELECT DISTINCT s.entry_id FROM (
        SELECT p.entry_id FROM portfolios_posting p
        WHERE p.entry_id = ANY(ARRAY(SELECT DISTINCT entry_id FROM fresh))
        GROUP BY p.entry_id, p.asset_id HAVING SUM(p.amount) <> 0) s;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_sound AFTER INSERT ON portfolios_posting REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_postings_sound();
"""

DROP = """
DROP TRIGGER postings_sound ON portfolios_posting;
DROP FUNCTION portfolios_postings_sound();
DROP TABLE portfolios_unbalanced;
DROP FUNCTION portfolios_unbalanced_checked();
DROP TRIGGER entry_has_legs ON portfolios_entry;
DROP FUNCTION portfolios_entry_has_legs();
CREATE FUNCTION portfolios_entry_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry bigint := CASE TG_TABLE_NAME WHEN 'portfolios_entry' THEN NEW.id ELSE (to_jsonb(NEW)->>'entry_id')::bigint END;
    broken record;
BEGIN
    IF (SELECT COUNT(*) FROM portfolios_posting WHERE entry_id = entry) < 2 THEN
        RAISE EXCEPTION 'ledger: entry % has fewer than two postings', entry USING ERRCODE = 'check_violation';
    END IF;
    SELECT asset_id, SUM(amount) AS total INTO broken FROM portfolios_posting
        WHERE entry_id = entry GROUP BY asset_id HAVING SUM(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: entry % does not balance: asset % sums to %', entry, broken.asset_id, broken.total
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION portfolios_posting_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    places integer := (SELECT scale FROM portfolios_ledgerasset WHERE id = NEW.asset_id);
BEGIN
    IF NEW.amount <> trunc(NEW.amount, places) THEN
        RAISE EXCEPTION 'ledger: % is not a whole number of base units of asset %', NEW.amount, NEW.asset_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER entry_balanced AFTER INSERT ON portfolios_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_entry_balanced();
CREATE CONSTRAINT TRIGGER posting_balanced AFTER INSERT ON portfolios_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_entry_balanced();
CREATE TRIGGER posting_whole BEFORE INSERT ON portfolios_posting
    FOR EACH ROW EXECUTE FUNCTION portfolios_posting_whole();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("portfolios", "0010_orders")]
    operations: ClassVar[list] = [
        migrations.CreateModel(
            name='BookChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('excluded', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Ledger assets that its owner will not hold.', size=None)),
                ('max_weight', models.IntegerField(help_text='Millionths of the portfolio.')),
                ('risk_share', models.IntegerField(help_text='Millionths of the portfolio.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('applied_at', models.DateTimeField(blank=True, help_text='Market time, UTC.', null=True)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='DealingBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField()),
                ('first', models.BigIntegerField(help_text='Id of its first book.')),
                ('last', models.BigIntegerField(help_text='Id of its last book.')),
                ('sells', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), size=None)),
                ('buys', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), size=None)),
                ('gives', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), null=True, size=None)),
                ('gets', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), null=True, size=None)),
                ('able', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), null=True, size=None)),
                ('pays', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), null=True, size=None)),
                ('takes', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), null=True, size=None)),
                ('stored_at', models.DateTimeField(help_text='Wall clock, UTC: its books have their part.', null=True)),
            ],
            options={
                'ordering': ['number'],
            },
        ),
        migrations.CreateModel(
            name='NomineeDealing',
            fields=[
                ('dealing', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='nominee', serialize=False, to='portfolios.dealing')),
                ('places', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('weights', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Of the index, parts of 10^12.', size=None)),
                ('refuge', models.IntegerField(help_text='Which of `places` takes what is not at risk.', null=True)),
                ('hold', models.IntegerField(help_text='Bands, millionths: up to here nothing is traded.')),
                ('full', models.IntegerField(help_text='Above here all the way.')),
                ('turnover', models.IntegerField()),
                ('smallest', models.BigIntegerField(help_text='Micro-dollars of the least single trade.')),
                ('reserve', models.IntegerField()),
                ('crossed', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), help_text='Base units between books.', size=None)),
                ('crossed_value', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=38), help_text='Micro-dollars between books.', size=None)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='order',
            name='order_size_positive',
        ),
        migrations.AddField(
            model_name='book',
            name='created_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now, help_text='Wall clock, UTC.'),
        ),
        migrations.AddField(
            model_name='book',
            name='name',
            field=models.CharField(blank=True, db_default='', help_text='What its owner calls it.', max_length=64),
        ),
        migrations.AddField(
            model_name='order',
            name='book',
            field=models.ForeignKey(blank=True, help_text='Of which personal portfolio, where `portfolio` is a nominee.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='portfolios.book'),
        ),
        migrations.AddField(
            model_name='order',
            name='share',
            field=models.IntegerField(blank=True, help_text='Millionths of its book to be redeemed, where no amount is asked for.', null=True),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('side', 'invest'), ('amount__gt', 0)), models.Q(('side', 'redeem'), ('book', None), ('units__gt', 0)), models.Q(('side', 'redeem'), ('book__isnull', False), models.Q(('amount__gt', 0), ('share__gt', 0), _connector='OR')), _connector='OR'), name='order_size_positive'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(condition=models.Q(('book__isnull', False)), fields=('dealing', 'book'), name='order_one_of_a_book'),
        ),
        migrations.AddField(
            model_name='bookchange',
            name='book',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='portfolios.book'),
        ),
        migrations.AddField(
            model_name='batch',
            name='block',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='batch', to='portfolios.dealingblock'),
        ),
        migrations.AddField(
            model_name='nomineedealing',
            name='basket',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.basket'),
        ),
        migrations.AddField(
            model_name='dealingblock',
            name='dealing',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='blocks', to='portfolios.nomineedealing'),
        ),
        migrations.AddConstraint(
            model_name='bookchange',
            constraint=models.UniqueConstraint(condition=models.Q(('applied_at', None)), fields=('book',), name='book_change_one_waiting'),
        ),
        migrations.AddConstraint(
            model_name='dealingblock',
            constraint=models.UniqueConstraint(fields=('dealing', 'number'), name='dealing_block_key'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='account',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='portfolios.account'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='asset',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.ledgerasset'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='entry',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='portfolios.entry'),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
