"""What this machine can do at best: the raw parts of the steps, one after another, without any of ENIGMA's rules.

``python -m benchmarks.limits FOLDER MOST`` measures them on the database of a cycle that was led, and prints JSON.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson
import psycopg
from cryptography.fernet import Fernet

from admissions.scrubbing import Identity, scrub

BEST_OF = 3
CHUNK = 1_000  # rows a COPY and a commit
FETCH = 2_000  # rows a fetch

_SEALED = """
    SELECT application_id, wrapped_key, sealed_identity, sealed_texts
      FROM identity_mapping ORDER BY application_id LIMIT %s
"""
_BLIND = """
    SELECT anonymized_id, gpa, test_scores, sealed_texts
      FROM anonymized_applications ORDER BY anonymized_id LIMIT %s
"""
_STAGE = "CREATE TEMP TABLE raw_staged (LIKE worker_results) ON COMMIT DROP"
_TAKE = "INSERT INTO raw.worker_results SELECT * FROM raw_staged"
_NARROW = "UPDATE raw.applications SET status = 'selected', outcome = 'selected', rank = id"
_VERIFY = r"""
    SELECT count(*) FROM (
        SELECT leaf_hash = sha256('\x00'::bytea || convert_to(data_json, 'UTF8'))
               AND data_hash = sha256('\x02'::bytea || previous_hash || leaf_hash)
               AND previous_hash = lag(data_hash, 1, previous_hash) OVER (ORDER BY chain_id) AS holds
          FROM hash_chain) AS entry WHERE holds
"""
CLONES = (
    *("applications", "identity_mapping", "anonymized_applications", "deterministic_metrics"),
    *("log_outbox", "worker_results"),
)


class Machine:
    """The material to measure with, taken from the cycle; every public method is one limit and returns its rows."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self._master = Fernet(os.environ["ENIGMA_FERNET_KEYS"])
        self._database.execute("SET jit = off")
        self._database.execute("DROP SCHEMA IF EXISTS raw CASCADE")
        self._database.execute("CREATE SCHEMA raw")
        for table in CLONES:
            self._database.execute(f"CREATE TABLE raw.{table} (LIKE public.{table} INCLUDING ALL)")
        self._database.execute("ALTER TABLE raw.applications SET (fillfactor = 70)")  # as the real one

    def parse(self) -> int:
        """Decode the lines of an intake file."""
        return sum(1 for line in self._lines if orjson.loads(line))

    def seal(self) -> int:
        """Make and wrap a key, seal a person and two texts."""
        for person, texts in self._people:
            key = Fernet.generate_key()
            self._master.encrypt(key)
            fernet = Fernet(key)
            fernet.encrypt(orjson.dumps(person))
            fernet.encrypt(orjson.dumps(texts))
        return len(self._people)

    def open_all(self) -> int:
        """Unwrap a key, open a person and two texts."""
        for _, wrapped, identity, texts in self._sealed:
            fernet = Fernet(self._master.decrypt(wrapped))
            orjson.loads(fernet.decrypt(identity))
            orjson.loads(fernet.decrypt(texts))
        return len(self._sealed)

    def open_identity(self) -> int:
        """Unwrap a key and open a person."""
        for _, wrapped, identity, _ in self._sealed:
            orjson.loads(Fernet(self._master.decrypt(wrapped)).decrypt(identity))
        return len(self._sealed)

    def seal_blind(self) -> int:
        """Seal two texts by a key that is at hand."""
        for _, texts in self._people:
            self._cycle_key.encrypt(orjson.dumps(texts))
        return len(self._people)

    def open_blind(self) -> int:
        """Open two texts by a key that is at hand."""
        for *_, sealed in self._blind:
            orjson.loads(self._cycle_key.decrypt(sealed))
        return len(self._blind)

    def detector(self) -> int:
        """Scrub two texts; other people every time, since it remembers names."""
        share = -(-len(self._people) // BEST_OF)
        sample, self._unread = self._unread[:share], self._unread[share:]
        for person, texts in sample:
            identity = Identity(*(person[field] for field in ("name", "email", "phone", "address")))
            for text in texts.values():
                scrub(text, identity)
        return len(sample)

    def copy_applications(self) -> int:
        """COPY such rows of two tables, with their indexes and without their triggers and foreign keys."""
        return self._copy("applications") and self._copy("identity_mapping")

    def copy_blind(self) -> int:
        """COPY such rows of the blind copies and their metrics."""
        return self._copy("anonymized_applications") and self._copy("deterministic_metrics")

    def sha256_copy(self) -> int:
        """Hash half a kilobyte and COPY the hash as a waiting log entry."""
        for start in range(0, self._most, CHUNK):
            with self._database.cursor() as cursor, cursor.copy(self._outbox_copy) as copy:
                copy.write("".join(map(_outbox_line, range(start, min(start + CHUNK, self._most)))))
        return self._most

    def read_sealed(self) -> int:
        """Read the sealed rows by a server-side cursor."""
        return sum(1 for _ in self._streamed(_SEALED))

    def cursor_orjson_file(self) -> int:
        """Read the blind rows by a server-side cursor, encode request lines, write and sync a file."""
        count = 0
        with (self._folder / "limit.jsonl").open("wb") as stream:
            for _, record in zip(self._streamed(_BLIND), cycle(self._requests), strict=False):
                stream.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
                count += 1
            stream.flush()
            os.fsync(stream.fileno())
        return count

    def loads_copy_insert(self) -> int:
        """Decode result lines, COPY such rows into a temporary table, move them on by one statement."""
        rows = b"".join(self._rows_of("worker_results"))
        count = sum(1 for line in self._answers if orjson.loads(line))
        with self._database.transaction(), self._database.cursor() as cursor:
            cursor.execute(_STAGE)
            with cursor.copy("COPY raw_staged FROM STDIN") as copy:
                copy.write(rows)
            cursor.execute(_TAKE)
        return count

    def narrow_update(self) -> int:
        """Write status, outcome and rank of every application by one statement."""
        return self._database.execute(_NARROW).rowcount

    def verify_statement(self) -> int:
        """Recompute the public chain by one statement."""
        row = self._database.execute(_VERIFY).fetchone()
        return row[0] if row else 0

    def prepare(self, name: str) -> None:
        """Bring the clones into the state in which a limit starts."""
        for table in CLONES:
            self._database.execute(f"TRUNCATE raw.{table}")
        if name == "narrow_update":
            self._database.execute("INSERT INTO raw.applications SELECT * FROM applications")
            self._database.execute("UPDATE raw.applications SET status = 'scored', outcome = NULL, rank = NULL")
            self._database.execute("VACUUM FULL ANALYZE raw.applications")
        self._database.execute("CHECKPOINT")

    @cached_property
    def _lines(self) -> list[bytes]:
        with (self._folder / "applications.jsonl").open("rb") as stream:
            return list(islice(stream, self._most))

    @cached_property
    def _answers(self) -> list[bytes]:
        with (self._folder / "worker.answers.jsonl").open("rb") as stream:
            return list(islice(stream, self._most))

    @cached_property
    def _requests(self) -> list[Any]:
        first = min(self._folder.glob("*-worker-run*-0001.jsonl"))
        with first.open("rb") as stream:
            return [orjson.loads(line) for line in islice(stream, CHUNK)]

    @cached_property
    def _sealed(self) -> list[tuple[Any, ...]]:
        return self._database.execute(_SEALED, [self._most]).fetchall()

    @cached_property
    def _blind(self) -> list[tuple[Any, ...]]:
        return self._database.execute(_BLIND, [self._most]).fetchall()

    @cached_property
    def _cycle_key(self) -> Fernet:
        row = self._database.execute("SELECT wrapped_key FROM admission_cycles").fetchone()
        assert row
        return Fernet(self._master.decrypt(row[0]))

    @cached_property
    def _people(self) -> list[tuple[dict[str, str], dict[str, str]]]:
        rows = [orjson.loads(line) for line in self._lines]
        texts = ("essay", "achievements")
        identity = ("name", "email", "phone", "address")
        return [({k: row[k] for k in identity}, {k: row[k] for k in texts}) for row in rows]

    @cached_property
    def _unread(self) -> list[tuple[dict[str, str], dict[str, str]]]:
        return self._people

    @cached_property
    def _stored(self) -> dict[str, list[bytes]]:
        return {}

    def _rows_of(self, table: str) -> list[bytes]:
        """The lines of a table in COPY's own format, kept for the next time."""
        if table not in self._stored:
            source = f"COPY (SELECT * FROM {table} LIMIT {self._most}) TO STDOUT"
            with self._database.cursor() as cursor, cursor.copy(source) as copy:
                self._stored[table] = [bytes(row) for row in copy]
        return self._stored[table]

    def _copy(self, table: str) -> int:
        rows = self._rows_of(table)
        for start in range(0, len(rows), CHUNK):
            with self._database.cursor() as cursor, cursor.copy(f"COPY raw.{table} FROM STDIN") as copy:
                copy.write(b"".join(rows[start : start + CHUNK]))
        return len(rows)

    _outbox_copy = "COPY raw.log_outbox (log, kind, cycle_ref, subject_ref, commitment) FROM STDIN"

    def _streamed(self, statement: str) -> Iterator[tuple[Any, ...]]:
        with self._database.transaction(), self._database.cursor("raw_reader") as cursor:
            cursor.execute(statement, [self._most])
            while rows := cursor.fetchmany(FETCH):
                yield from rows


_HALF_A_KILOBYTE = b"x" * 500


def _outbox_line(number: int) -> str:
    digest = hashlib.sha256(b"%d" % number + _HALF_A_KILOBYTE).hexdigest()
    return f"public\tdecision\t{digest[:32]}\t{digest[32:]}\t{digest}\n"


LIMITS: tuple[Callable[[Machine], int], ...] = (
    Machine.parse,
    Machine.seal,
    Machine.open_all,
    Machine.open_identity,
    Machine.seal_blind,
    Machine.open_blind,
    Machine.detector,
    Machine.copy_applications,
    Machine.copy_blind,
    Machine.sha256_copy,
    Machine.read_sealed,
    Machine.cursor_orjson_file,
    Machine.loads_copy_insert,
    Machine.narrow_update,
    Machine.verify_statement,
)


def measured(machine: Machine, limit: Callable[[Machine], int]) -> float:
    """Return the best rate of a few, in rows a second; the first run also loads the material."""
    best = 0.0
    for _ in range(BEST_OF):
        machine.prepare(limit.__name__)
        began = time.perf_counter()
        rows = limit(machine)
        best = max(best, rows / (time.perf_counter() - began))
    return best


def main(folder: str, most: str) -> None:
    """Print every limit in rows a second."""
    machine = Machine(Path(folder), int(most))
    print(json.dumps({limit.__name__: round(measured(machine, limit), 1) for limit in LIMITS}))


if __name__ == "__main__":
    main(*sys.argv[1:])
