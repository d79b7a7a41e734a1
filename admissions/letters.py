"""Send the letters about outcomes: each to one person, from a template, marked in the transaction that sends it."""

import logging
import smtplib
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from admissions.models.applications import IdentityMapping, OutcomeLetter
from admissions.models.cycles import AdmissionCycle
from admissions.models.outcomes import may_see_result
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused
from enigma.keys import keyring
from enigma.mail import hands_on_nothing

log = logging.getLogger(__name__)

# What a mail server says about one letter; anything else is wrong with the server and ends the run.
FAULTS_OF_A_LETTER = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)
NOT_ASSESSED = "not_assessed"


class LettersLeft(Refused):
    """Letters are still queued after a run; the job that meets this is tried again later."""

    returncode = 1


def send_letters(
    cycle: AdmissionCycle, *, mailer: BaseEmailBackend | None = None, each: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Send the queued letters of a published cycle; return how many are sent, failed for good, and still queued.

    ``mailer`` is Django's e-mail backend by the settings unless given; ``each`` is called after each letter.

    A letter is locked, sent and marked in one transaction of its own, so two workers never send the same one, and a
    worker that dies before the mail server has taken it leaves it queued. Should it die between the server's «yes»
    and the commit, the letter goes out once more with the same Message-ID, by which mail systems know it again.
    What the mail server puts off, and everything when it is not to be had, stays queued. Raises Refused before
    publication, LettersLeft where the settings let no letter of a real cycle reach anybody.
    """
    if not may_see_result(cycle):
        raise Refused(f"{cycle.code} is not published: no letter may go out.")
    # In development letters are printed: beside the data of a command, not among it.
    mailer = mailer or get_connection(stream=sys.stderr)
    _demand_delivery(cycle, mailer)
    try:
        _send_all(cycle, mailer, each)
    except (OSError, smtplib.SMTPException) as fault:
        # The kind of fault only, here and below: its text may quote an address.
        log.warning("the mail server cannot be used: %s", type(fault).__name__)
    mine = OutcomeLetter.objects.filter(admission_cycle=cycle)
    return {str(state): mine.filter(state=state).count() for state in ("sent", "failed", "queued")}


def _demand_delivery(cycle: AdmissionCycle, mailer: BaseEmailBackend) -> None:
    """Refuse, before a letter is marked, what is wrong with the settings and so with all letters."""
    stay = f"{queued(cycle)} letters of {cycle.code} stay queued"
    if hands_on_nothing(mailer) and not (cycle.is_demo or settings.DEBUG):
        raise LettersLeft(f"{stay}: EMAIL_URL names no mail server.")
    try:
        sanitize_address(settings.DEFAULT_FROM_EMAIL, settings.DEFAULT_CHARSET)
    except ValueError:
        raise LettersLeft(f"{stay}: DEFAULT_FROM_EMAIL is not an address.") from None


def _send_all(cycle: AdmissionCycle, mailer: BaseEmailBackend, each: Callable[[], None]) -> None:
    mailer.open()
    try:
        last = 0
        while last := _send_next(cycle, mailer, after=last):
            each()
    finally:
        mailer.close()


def queued(cycle: AdmissionCycle) -> int:
    """Count the letters that still have to go out."""
    return OutcomeLetter.objects.filter(admission_cycle=cycle, state=OutcomeLetter.State.QUEUED).count()


def cycles_with_letters() -> Iterable[AdmissionCycle]:
    """The published cycles that have letters to send."""
    waiting = OutcomeLetter.objects.filter(state=OutcomeLetter.State.QUEUED).values("admission_cycle")
    return AdmissionCycle.objects.filter(pk__in=waiting)


def _send_next(cycle: AdmissionCycle, mailer: BaseEmailBackend, *, after: int) -> int:
    """Send the next letter that nobody else holds; return the key of its application, 0 when there is none."""
    with transaction.atomic():
        letter = (  # without its application: a join would walk over all applications before this one
            OutcomeLetter.objects.select_for_update(skip_locked=True)
            .filter(admission_cycle=cycle, state=OutcomeLetter.State.QUEUED, pk__gt=after)
            .order_by("application_id")
            .first()
        )
        if letter is None:
            return 0
        if fault := _deliver(cycle, letter, mailer):
            letter.fault = type(fault).__name__
            if _is_lasting(fault):
                letter.state = OutcomeLetter.State.FAILED
            log.warning("letter to application %s was not sent: %s", letter.pk, letter.fault)
        else:
            letter.state, letter.sent_at, letter.fault = OutcomeLetter.State.SENT, timezone.now(), ""
        letter.attempts += 1
        letter.save(update_fields=["state", "sent_at", "fault", "attempts"])
    return letter.pk


def _deliver(cycle: AdmissionCycle, letter: OutcomeLetter, mailer: BaseEmailBackend) -> Exception | None:
    """Hand a letter to the mail server; return what is wrong with this one, if anything is."""
    try:
        message = _message(cycle, letter)
        # What the backend would do itself: a ValueError of it, seen here, is the fault of no server.
        message.message().as_bytes()
        sanitize_address(message.to[0], settings.DEFAULT_CHARSET)
    except (IdentityMapping.DoesNotExist, UnreadableRecord, ValueError) as fault:
        return fault
    try:
        mailer.send_messages([message])
    except FAULTS_OF_A_LETTER as fault:
        return fault
    return None


def _is_lasting(fault: Exception) -> bool:
    """Tell «no» from «not now»: a reply of 4xx asks to try again later (RFC 5321, section 4.2.1)."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in fault.recipients.values())
    return not isinstance(fault, smtplib.SMTPDataError) or fault.smtp_code >= 500


def _message(cycle: AdmissionCycle, letter: OutcomeLetter) -> EmailMessage:
    person = IdentityMapping.objects.defer("sealed_texts").get(pk=letter.pk).identity()
    application = letter.application
    context: dict[str, Any] = {"name": person["name"], "reference": application.reference, "cycle": cycle}
    kind = application.outcome or NOT_ASSESSED  # named like their templates
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(">") or "localhost"
    return EmailMessage(
        subject=" ".join(render_to_string("admissions/letters/subject.txt", context).split()),
        body=render_to_string(f"admissions/letters/{kind}.txt", context),
        to=[person["email"]],
        headers={
            # Not the receipt reference: mail servers log this, and the public log and the ranking hold that.
            "Message-ID": f"<outcome.{keyring().letter_id(application.receipt_ref)}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
