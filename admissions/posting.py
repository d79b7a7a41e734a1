"""Queue a letter in the transaction of the deed that it tells about, and queue one again that did not arrive."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import get_language

from accounts.actors import Actor
from accounts.models import User
from admissions.letter_texts import supported
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.queue import defer_letters, defer_singles
from audit.log import record
from enigma.errors import Conflict

_INSERT = """
    INSERT INTO letters (application_id, user_id, admission_cycle_id, kind, sequence, language, until, mail_id, state,
                         attempts, fault, bounce, queued_at, due_at)
    SELECT %(application)s::bigint, %(user)s::bigint, %(cycle)s::bigint, %(kind)s::varchar,
           coalesce(max(sequence), 0) + 1, %(language)s::varchar, %(until)s::timestamptz, gen_random_uuid(),
           'queued', 0, '', '', clock_timestamp(), clock_timestamp()
      FROM letters
     WHERE kind = %(kind)s::varchar AND admission_cycle_id = %(cycle)s::bigint
       AND (application_id = %(application)s::bigint OR user_id = %(user)s::bigint)
    RETURNING id
"""


def queue_letter(
    kind: str,
    *,
    application: Application | None = None,
    user: User | None = None,
    cycle: AdmissionCycle | None = None,
    until: datetime | None = None,
) -> int:
    """Queue one letter and the job that sends it, in the caller's transaction; return its key.

    About an application: ``queue_letter("changed", application=application)``. To a user who may have none yet:
    ``queue_letter("late_access", user=user, cycle=cycle, until=until)``. It is in the language that is active now.
    No mail server is asked here. Raises TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("queue a letter inside the deed's own transaction")
    values = {
        "kind": Letter.Kind(kind),
        "application": application.pk if application else None,
        "user": user.pk if user else None,
        "cycle": application.admission_cycle_id if application else cycle and cycle.pk,
        "language": supported(get_language(), settings.LANGUAGE_CODE),
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        (pk,) = cursor.fetchone()
    defer_singles()
    return int(pk)


def resend(letter: Letter, *, actor: Actor) -> None:
    """Queue a letter again that failed or came back, under a new Message-ID: it is another attempt, not the same mail.

    Raises Conflict for a letter that is in any other state or whose reader was erased, Denied by role.
    """
    actor.require("letters.edit")
    with transaction.atomic():
        held = Letter.objects.select_for_update(of=["self"]).select_related("admission_cycle").get(pk=letter.pk)
        if held.state not in {Letter.State.FAILED, Letter.State.BOUNCED}:
            raise Conflict(f"This letter is {held.state}; only one that failed or came back is sent again.")
        if held.fault == Letter.ERASED:
            raise Conflict("Whoever this letter was for has had their data erased.")
        about: dict[str, Any] = {"kind": held.kind, "was": held.state, "why": held.bounce or held.fault}
        record(
            "letters.resend",
            actor=actor,
            entity=("letter", str(held.pk)),
            cycle=held.admission_cycle.code,
            **about,
        )
        held.state, held.fault, held.bounce, held.sent_at = Letter.State.QUEUED, "", "", None
        held.attempts, held.mail_id, held.due_at = 0, uuid.uuid4(), Now()
        held.save()
        if held.kind == Letter.Kind.OUTCOME:
            defer_letters(held.admission_cycle)
        else:
            defer_singles()
