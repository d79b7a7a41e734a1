"""The people and things of the tests. Amina applies, Omar is an officer, Aiza audits, Sam is a stranger."""

import io
import json
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actors import Actor, operator, staff
from accounts.models import User
from accounts.roles import Role
from accounts.staff import create_staff
from admissions.intake import import_applications
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.opening import open_cycle
from admissions.preprocessing import preprocess_chunk
from admissions.submission import FIELDS, submit, withdraw
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


def cycle(code: str = "fall-2026", *, name: str = "Fall 2026", seats: int = 2, **rules: Any) -> AdmissionCycle:
    """An open cycle; a demo, so that rehearsed answers may be published."""
    return open_cycle(code, name=name, seats=seats, actor=operator(), **{"is_demo": True, **rules})


def apply(to: AdmissionCycle, rows: list[dict[str, Any]]) -> None:
    """Hand in applications; all of them must be good."""
    tally = import_applications(jsonl(rows), to, format="jsonl", actor=operator(), on_rejected=lambda one: None)
    assert tally.rejected == 0


def omar(role: Role = Role.ADMIN, *, email: str = "omar@example.org") -> Actor:
    """An officer of that role, with a staff record."""
    create_staff(email, "a long enough password", role=role, actor=operator())
    return staff(email)


def applicant(email: str = "amina@example.org") -> tuple[User, Actor]:
    """Somebody with an account, and them as an actor."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    return user, Actor(kind="applicant", id=f"user:{user.pk}", role=Role.APPLICANT)


def submitted(to: AdmissionCycle, email: str = "amina@example.org", **changes: Any) -> Application:
    """An application that somebody has handed in themselves."""
    user, actor = applicant(email)
    values = {**{name: AMINA[name] for name in FIELDS}, "gpa": "3.8", **changes}
    return Application.objects.get(reference=submit(to, values, user=user, actor=actor).reference)


def taken_back(application: Application) -> None:
    """Withdraw an application as its applicant does."""
    withdraw(application, actor=applicant()[1])


def lead(one: AdmissionCycle, to: str) -> AdmissionCycle:
    """Lead a cycle on to a phase by its steps, doing their work; where engines answer, the stand-in does."""
    sequence_all()  # a freeze waits until everybody is in the log
    while one.phase != to:
        work_before(one)
        getattr(one, one.next_step())(actor=operator())
        if one.phase == "preprocessing":
            while preprocess_chunk(one):
                pass
        sequence_all()
    return one


def led_to(phase: str, count: int = 3, **rules: Any) -> AdmissionCycle:
    """A cycle of that many applicants in a phase."""
    one = cycle(**rules)
    apply(one, applicants(count))
    return lead(one, phase)


def work_before(one: AdmissionCycle) -> None:
    """Do what the next step waits for: the export, or the whole evaluation by the stand-in."""
    if one.next_step() == "start_processing":
        export_round(one, "worker", folder_of(one), actor=operator())
    if one.next_step() == "mark_scored":
        list(evaluate(one, folder_of(one), actor=operator()))


def run(*arguments: str) -> tuple[int, str, str]:
    """Type a command; return its exit code and what it writes to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except CommandError as fault:
        return fault.returncode, out.getvalue(), f"{err.getvalue()}{fault}\n"
    return 0, out.getvalue(), err.getvalue()


def tables(*names: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that stands in these tables."""
    with connection.cursor() as cursor:
        return {name: cursor.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}


@cache
def _root() -> Path:
    return Path(tempfile.mkdtemp(prefix="enigma-test-"))


def folder_of(one: AdmissionCycle) -> Path:
    """Where the batches of a cycle lie."""
    return _root() / one.ref.hex


def score(one: AdmissionCycle, totals: Iterable[int | str]) -> list[FinalScore]:
    """Give the first blind copies of a cycle these totals, as if an engine had; all parts alike."""
    copies = AnonymizedApplication.objects.of(one).order_by("pk")
    return FinalScore.objects.bulk_create(
        FinalScore(
            anonymized=copy,
            admission_cycle=one,
            status="scored",
            engine="model-1",
            evidence_sha256=bytes(32),
            **dict.fromkeys(("academic", "test", "achievement", "essay", "total"), Decimal(total)),
        )
        for copy, total in zip(copies, totals, strict=False)
    )


def waiting(one: AdmissionCycle) -> FinalScore:
    """A blind copy of a cycle in processing that waits for a person."""
    copy = AnonymizedApplication.objects.of(one).undecided().order_by("pk").first()
    return FinalScore.objects.create(
        anonymized=copy,
        admission_cycle=one,
        status="waiting",
        waiting_reason="the judge rejected all 3 attempts",
    )


def damage(application: Application) -> None:
    """Let the sealed record of an application not open any more: its key is now that of somebody else."""
    other = IdentityMapping.objects.exclude(pk=application.pk).first()
    IdentityMapping.objects.filter(pk=application.pk).update(wrapped_key=other.wrapped_key)


def statuses(one: AdmissionCycle) -> dict[str, int]:
    """The applications of a cycle, counted by status."""
    return Application.objects.of(one).heads()


def typed(*arguments: object) -> tuple[int, str]:
    """Type a command; return its exit code, and what it prints on standard output or else the refusal."""
    out = io.StringIO()
    try:
        call_command(*map(str, arguments), stdout=out, stderr=io.StringIO())
    except CommandError as refusal:
        return refusal.returncode, str(refusal)
    return 0, out.getvalue()


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, to see that nothing has changed."""
    labels = ("accounts", "admissions", "audit", "batches", "procrastinate")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    return {model._meta.db_table: list(model.objects.order_by("pk").values()) for model in models}
