"""What the walk through all routes walks on: a cycle in each phase, everybody who may come, and what they send."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.urls import get_resolver, reverse
from django.utils import timezone

from accounts.models import AdminUser, User
from accounts.roles import Role
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.runs import StepRun
from admissions.phases import Phase
from audit.sequencer import sequence_all
from audit.verifications import verify_and_keep
from batches.models import BatchRun, ResultFile
from tests.clients import Client, api, applicant_client, service_client, sessions_actor
from tests.factories import AMINA, applicants, apply, cycle, lead, omar, submitted, work_before

PHASES = [phase.value for phase in Phase]
STAFF = {"reviewer": Role.REVIEWER, "admin": Role.ADMIN, "super_admin": Role.SUPER_ADMIN, "auditor": Role.AUDITOR}
MACHINES = {"exporter": "batches.export", "importer": "batches.import"}
APPLICANTS = {"amina": "amina@example.org", "sam": "sam@example.org"}  # Sam owns nothing
WHO = ["nobody", *APPLICANTS, *STAFF, *MACHINES]


@dataclass
class Scene:
    """A cycle in a phase, and one thing of each kind that an address can name; some are not there yet."""

    phase: str
    cycle: AdmissionCycle
    application: Application
    step_run: uuid.UUID
    run: BatchRun | None
    file: ResultFile | None


@dataclass
class World:
    """All scenes, and what is there once."""

    scenes: dict[str, Scene]
    verification: int
    reza: int  # a reviewer, to be managed
    token: uuid.UUID  # a machine's, to be ended
    sam: str
    aminas: str  # a session


def world() -> World:
    """Make everything once; whoever walks undoes each of their steps."""
    for name, role in STAFF.items():
        omar(role, email=f"{name}@example.org")
    reza = omar(Role.REVIEWER, email="reza@example.org")
    sam = User.objects.create_user(APPLICANTS["sam"])
    scenes = {phase: scene(phase) for phase in PHASES}
    token = service_client("batches.export", "elsewhere").actor.id.removeprefix("token:")
    session = applicant_client(email=APPLICANTS["amina"]).actor.session_id
    sequence_all()
    kept = verify_and_keep("worker").pk
    return World(scenes, kept, int(reza.id.removeprefix("user:")), uuid.UUID(token), f"user:{sam.pk}", session)


def scene(phase: str) -> Scene:
    """A cycle in a phase, with all work done that its next step waits for."""
    one = cycle(f"at-{phase}")
    apply(one, applicants(2))
    application = submitted(one)
    lead(one, to=phase)
    if one.next_step():
        work_before(one)
    asked = {"step": "freeze", "actor_type": "staff", "actor_id": "user:1"}
    run = StepRun.objects.create(admission_cycle=one, state="refused", finished_at=timezone.now(), **asked)
    batch = BatchRun.objects.filter(admission_cycle=one).order_by("pk").first()
    file = ResultFile.objects.filter(admission_cycle=one).order_by("pk").first()
    return Scene(phase, one, application, run.pk, batch, file)


def client_of(who: str, here: Scene) -> Client:
    """Somebody with a new session, or a machine with a new token for this cycle."""
    if who in MACHINES:
        return service_client(MACHINES[who], here.cycle.code)
    if who in APPLICANTS:
        return applicant_client(email=APPLICANTS[who])
    if who in STAFF:
        return api(sessions_actor(AdminUser.objects.get(user__email=f"{who}@example.org")))
    return api()


def address(name: str, here: Scene, there: World, who: Client) -> str:
    """Where a route is in this scene; a session is one's own, but for Sam, machines and strangers Amina's."""
    owns = who.actor and who.actor.session_id and who.actor.id != there.sam
    things: dict[str, Any] = {
        "code": here.cycle.code,
        "reference": here.application.reference,
        "session_id": uuid.UUID(who.actor.session_id if owns else there.aminas),
        "person_id": there.reza,
        "token_id": there.token,
        "verification_id": there.verification,
        "file_id": here.file.pk if here.file else 0,
        "run_id": here.run.pk if here.run else 0,
        "name": here.run.manifest["shards"][0]["name"] if here.run else "none",
    }
    if name == "api-step-run":
        things["run_id"] = here.step_run
    [(_, wanted)] = get_resolver().reverse_dict.getlist(name)[0][0]
    return reverse(name, kwargs={key: things[key] for key in wanted})


def sent(name: str, method: str, here: Scene) -> dict[str, Any]:
    """What a client would send there: a body, or headers."""
    code = here.cycle.code
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    application = {key: AMINA[key] for key in ("name", "phone", "address", "test_scores", "essay", "achievements")}
    bodies = {
        ("api-code", "POST"): {"email": "zoe@example.org"},
        ("api-token", "POST"): {"challenge": "k3v9x0q2m7", "code": "BCDF-GHJK"},
        ("api-refresh", "POST"): {"refresh": "x.y.z"},
        ("api-staff-refresh", "POST"): {"refresh": "x.y.z"},
        ("api-logout", "POST"): {"refresh": "x.y.z"},
        ("api-staff-logout", "POST"): {"refresh": "x.y.z"},
        ("api-staff-login", "POST"): {"email": "admin@example.org", "password": "not this", "code": "000000"},
        ("api-applications", "POST"): {"cycle": code, "gpa": "3.8", **application},
        ("api-person", "PATCH"): {"role": "auditor"},
        ("api-service-tokens", "POST"): {
            "name": "evaluation",
            "verb": "batches.export",
            "cycle": code,
            "expires_at": tomorrow,
        },
        ("api-cycles", "POST"): {"code": "spring-2027", "name": "Spring 2027", "seats": 3},
        ("api-cycle", "PATCH"): {"seats": 5},
        ("api-batches", "POST"): {"cycle": code, "stage": "worker", "model": "model-1"},
    }
    if (name, method) == ("api-results", "POST"):
        line = b'{"custom_id": "none", "answer": "{}"}\n'
        return {"data": line, "content_type": "application/x-ndjson", "QUERY_STRING": f"cycle={code}"}
    if name.startswith("api-step-") and method == "POST":
        return {"data": {"reason": "The walk."}}
    headers = {"HTTP_IF_MATCH": "*"} if method == "PATCH" else {}
    body = bodies.get((name, method))
    return {**headers, **({"data": body} if body is not None else {})}


def ask(who: Client, name: str, method: str, here: Scene, there: World) -> int:
    """Send a request, read its answer to the end, and return its status."""
    answer = getattr(who, method.lower())(address(name, here, there, who), **sent(name, method, here))
    if answer.streaming:
        b"".join(answer.streaming_content)
    return int(answer.status_code)


@contextmanager
def undone() -> Iterator[None]:
    """Do something, and then let it not have been."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def trace() -> list[tuple[Any, ...]]:
    """A sum of everything that stands in our tables, cheap enough to be asked thousands of times.

    Left out is what a refused request may leave: that it was made, and how often.
    """
    labels = ("accounts", "admissions", "audit", "batches", "procrastinate", "mfa", "sessions")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    tables = {model._meta.db_table for model in models} - {"attempt_counters"}
    kept = {"log_outbox": "WHERE kind <> 'access.refused'"}
    sums = [
        f"SELECT '{table}', count(*), sum(hashtext(rows::text)::bigint) FROM {table} AS rows {kept.get(table, '')}"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sums))
        return sorted(cursor.fetchall())
