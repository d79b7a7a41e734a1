"""Rows for the pages of the console: ``python -m benchmarks.console_rows FOLDER COUNT``.

A cycle of some hundred people is led to its end as ever; then its rows are multiplied, with other ids and scores.
"""

import io
import sys
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

from benchmarks.cycle import Cycle
from benchmarks.processes import Measured

REAL = 200
FAR = 10_000  # between the ids of one copy and those of the next
# A copy moves all scores towards the middle by its own share, so that totals still fit their parts and differ.
SHARE = "(copy.number %% 997) / 2000.0"
NUMBER, ID = "{0} + copy.number * " + str(FAR), "md5({0}::text || copy.number)::uuid"
SCORE = f"round({{0}} * (1 - {SHARE}) + 50 * {SHARE}, 4)"
HEX = "upper(md5({0} || copy.number))"
REFERENCE = f"substr({HEX}, 1, 4) || '-' || substr({HEX}, 5, 4) || '-' || substr({HEX}, 9, 4)"
HASH = "sha256({0} || copy.number::text::bytea)"
SCORES = dict.fromkeys(("academic", "test", "achievement", "essay", "total", "claimed_total"), SCORE)
# What differs in a copy, by table and column; the rest stays.
CHANGES = {
    "applications": {
        "id": NUMBER,
        "reference": REFERENCE,
        "receipt_ref": ID,
        "external_id": "{0} || '-' || copy.number",
        "rank": "{0} + copy.number * " + str(REAL),
    },
    "identity_mapping": {"application_id": NUMBER, "anonymized_id": ID, "email_bidx": HASH},
    "anonymized_applications": {"anonymized_id": ID},
    "deterministic_metrics": {"anonymized_id": ID},
    "final_scores": {"anonymized_id": ID, **SCORES},
    "evaluation_requests": {
        "id": NUMBER,
        "custom_id": "md5({0} || copy.number)",
        "anonymized_id": ID,
        "judged_id": NUMBER,
    },
    "worker_results": {"request_id": NUMBER, "anonymized_id": ID, **SCORES},
    "judge_results": {"request_id": NUMBER, "worker_result_id": NUMBER},
    "letters": {"id": NUMBER, "mail_id": ID, "application_id": NUMBER},
    "hash_chain": {"chain_id": NUMBER},
    "audit_logs": {"log_id": NUMBER},
}


class Here(Cycle):
    """A cycle that is led in this process: nobody looks at its times."""

    def _open(self) -> None:
        self._step("create_cycle", "bench", "--name", "Benchmark", "--seats", str(REAL // 8), "--demo", rows=1)

    def _manage(self, *arguments: str) -> Measured:
        out = io.StringIO()
        call_command(*arguments, stdout=out, stderr=io.StringIO())
        self._clock.write_text("0")
        return Measured(0.0, 0.0, out.getvalue())


def main(folder: str, count: str) -> None:
    """Lead the cycle, and multiply it."""
    django.setup()
    Here(REAL, folder=Path(folder), environment={}).lead(letters=False, told=lambda what: None)
    with connection.cursor() as cursor:
        for table in (*CHANGES, "admission_cycles", "batch_runs"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")  # nothing here is to be verified
        for table, changes in CHANGES.items():
            cursor.execute(_multiplied(table, changes, _columns(table)), [max(int(count) // REAL - 1, 0)])
        cursor.execute("UPDATE admission_cycles SET seats = %s", [int(count) // 8])
        cursor.execute("UPDATE batch_runs SET requests = requests * %s", [max(int(count) // REAL, 1)])
        cursor.execute("ANALYZE")


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, table)]


def _multiplied(table: str, changes: dict[str, str], columns: list[str]) -> str:
    values = [changes.get(name, "{0}").format(f"source.{name}") for name in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) OVERRIDING SYSTEM VALUE SELECT {', '.join(values)} "
        f"FROM (SELECT * FROM {table}) AS source CROSS JOIN generate_series(1, %s) AS copy(number)"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
