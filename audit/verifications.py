"""Keeps what verifications found, whoever asked: people, commands, the daily job. Large logs are left to a worker."""

import logging
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Exists
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from audit import log
from audit.models import LogHead, Verification
from audit.verification import Verdict, verify

DUE = timedelta(hours=22)  # looked at once an hour
AT_ONCE = 200_000  # entries that are verified while somebody waits: about a second
TASK, QUEUE = "audit.verify", "audit"
State = Verification.State

logger = logging.getLogger(__name__)


class Asker(log.Actor, Protocol):
    """An actor that can be asked what it may do."""

    def require(self, permission: str) -> None:
        """Raise Denied unless the actor may."""


def verify_and_keep(asked_by: str) -> Verification:
    """Verify both logs now and keep what was found; a run that is killed leaves nothing behind."""
    started = timezone.now()
    return keep(verify(), asked_by=asked_by, started=started)


def keep(verdict: Verdict, *, asked_by: str, started: datetime) -> Verification:
    """Keep a verdict that somebody reached already."""
    times = {"asked_at": started, "started_at": started, "finished_at": timezone.now()}
    return Verification.objects.create(state=State.DONE, asked_by=asked_by, **times, **_found(verdict))


def ask(actor: Asker) -> Verification:
    """Verify at once, or where that takes long leave it to a worker; raise Denied without the permission.

    While a worker is at it, everybody who asks is given that verification.
    """
    actor.require("audit.verify")
    if not is_large():
        with transaction.atomic():
            made = verify_and_keep(actor.id)
            _record(made, actor)
        return made
    with transaction.atomic():
        _give_up_lost()
    try:
        with transaction.atomic():
            made = Verification.objects.create(state=State.QUEUED, asked_by=actor.id, asked_at=timezone.now())
            app.configure_task(TASK, queue=QUEUE).defer(verification_id=made.pk)
            _record(made, actor)
    except IntegrityError:
        return Verification.objects.filter(finished_at=None).first() or Verification.objects.latest("pk")
    return made


def is_large() -> bool:
    """Whether verifying the logs takes longer than anybody should wait for an answer."""
    head = LogHead.objects.first()
    return (head.size + head.audit_size if head else 0) >= AT_ONCE


def run(verification_id: int) -> None:
    """Do a verification that waits; safe to do again after a kill, and nothing once it has ended."""
    mine = Verification.objects.filter(pk=verification_id, finished_at=None)
    if not mine.update(state=State.RUNNING, started_at=timezone.now()):
        return
    try:
        verdict = verify()
    except Exception as fault:
        logger.warning("verification %s failed: %s", verification_id, type(fault).__name__)
        mine.update(state=State.FAILED, finished_at=timezone.now())
        raise
    mine.update(state=State.DONE, finished_at=timezone.now(), **_found(verdict))


def verify_when_due() -> None:
    """Verify when the last verdict is about to be a day old; say aloud when the logs lie."""
    last = latest()
    if last is not None and last.started_at > timezone.now() - DUE:
        return
    found = verify_and_keep("worker")
    if not found.ok:
        logger.error("the logs do not verify: %s", found.fault)


def latest() -> Verification | None:
    """Return the last verification that said something about the logs."""
    return Verification.objects.filter(state=State.DONE).order_by("-finished_at").first()


def _found(verdict: Verdict) -> dict[str, Any]:
    return {
        "ok": verdict.ok,
        "fault": str(verdict.fault or ""),
        "origin": verdict.origin,
        "public_size": verdict.public_size,
        "public_head": verdict.public_head,
        "audit_size": verdict.audit_size,
        "audit_head": verdict.audit_head,
        "pending": verdict.pending,
        "checked": verdict.checked,
    }


def _record(made: Verification, actor: log.Actor) -> None:
    outcome = {True: "ok", False: "lies", None: "queued"}[made.ok]
    log.record("audit.verify", actor=actor, entity=("verification", str(made.pk)), outcome=outcome)


def _give_up_lost() -> None:
    """End what no job will do any more: its worker died for good, or somebody removed the job."""
    jobs = ProcrastinateJob.objects.filter(task_name=TASK, status__in=("todo", "doing"))
    lost = Verification.objects.filter(~Exists(jobs), finished_at=None)  # one statement, so one moment for both
    lost.update(state=State.FAILED, finished_at=timezone.now())
