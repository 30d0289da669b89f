"""Trained models, experiments and observations are written once: what was tried cannot be made untried."""

from typing import ClassVar

from django.db import migrations

CREATE = """
CREATE FUNCTION signals_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: add a row instead', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER modelrun_append_only BEFORE UPDATE OR DELETE ON signals_modelrun
    FOR EACH ROW EXECUTE FUNCTION signals_append_only();
CREATE TRIGGER experiment_append_only BEFORE UPDATE OR DELETE ON signals_experiment
    FOR EACH ROW EXECUTE FUNCTION signals_append_only();
CREATE TRIGGER observation_append_only BEFORE UPDATE OR DELETE ON signals_observation
    FOR EACH ROW EXECUTE FUNCTION signals_append_only();
CREATE FUNCTION signals_freeze_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR
       (NEW.asset_id, NEW.began_at, NEW.last_mark, NEW.candidate, NEW.reasons, NEW.sources) IS DISTINCT FROM
       (OLD.asset_id, OLD.began_at, OLD.last_mark, OLD.candidate, OLD.reasons, OLD.sources)
    THEN
        RAISE EXCEPTION 'a freeze is kept as it was: it can only end, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER freeze_kept BEFORE UPDATE OR DELETE ON signals_freeze
    FOR EACH ROW EXECUTE FUNCTION signals_freeze_kept();
CREATE TRIGGER modelrun_no_truncate BEFORE TRUNCATE ON signals_modelrun
    EXECUTE FUNCTION signals_append_only();
CREATE TRIGGER experiment_no_truncate BEFORE TRUNCATE ON signals_experiment
    EXECUTE FUNCTION signals_append_only();
"""
DROP = """
DROP TRIGGER experiment_no_truncate ON signals_experiment;
DROP TRIGGER modelrun_no_truncate ON signals_modelrun;
DROP TRIGGER freeze_kept ON signals_freeze;
DROP FUNCTION signals_freeze_kept();
DROP TRIGGER observation_append_only ON signals_observation;
DROP TRIGGER experiment_append_only ON signals_experiment;
DROP TRIGGER modelrun_append_only ON signals_modelrun;
DROP FUNCTION signals_append_only();
"""


class Migration(migrations.Migration):
    """Triggers on the tables of 0002."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("signals", "0002_signals_of_the_market")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(CREATE, DROP)]
