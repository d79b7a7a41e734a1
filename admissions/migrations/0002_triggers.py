"""What the database itself refuses: a leap of phase, a change of sealed rules, a late intake, a rewritten identity."""

from django.db import migrations

PHASES = """
CREATE FUNCTION public.enigma_guard_cycle() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    free CONSTANT text[] := ARRAY['phase', 'phase_since', 'wrapped_key', 'key_id'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.phase <> 'submission' THEN
            RAISE EXCEPTION 'a cycle begins in submission, not in %', NEW.phase USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.phase <> OLD.phase AND (OLD.phase, NEW.phase) NOT IN (
        ('submission', 'frozen'), ('frozen', 'preprocessing'), ('preprocessing', 'batch_prep'),
        ('batch_prep', 'processing'), ('processing', 'scored'), ('scored', 'selection'),
        ('selection', 'published'), ('published', 'completed')
    ) THEN
        RAISE EXCEPTION 'no step leads from % to %', OLD.phase, NEW.phase USING ERRCODE = 'check_violation';
    END IF;
    -- Every column is sealed unless it is named above, so a new one is sealed too.
    IF OLD.phase <> 'submission' AND to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
        RAISE EXCEPTION 'the rules of a cycle are sealed since its freeze' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cycle_guard BEFORE INSERT OR UPDATE ON admission_cycles
    FOR EACH ROW EXECUTE FUNCTION public.enigma_guard_cycle();
"""

INTAKE = """
CREATE FUNCTION public.enigma_guard_intake() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    late text;
BEGIN
    -- FOR KEY SHARE waits for a freeze that holds the row, and then reads the phase that the freeze wrote.
    PERFORM 1 FROM public.admission_cycles
      WHERE id IN (SELECT DISTINCT admission_cycle_id FROM added) FOR KEY SHARE;
    SELECT code INTO late FROM public.admission_cycles
      WHERE id IN (SELECT DISTINCT admission_cycle_id FROM added) AND phase <> 'submission' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cycle % takes no more applications', late USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER intake_guard AFTER INSERT ON applications
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION public.enigma_guard_intake();
"""

IDENTITY = """
CREATE FUNCTION public.enigma_guard_identity() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    free CONSTANT text[] := ARRAY['anonymized_id', 'wrapped_key', 'key_id'];
BEGIN
    IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free
       OR OLD.anonymized_id IS NOT NULL AND NEW.anonymized_id IS DISTINCT FROM OLD.anonymized_id THEN
        RAISE EXCEPTION 'an identity is written once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER identity_guard BEFORE UPDATE ON identity_mapping
    FOR EACH ROW EXECUTE FUNCTION public.enigma_guard_identity();
"""

SELECTION = """
CREATE FUNCTION public.enigma_guard_selection() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'a run of selection is never changed' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER selection_guard BEFORE UPDATE OR DELETE ON selection_logs
    FOR EACH ROW EXECUTE FUNCTION public.enigma_guard_selection();
"""

# Tokens are random bytes in base64: compressing them costs time and gains nothing. The status of a narrow row is
# rewritten by every phase: room on the page keeps the new version beside the old one.
STORAGE = """
ALTER TABLE identity_mapping ALTER COLUMN sealed_texts SET STORAGE EXTERNAL,
                             ALTER COLUMN sealed_identity SET STORAGE EXTERNAL;
ALTER TABLE anonymized_applications ALTER COLUMN sealed_texts SET STORAGE EXTERNAL;
ALTER TABLE applications SET (fillfactor = 70);
"""


def undo(table: str, trigger: str, function: str) -> str:
    """The SQL that takes one guard away again."""
    return f"DROP TRIGGER {trigger} ON {table}; DROP FUNCTION public.{function}();"


class Migration(migrations.Migration):
    dependencies = [("admissions", "0001_initial")]

    operations = [
        migrations.RunSQL(PHASES, undo("admission_cycles", "cycle_guard", "enigma_guard_cycle")),
        migrations.RunSQL(INTAKE, undo("applications", "intake_guard", "enigma_guard_intake")),
        migrations.RunSQL(IDENTITY, undo("identity_mapping", "identity_guard", "enigma_guard_identity")),
        migrations.RunSQL(SELECTION, undo("selection_logs", "selection_guard", "enigma_guard_selection")),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
