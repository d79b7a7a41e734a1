"""The SQL that recomputes both logs in the database: every entry from its own bytes, set by set."""

# The statements read only entries below a size fixed beforehand, so a sequencer at work disturbs none of them. What
# one entry says of itself is checked by a parallel scan; `+ 0` keeps the planner from walking the index instead,
# which is serial. What entries say of each other needs their order and little else, so it is cheap.

# ruff: noqa: S608  every part of these texts is a constant of this module

from audit.chain import ENTRY_TEXTS

_TIME_IS_PLAIN = "timestamp >= to_timestamp(0) AND timestamp = date_trunc('milliseconds', timestamp)"
_TS = """to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""

# One snapshot: heads, what waits, and whether anything stands beyond the ends that the head names.
HEADS = """
SELECT head.origin, coalesce(head.size, 0), head.chain_hash, coalesce(head.audit_size, 0), head.audit_hash,
    (SELECT count(*) FROM log_outbox),
    EXISTS (SELECT FROM hash_chain WHERE chain_id >= coalesce(head.size, 0)),
    EXISTS (SELECT FROM audit_logs WHERE log_id >= coalesce(head.audit_size, 0))
FROM (SELECT 1) AS always LEFT JOIN log_head AS head ON head.id = 1
"""


def _public_entries(hexadecimal: str) -> str:
    """The first entry below a size whose columns do not make its bytes, or bytes not its hashes."""
    commit = hexadecimal.format("substr(data_json, 12, 64)")
    cycle = hexadecimal.format("substr(data_json, 87, 32)")
    ref = hexadecimal.format("subject_ref")
    return rf"""
SELECT min(chain_id + 0) FROM hash_chain
WHERE chain_id < %s AND (
    leaf_hash = sha256('\x00'::bytea || convert_to(data_json, 'UTF8'))
    AND data_hash = sha256('\x02'::bytea || previous_hash || leaf_hash)
    AND decision_type = ANY (%s::text[]) AND octet_length(subject_ref) = 32 AND {_TIME_IS_PLAIN}
    AND data_json = '{{"commit":"' || {commit} || '","cycle":"' || {cycle}
        || '","kind":"' || decision_type || '","ref":"' || {ref} || '","seq":' || chain_id
        || ',"ts":"' || {_TS} || '","v":1}}'
) IS NOT TRUE
"""


# Decoding and encoding again is the cheapest proof of lower-case hexadecimal, but stops with an error at
# anything else; the careful form is for finding out where.
PUBLIC_ENTRIES_FAST = _public_entries("encode(decode({0}, 'hex'), 'hex')")
PUBLIC_ENTRIES_CAREFUL = _public_entries("(CASE WHEN {0} ~ '^[0-9a-f]+$' THEN {0} END)")

AUDIT_HASHES = r"""
SELECT min(log_id + 0) FROM audit_logs
WHERE log_id < %s AND (
    current_hash = sha256('\x03'::bytea || previous_hash || sha256(convert_to(body, 'UTF8')))
) IS NOT TRUE
"""

# EJ1 of details without nesting, or NULL. PostgreSQL escapes texts as RFC 8785 does; numbers of 15 digits are
# surely integers within the limits.
_FLAT_DETAILS = """CASE jsonb_typeof(details) WHEN 'object' THEN (
    SELECT CASE WHEN bool_and(
            key <> '' AND octet_length(key) = length(key)
            AND CASE jsonb_typeof(value)
                WHEN 'number' THEN length(value::text) <= 15 AND value::text ~ '^-?[0-9]+$'
                ELSE jsonb_typeof(value) NOT IN ('object', 'array') END
        ) IS NOT FALSE
        THEN '{' || coalesce(string_agg(to_json(key) || ':' || value, ',' ORDER BY key COLLATE "C"), '')
            || '}' END
    FROM jsonb_each(details)
) END"""
_MEMBERS = {name: f"to_json({name})" for name in ENTRY_TEXTS} | {
    "details": _FLAT_DETAILS,
    "log_id": "log_id",
    "timestamp": f"""'"' || {_TS} || '"'""",
}
_BODY = " || ',' || ".join(f"""'"{name}":' || {_MEMBERS[name]}""" for name in sorted(_MEMBERS))
_COPIES_DIFFER = f"(body = '{{' || {_BODY} || '}}' AND {_TIME_IS_PLAIN}) IS NOT TRUE"

# Entries whose copies do not make the body, as far as SQL can tell: those with nested details are among them.
AUDIT_COPIES = f"SELECT min(log_id + 0) FROM audit_logs WHERE log_id < %s AND {_COPIES_DIFFER}"

_AUDIT_ROW = f"""
SELECT log_id, CASE WHEN {_TIME_IS_PLAIN} THEN {_TS} END, {", ".join(ENTRY_TEXTS)}, details::text, body
FROM audit_logs
"""
AUDIT_DOUBTFUL = f"{_AUDIT_ROW} WHERE log_id BETWEEN %s AND %s AND {_COPIES_DIFFER} ORDER BY log_id"
AUDIT_ONE = f"{_AUDIT_ROW} WHERE log_id = %s"
PUBLIC_ONE = f"""
SELECT chain_id, CASE WHEN {_TIME_IS_PLAIN} THEN {_TS} END, decision_type, subject_ref, data_json, leaf_hash,
    previous_hash, data_hash
FROM hash_chain WHERE chain_id = %s
"""


def _links(table: str, *, key: str, value: str) -> str:
    """The first entry below a size that does not follow the one before it, with the position due there."""
    return f"""
SELECT {key}, due FROM (
    SELECT {key}, previous_hash, lag({key}, 1, -1::bigint) OVER ordered + 1 AS due,
        lag({value}, 1, %s::bytea) OVER ordered AS link
    FROM {table} WHERE {key} < %s WINDOW ordered AS (ORDER BY {key})
) AS entry
WHERE ({key} = due AND previous_hash = link) IS NOT TRUE
ORDER BY {key} LIMIT 1
"""


PUBLIC_LINKS = _links("hash_chain", key="chain_id", value="data_hash")
AUDIT_LINKS = _links("audit_logs", key="log_id", value="current_hash")
PUBLIC_LAST = "SELECT chain_id, data_hash FROM hash_chain WHERE chain_id < %s ORDER BY chain_id DESC LIMIT 1"
AUDIT_LAST = "SELECT log_id, current_hash FROM audit_logs WHERE log_id < %s ORDER BY log_id DESC LIMIT 1"

# Every public anchor, the internal entry that opens it, and the chain value that stands where it points.
ANCHORS = """
SELECT leaf.chain_id, leaf.commit, note.log_id, note.size, note.hash, entry.current_hash
FROM (
    SELECT chain_id, substr(data_json, 12, 64) AS commit
    FROM hash_chain WHERE decision_type = 'audit.anchor' AND chain_id < %s
) AS leaf
FULL JOIN (
    SELECT log_id, entity_id, details->>'audit_hash' AS hash,
        CASE WHEN details->>'audit_size' ~ '^[0-9]{1,15}$' THEN (details->>'audit_size')::bigint END AS size
    FROM audit_logs WHERE action = 'audit.anchor' AND log_id < %s
) AS note ON note.entity_id = leaf.chain_id::text
LEFT JOIN audit_logs AS entry ON entry.log_id = note.size - 1
ORDER BY leaf.chain_id, note.log_id
"""
