"""Make the logs append-only and hash-true in the database itself, whoever writes.

Every name is schema-qualified and the search path fixed: else a temporary table named hash_chain would be
asked for the parent entry. Changing rows and truncating are refused by two triggers each, because a test
set-up must lift the second (Django empties tables by TRUNCATE) without losing the first.
"""

from django.db import migrations

REFUSE = """
CREATE FUNCTION public.log_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""

# The layout of a leaf is fixed: its commitment stands at character 12, its cycle at 87. Decoding and encoding
# again is the cheapest proof that it was lower-case hexadecimal; anything else raises an error or differs.
HASH_CHAIN = r"""
CREATE FUNCTION public.hash_chain_check_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_id bigint;
    last_id bigint;
    rows_added bigint;
    parent bytea;
    wrong bigint;
BEGIN
    SELECT min(chain_id), max(chain_id), count(*) INTO first_id, last_id, rows_added FROM added;
    IF rows_added = 0 THEN
        RETURN NULL;
    END IF;
    IF first_id = 0 THEN
        SELECT sha256(convert_to('enigma/chain/v1' || chr(10) || origin || chr(10), 'UTF8'))
            INTO parent FROM public.log_head WHERE id = 1;
    ELSE
        SELECT data_hash INTO parent FROM public.hash_chain WHERE chain_id = first_id - 1;
    END IF;
    IF parent IS NULL OR first_id < 0 OR last_id - first_id + 1 <> rows_added THEN
        RAISE EXCEPTION 'hash_chain: entries % to % leave a gap', first_id, last_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT chain_id INTO wrong FROM (
        SELECT chain_id, previous_hash, lag(data_hash, 1, parent) OVER (ORDER BY chain_id) AS link FROM added
    ) AS entry
    WHERE (previous_hash = link) IS NOT TRUE
    UNION ALL
    SELECT chain_id FROM added
    WHERE (
        leaf_hash = sha256('\x00'::bytea || convert_to(data_json, 'UTF8'))
        AND data_hash = sha256('\x02'::bytea || previous_hash || leaf_hash)
        AND timestamp >= to_timestamp(0)
        AND timestamp = date_trunc('milliseconds', timestamp)
        AND decision_type ~ '^[a-z.]+$'
        AND data_json = '{"commit":"' || encode(decode(substr(data_json, 12, 64), 'hex'), 'hex')
            || '","cycle":"' || encode(decode(substr(data_json, 87, 32), 'hex'), 'hex')
            || '","kind":"' || decision_type
            || '","ref":"' || encode(substr(decode(subject_ref, 'hex'), 1, 16), 'hex')
            || '","seq":' || chain_id
            || ',"ts":"' || to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
            || '","v":1}'
    ) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hash_chain: entry % does not follow from its bytes', wrong
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
"""

AUDIT_LOGS = r"""
CREATE FUNCTION public.audit_logs_check_insert() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_id bigint;
    last_id bigint;
    rows_added bigint;
    parent bytea;
    wrong bigint;
BEGIN
    SELECT min(log_id), max(log_id), count(*) INTO first_id, last_id, rows_added FROM added;
    IF rows_added = 0 THEN
        RETURN NULL;
    END IF;
    IF first_id = 0 THEN
        SELECT sha256(convert_to('enigma/audit/v1' || chr(10) || origin || chr(10), 'UTF8'))
            INTO parent FROM public.log_head WHERE id = 1;
    ELSE
        SELECT current_hash INTO parent FROM public.audit_logs WHERE log_id = first_id - 1;
    END IF;
    IF parent IS NULL OR first_id < 0 OR last_id - first_id + 1 <> rows_added THEN
        RAISE EXCEPTION 'audit_logs: entries % to % leave a gap', first_id, last_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    SELECT log_id INTO wrong FROM (
        SELECT log_id, previous_hash, lag(current_hash, 1, parent) OVER (ORDER BY log_id) AS link FROM added
    ) AS entry
    WHERE (previous_hash = link) IS NOT TRUE
    UNION ALL
    SELECT log_id FROM added
    WHERE (
        current_hash = sha256('\x03'::bytea || previous_hash || sha256(convert_to(body, 'UTF8')))
        AND timestamp >= to_timestamp(0)
        AND timestamp = date_trunc('milliseconds', timestamp)
        AND body::jsonb = jsonb_build_object(
            'action', action, 'actor_id', actor_id, 'actor_type', actor_type, 'details', details,
            'entity_id', entity_id, 'entity_type', entity_type, 'log_id', log_id, 'outcome', outcome,
            'request_id', request_id, 'role', role, 'session_id', session_id,
            'timestamp', to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    ) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'audit_logs: entry % does not follow from its bytes', wrong
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
"""

LOG_HEAD = r"""
CREATE FUNCTION public.log_head_check() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    chain_tip bytea;
    audit_tip bytea;
BEGIN
    IF TG_OP = 'UPDATE' AND (
        NEW.id, NEW.origin) IS DISTINCT FROM (OLD.id, OLD.origin) THEN
        RAISE EXCEPTION 'log_head: the origin of a log is chosen once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.size < OLD.size OR NEW.audit_size < OLD.audit_size) THEN
        RAISE EXCEPTION 'log_head: a log only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.size = 0 THEN
        chain_tip := sha256(convert_to('enigma/chain/v1' || chr(10) || NEW.origin || chr(10), 'UTF8'));
    ELSE
        SELECT data_hash INTO chain_tip FROM public.hash_chain WHERE chain_id = NEW.size - 1;
    END IF;
    IF NEW.audit_size = 0 THEN
        audit_tip := sha256(convert_to('enigma/audit/v1' || chr(10) || NEW.origin || chr(10), 'UTF8'));
    ELSE
        SELECT current_hash INTO audit_tip FROM public.audit_logs WHERE log_id = NEW.audit_size - 1;
    END IF;
    IF (NEW.chain_hash, NEW.audit_hash) IS DISTINCT FROM (chain_tip, audit_tip)
        OR EXISTS (SELECT FROM public.hash_chain WHERE chain_id >= NEW.size)
        OR EXISTS (SELECT FROM public.audit_logs WHERE log_id >= NEW.audit_size) THEN
        RAISE EXCEPTION 'log_head: sizes and hashes are not those of the last entries'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
"""


def _append_only(table: str, *, row_events: str) -> str:
    return f"""
CREATE TRIGGER {table}_refuse_change BEFORE {row_events} ON public.{table}
    FOR EACH ROW EXECUTE FUNCTION public.log_refuse_change();
CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON public.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION public.log_refuse_change();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_refuse_change;
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_refuse_truncate;
"""


def _checked(table: str, *, function: str, events: str) -> str:
    return f"""
CREATE TRIGGER {table}_check {events} EXECUTE FUNCTION public.{function}();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_check;
"""


TRIGGERS = (
    _append_only("hash_chain", row_events="UPDATE OR DELETE")
    + _append_only("audit_logs", row_events="UPDATE OR DELETE")
    + _append_only("log_head", row_events="DELETE")
    + _checked(
        "hash_chain",
        function="hash_chain_check_insert",
        events="AFTER INSERT ON public.hash_chain REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
    )
    + _checked(
        "audit_logs",
        function="audit_logs_check_insert",
        events="AFTER INSERT ON public.audit_logs REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
    )
    + _checked(
        "log_head",
        function="log_head_check",
        events="BEFORE INSERT OR UPDATE ON public.log_head FOR EACH ROW",
    )
)

REVERSE = """
DROP TRIGGER hash_chain_check ON public.hash_chain;
DROP TRIGGER hash_chain_refuse_change ON public.hash_chain;
DROP TRIGGER hash_chain_refuse_truncate ON public.hash_chain;
DROP TRIGGER audit_logs_check ON public.audit_logs;
DROP TRIGGER audit_logs_refuse_change ON public.audit_logs;
DROP TRIGGER audit_logs_refuse_truncate ON public.audit_logs;
DROP TRIGGER log_head_check ON public.log_head;
DROP TRIGGER log_head_refuse_change ON public.log_head;
DROP TRIGGER log_head_refuse_truncate ON public.log_head;
DROP FUNCTION public.hash_chain_check_insert();
DROP FUNCTION public.audit_logs_check_insert();
DROP FUNCTION public.log_head_check();
DROP FUNCTION public.log_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE + HASH_CHAIN + AUDIT_LOGS + LOG_HEAD + TRIGGERS, reverse_sql=REVERSE),
    ]
