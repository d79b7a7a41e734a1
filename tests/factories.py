"""The people and things of the tests. Amina applies, Omar is an officer, Aiza audits, Sam is a stranger."""

import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from accounts.actors import Actor, operator, staff
from accounts.roles import Role
from accounts.staff import create_staff
from admissions.intake import import_applications
from admissions.models.cycles import AdmissionCycle
from admissions.opening import open_cycle
from admissions.preprocessing import preprocess_chunk
from audit.sequencer import sequence_all
from batches.rounds import evaluate, export_round

AMINA = {
    "name": "Amina Qureshi-Holt",
    "email": "amina.qureshi@example.org",
    "phone": "+92 300 5550142",
    "address": "14 Canal View Road, Multan 60000",
    "gpa": 3.8,
    "test_scores": {"SAT": 1450},
    "essay": "My name is Amina Qureshi-Holt. In 2023 I came 2nd of 61 in physics. Write to amina.qureshi@example.org.",
    "achievements": "Led a club of 12 members.\nScored 1450.",
}


def amina(**changes: Any) -> dict[str, Any]:
    """One application as a row of a file."""
    return {**AMINA, **changes}


def applicants(count: int, **changes: Any) -> list[dict[str, Any]]:
    """That many different applicants, with different merits."""
    return [
        amina(
            name=f"Amina Qureshi{chr(97 + number // 26 % 26)}{chr(97 + number % 26)}",
            email=f"amina{number}@example.org",
            gpa=(200 + number * 37 % 200) / 100,
            test_scores={"SAT": 400 + number * 53 % 1201},
            essay=f"{AMINA['essay']} This is my essay number {number}.",
            **changes,
        )
        for number in range(count)
    ]


def jsonl(rows: list[dict[str, Any]]) -> io.BytesIO:
    """The rows as a file of JSON lines."""
    return io.BytesIO("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def cycle(code: str = "fall-2026", *, seats: int = 2, **rules: Any) -> AdmissionCycle:
    """An open cycle; a demo, so that rehearsed answers may be published."""
    return open_cycle(code, name="Fall 2026", seats=seats, actor=operator(), **{"is_demo": True, **rules})


def apply(to: AdmissionCycle, rows: list[dict[str, Any]]) -> None:
    """Hand in applications; all of them must be good."""
    tally = import_applications(
        jsonl(rows), to, format="jsonl", actor=operator(), on_rejected=lambda one: None
    )
    assert tally.rejected == 0


def omar(role: Role = Role.ADMIN, *, email: str = "omar@example.org") -> Actor:
    """An officer of that role, with a staff record."""
    create_staff(email, "a long enough password", role=role, actor=operator())
    return staff(email)


def lead(one: AdmissionCycle, to: str) -> AdmissionCycle:
    """Lead a cycle on to a phase by its steps, doing their work, with rehearsed answers where engines answer."""
    while one.phase != to:
        _work_before(one)
        getattr(one, one.next_step())(actor=operator())
        if one.phase == "preprocessing":
            while preprocess_chunk(one):
                pass
        sequence_all()
    return one


def _work_before(one: AdmissionCycle) -> None:
    if one.next_step() == "start_processing":
        export_round(one, "worker", folder_of(one), actor=operator())
    if one.next_step() == "mark_scored":
        list(evaluate(one, folder_of(one), actor=operator()))


@cache
def _root() -> Path:
    return Path(tempfile.mkdtemp(prefix="enigma-test-"))


def folder_of(one: AdmissionCycle) -> Path:
    """Where the batches of a cycle lie."""
    return _root() / one.ref.hex
