"""What was known is kept by the database: a daily candle cannot change or go without a trace, nor can a correction."""

from typing import ClassVar

from django.db import migrations

CREATE = """
CREATE FUNCTION signals_candle_revised() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- Whoever corrects a candle may say the moment; everybody else's is now.
        IF NEW.known_from IS NULL OR NEW.known_from IS NOT DISTINCT FROM OLD.known_from THEN
            NEW.known_from := moment;
        END IF;
        moment := NEW.known_from;
    END IF;
    INSERT INTO signals_candlerevision (asset_id, interval, opened_at, source, open, high, low, close, volume,
                                        market_cap, known_from, known_until)
    VALUES (OLD.asset_id, OLD.interval, OLD.opened_at, OLD.source, OLD.open, OLD.high, OLD.low, OLD.close, OLD.volume,
            OLD.market_cap, OLD.known_from, moment);
    RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
END $$;
CREATE TRIGGER candle_revised BEFORE UPDATE ON signals_candle FOR EACH ROW
    WHEN (OLD.interval = '1d' AND
          (OLD.open, OLD.high, OLD.low, OLD.close, OLD.volume, OLD.market_cap) IS DISTINCT FROM
          (NEW.open, NEW.high, NEW.low, NEW.close, NEW.volume, NEW.market_cap))
    EXECUTE FUNCTION signals_candle_revised();
CREATE TRIGGER candle_removed BEFORE DELETE ON signals_candle FOR EACH ROW
    WHEN (OLD.interval = '1d')
    EXECUTE FUNCTION signals_candle_revised();
CREATE TRIGGER candlerevision_append_only BEFORE UPDATE OR DELETE ON signals_candlerevision
    FOR EACH ROW EXECUTE FUNCTION signals_append_only();

CREATE FUNCTION signals_restatement_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a restatement is kept: withdraw or reject it' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.asset_id, NEW.day, NEW.source, NEW.old, NEW.new, NEW.reason, NEW.evidence_url, NEW.proposed_by,
        NEW.proposed_at) IS DISTINCT FROM
       (OLD.asset_id, OLD.day, OLD.source, OLD.old, OLD.new, OLD.reason, OLD.evidence_url, OLD.proposed_by,
        OLD.proposed_at)
    THEN
        RAISE EXCEPTION 'a restatement keeps what was proposed: withdraw it and propose another'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (NEW.status = OLD.status AND OLD.status IN ('draft', 'approved')
            OR (OLD.status, NEW.status) IN (('draft', 'approved'), ('draft', 'rejected'), ('draft', 'withdrawn'),
                                            ('approved', 'applied'), ('approved', 'withdrawn')))
    THEN
        RAISE EXCEPTION 'a restatement that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status <> 'draft' AND (NEW.approved_by, NEW.approved_at, NEW.treatment, NEW.treatment_reason) IS DISTINCT FROM
       (OLD.approved_by, OLD.approved_at, OLD.treatment, OLD.treatment_reason)
    THEN
        RAISE EXCEPTION 'a restatement keeps who approved it and how' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER restatement_kept BEFORE UPDATE OR DELETE ON signals_restatement
    FOR EACH ROW EXECUTE FUNCTION signals_restatement_kept();

CREATE FUNCTION signals_assetevent_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL OR
       (NEW.kind, NEW.asset_id, NEW.day, NEW.until, NEW.into_id, NEW.terms, NEW.source_url, NEW.note, NEW.entered_by,
        NEW.known_from) IS DISTINCT FROM
       (OLD.kind, OLD.asset_id, OLD.day, OLD.until, OLD.into_id, OLD.terms, OLD.source_url, OLD.note, OLD.entered_by,
        OLD.known_from)
    THEN
        RAISE EXCEPTION 'an event of a token is kept as it was entered: it can only be withdrawn, once'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER assetevent_kept BEFORE UPDATE OR DELETE ON signals_assetevent
    FOR EACH ROW EXECUTE FUNCTION signals_assetevent_kept();
"""
DROP = """
DROP TRIGGER assetevent_kept ON signals_assetevent;
DROP FUNCTION signals_assetevent_kept();
DROP TRIGGER restatement_kept ON signals_restatement;
DROP FUNCTION signals_restatement_kept();
DROP TRIGGER candlerevision_append_only ON signals_candlerevision;
DROP TRIGGER candle_removed ON signals_candle;
DROP TRIGGER candle_revised ON signals_candle;
DROP FUNCTION signals_candle_revised();
"""


class Migration(migrations.Migration):
    """Triggers on the tables of 0004."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("signals", "0004_bitemporal")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(CREATE, DROP)]
