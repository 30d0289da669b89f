"""The database keeps the books of personal portfolios: nothing short, nothing changed afterwards, every batch whole."""

from typing import ClassVar

from django.db import migrations

CREATE = """
ALTER TABLE portfolios_book SET (fillfactor = 50);
ALTER TABLE portfolios_book ADD CONSTRAINT book_no_short CHECK (0 <= ALL (quantities));

CREATE FUNCTION portfolios_book_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh b JOIN portfolios_basket k ON k.id = b.basket_id
               WHERE cardinality(b.quantities) <> cardinality(k.assets)
                  OR octet_length(b.excluded) <> (cardinality(k.assets) + 7) / 8) THEN
        RAISE EXCEPTION 'books: the quantities or exclusions of a book do not fit its basket' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER book_fits_insert AFTER INSERT ON portfolios_book REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_book_fits();

CREATE FUNCTION portfolios_batch_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found record;
    sums numeric[];
    wrong text;
BEGIN
    SELECT COUNT(*) AS books, COALESCE(SUM(p.cash), 0) AS cash,
           COUNT(*) FILTER (WHERE b.id IS NULL OR b.nominee_id <> NEW.nominee_id OR b.basket_id <> NEW.basket_id
                            OR cardinality(p.quantities) <> cardinality(NEW.quantities)) AS strangers
        INTO found FROM portfolios_bookposting p LEFT JOIN portfolios_book b ON b.id = p.book_id
        WHERE p.batch_id = NEW.id;
    SELECT ARRAY(SELECT COALESCE(SUM(u.amount), 0) FROM generate_series(1, cardinality(NEW.quantities)) AS place
                 LEFT JOIN (SELECT x.place, x.amount FROM portfolios_bookposting p,
                            unnest(p.quantities) WITH ORDINALITY AS x(amount, place)
                            WHERE p.batch_id = NEW.id) u USING (place)
                 GROUP BY place ORDER BY place) INTO sums;
    IF found.books <> NEW.books OR found.cash <> NEW.cash OR found.strangers > 0 OR sums <> NEW.quantities THEN
        RAISE EXCEPTION 'books: batch % is not the sum of its postings', NEW.reference USING ERRCODE = 'check_violation';
    END IF;
    -- The ledger's entry of the same name moves the same into the books of the nominee.
    SELECT string_agg(COALESCE(a.code, '?'), ', ') INTO wrong FROM (
        SELECT k.asset_id, q.amount FROM portfolios_basket s,
               unnest(s.assets) WITH ORDINALITY AS k(asset_id, place),
               unnest(NEW.quantities) WITH ORDINALITY AS q(amount, place)
        WHERE s.id = NEW.basket_id AND k.place = q.place
        UNION ALL SELECT id, NEW.cash FROM portfolios_ledgerasset WHERE code = 'USD') AS wanted
    JOIN portfolios_ledgerasset a ON a.id = wanted.asset_id
    WHERE wanted.amount <> COALESCE((
        SELECT SUM(p.amount) * power(10::numeric, a.scale) FROM portfolios_posting p
        JOIN portfolios_entry e ON e.id = p.entry_id JOIN portfolios_account c ON c.id = p.account_id
        WHERE e.reference = NEW.reference AND c.kind = 'books' AND c.portfolio_id = NEW.nominee_id
          AND p.asset_id = wanted.asset_id), 0);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'books: batch % is not what the ledger has of %', NEW.reference, wrong
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER batch_whole AFTER INSERT ON portfolios_batch
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION portfolios_batch_whole();

CREATE FUNCTION portfolios_books_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'books: % on % is refused; store a reversing batch', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER basket_append_only BEFORE UPDATE OR DELETE ON portfolios_basket
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_books_append_only();
CREATE TRIGGER basket_no_truncate BEFORE TRUNCATE ON portfolios_basket
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_books_append_only();
CREATE TRIGGER batch_append_only BEFORE UPDATE OR DELETE ON portfolios_batch
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_books_append_only();
CREATE TRIGGER batch_no_truncate BEFORE TRUNCATE ON portfolios_batch
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_books_append_only();
CREATE TRIGGER book_posting_append_only BEFORE UPDATE OR DELETE ON portfolios_bookposting
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_books_append_only();
CREATE TRIGGER book_posting_no_truncate BEFORE TRUNCATE ON portfolios_bookposting
    FOR EACH STATEMENT EXECUTE FUNCTION portfolios_books_append_only();
"""

DROP = """
DROP TRIGGER book_posting_no_truncate ON portfolios_bookposting;
DROP TRIGGER book_posting_append_only ON portfolios_bookposting;
DROP TRIGGER batch_no_truncate ON portfolios_batch;
DROP TRIGGER batch_append_only ON portfolios_batch;
DROP TRIGGER basket_no_truncate ON portfolios_basket;
DROP TRIGGER basket_append_only ON portfolios_basket;
DROP FUNCTION portfolios_books_append_only();
DROP TRIGGER batch_whole ON portfolios_batch;
DROP FUNCTION portfolios_batch_whole();
DROP TRIGGER book_fits_insert ON portfolios_book;
DROP FUNCTION portfolios_book_fits();
ALTER TABLE portfolios_book DROP CONSTRAINT book_no_short;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("portfolios", "0006_books")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(CREATE, DROP)]
