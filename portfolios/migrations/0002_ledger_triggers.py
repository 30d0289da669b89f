"""The database keeps the books: what holds for entries and postings whatever program writes them."""

from typing import ClassVar

from django.db import migrations

CREATE = """
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

CREATE FUNCTION portfolios_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger: % on % is refused; post a reversing entry', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE CONSTRAINT TRIGGER entry_balanced AFTER INSERT ON portfolios_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_entry_balanced();
CREATE CONSTRAINT TRIGGER posting_balanced AFTER INSERT ON portfolios_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_entry_balanced();
CREATE TRIGGER posting_whole BEFORE INSERT ON portfolios_posting
    FOR EACH ROW EXECUTE FUNCTION portfolios_posting_whole();
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON portfolios_entry
    FOR EACH ROW EXECUTE FUNCTION portfolios_ledger_append_only();
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE ON portfolios_posting
    FOR EACH ROW EXECUTE FUNCTION portfolios_ledger_append_only();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON portfolios_entry
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_ledger_append_only();
CREATE TRIGGER posting_no_truncate BEFORE TRUNCATE ON portfolios_posting
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_ledger_append_only();
"""

DROP = """
DROP TRIGGER posting_no_truncate ON portfolios_posting;
DROP TRIGGER entry_no_truncate ON portfolios_entry;
DROP TRIGGER posting_append_only ON portfolios_posting;
DROP TRIGGER entry_append_only ON portfolios_entry;
DROP TRIGGER posting_whole ON portfolios_posting;
DROP TRIGGER posting_balanced ON portfolios_posting;
DROP TRIGGER entry_balanced ON portfolios_entry;
DROP FUNCTION portfolios_ledger_append_only();
DROP FUNCTION portfolios_posting_whole();
DROP FUNCTION portfolios_entry_balanced();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("portfolios", "0001_initial")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(CREATE, DROP)]
