"""Send letters: each to one person, from a template, marked in the transaction that sends it."""

import logging
import smtplib
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import sanitize_address
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from admissions.letter_rendering import NOT_ASSESSED, render, values_for
from admissions.letter_templates import text_for
from admissions.letter_texts import LetterText
from admissions.models.applications import IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.late_access import LateAccess
from admissions.models.letters import Letter, LetterQuerySet
from admissions.models.outcomes import may_see_result
from admissions.phases import Phase
from enigma.encryption import UnreadableRecord
from enigma.errors import Refused
from enigma.mail import hands_on_nothing

log = logging.getLogger(__name__)

# What a mail server says about one letter; anything else is wrong with the server and ends the run.
FAULTS_OF_A_LETTER = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)
# A job gives way after so many seconds, so that a publication holds up neither letters nor work of other cycles.
SLICE = 20
# What is put off is tried again after 2, 4, 8 ... minutes, then every four hours: five days in all (RFC 5321).
LONGEST_PAUSE = 240
ATTEMPTS = 38


class LettersLeft(Refused):
    """Letters are still queued after a run; the job that meets this is tried again later."""

    returncode = 1


def send_letters(
    cycle: AdmissionCycle, *, mailer: BaseEmailBackend | None = None, each: Callable[[], None] = lambda: None
) -> dict[str, int]:
    """Send the outcome letters of a published cycle; return how many are sent, failed for good, and still queued.

    ``mailer`` is Django's e-mail backend by the settings unless given; ``each`` is called after each letter.

    A letter is locked, sent and marked in one transaction of its own, so two workers never send the same one, and a
    worker that dies before the mail server has taken it leaves it queued. Should it die between the server's «yes»
    and the commit, the letter goes out once more with the same Message-ID, by which mail systems know it again.
    What the mail server puts off, and everything when it is not to be had, stays queued. Raises Refused before
    publication, LettersLeft where the settings let no letter of a real cycle reach anybody.
    """
    if not may_see_result(cycle):
        raise Refused(f"{cycle.code} is not published: no letter may go out.")
    mine = Letter.objects.outcomes().filter(admission_cycle=cycle)
    mailer = mailer or _mailer()
    _demand_delivery(cycle, mailer, waiting=mine.filter(state=Letter.State.QUEUED).count())
    _Run(mine, mailer, each).send()
    # A letter that came back has been sent.
    states = {"sent": ["sent", "bounced"], "failed": ["failed"], "queued": ["queued"]}
    return {told: mine.filter(state__in=state).count() for told, state in states.items()}


def send_slice(cycle: AdmissionCycle) -> bool:
    """Send outcome letters of a published cycle for a while, as a job does; return whether more are due.

    Raises LettersLeft where the mail server cannot be used, or nobody would get the letters.
    """
    if not may_see_result(cycle):
        raise Refused(f"{cycle.code} is not published: no letter may go out.")
    mine = Letter.objects.outcomes().filter(admission_cycle=cycle)
    if not mine.due().exists():
        return False
    mailer = _mailer()
    _demand_delivery(cycle, mailer, waiting=mine.filter(state=Letter.State.QUEUED).count())
    return _sent_for_a_while(mine, mailer)


def send_singles() -> bool:
    """Send for a while what single people wait for, in every cycle, oldest first; return whether more is due.

    Raises LettersLeft as ``send_slice`` does, for a cycle after the letters of all others.
    """
    singles = Letter.objects.singles()
    cycles = AdmissionCycle.objects.filter(pk__in=singles.due().values("admission_cycle"))
    mailer, ready, refusal = _mailer(), [], None
    for cycle in cycles:
        try:
            mine = singles.filter(admission_cycle=cycle, state=Letter.State.QUEUED)
            _demand_delivery(cycle, mailer, waiting=mine.count())
            ready.append(cycle)
        except LettersLeft as why:
            refusal = why
    more = bool(ready) and _sent_for_a_while(singles.filter(admission_cycle__in=ready), mailer)
    if refusal and not more:
        raise refusal
    return more


def queued(cycle: AdmissionCycle) -> int:
    """Count the outcome letters that still have to go out."""
    return Letter.objects.outcomes().filter(admission_cycle=cycle, state=Letter.State.QUEUED).count()


def cycles_with_letters() -> Iterable[AdmissionCycle]:
    """The published cycles that have outcome letters to send now."""
    due = Letter.objects.outcomes().due().filter(admission_cycle=OuterRef("pk"))
    return AdmissionCycle.objects.filter(Exists(due), phase__in=[Phase.PUBLISHED, Phase.COMPLETED])


def singles_are_due() -> bool:
    """Tell whether somebody waits for a letter."""
    return Letter.objects.singles().due().exists()


def _mailer() -> BaseEmailBackend:
    # In development letters are printed: beside the data of a command, not among it.
    return get_connection(stream=sys.stderr)


def _demand_delivery(cycle: AdmissionCycle, mailer: BaseEmailBackend, *, waiting: int) -> None:
    """Refuse, before a letter is marked, what is wrong with the settings and so with all letters."""
    stay = f"{waiting} letters of {cycle.code} stay queued"
    if not (cycle.is_demo or settings.DEBUG):
        if hands_on_nothing(mailer):
            raise LettersLeft(f"{stay}: EMAIL_URL names no mail server.")
        if not settings.SITE_URL:
            raise LettersLeft(f"{stay}: SITE_URL does not say where their links lead.")
    try:
        sanitize_address(settings.DEFAULT_FROM_EMAIL, settings.DEFAULT_CHARSET)
    except ValueError:
        raise LettersLeft(f"{stay}: DEFAULT_FROM_EMAIL is not an address.") from None


def _sent_for_a_while(letters: LetterQuerySet, mailer: BaseEmailBackend) -> bool:
    run = _Run(letters, mailer, until=time.monotonic() + SLICE)
    if not run.send():
        raise LettersLeft("The mail server cannot be used; the letters stay queued.")
    return letters.due().exists()


class _Run:
    """One connection to the mail server, and the letters that go over it, one after the other."""

    def __init__(
        self,
        letters: LetterQuerySet,
        mailer: BaseEmailBackend,
        each: Callable[[], None] = lambda: None,
        until: float = float("inf"),
    ) -> None:
        self.letters, self.mailer, self.each, self.until = letters, mailer, each, until
        # A run sees one state of the texts and cycles, and asks for each once.
        self.text = lru_cache(text_for)
        self.cycle = lru_cache(lambda pk: AdmissionCycle.objects.get(pk=pk))

    def send(self) -> bool:
        """Send what is due until the time is up; return False when the mail server cannot be used."""
        try:
            self.mailer.open()
            try:
                last = 0
                while last := self._send_next(after=last):  # one at least, however long a slow server takes
                    self.each()
                    if time.monotonic() >= self.until:
                        break
            finally:
                self.mailer.close()
        except (OSError, smtplib.SMTPException) as fault:
            # The kind of fault only, here and below: its text may quote an address.
            log.warning("the mail server cannot be used: %s", type(fault).__name__)
            return False
        return True

    def _send_next(self, *, after: int) -> int:
        """Send the next letter that nobody else holds; return its key, 0 when there is none."""
        with transaction.atomic():
            free = self.letters.due().select_for_update(skip_locked=True)
            letter = free.filter(pk__gt=after).order_by("pk").first()
            if letter is None:
                return 0
            letter.attempts += 1
            if fault := self._deliver(letter):
                _note(letter, fault)
            else:
                letter.state, letter.sent_at, letter.fault = Letter.State.SENT, timezone.now(), ""
            letter.save(update_fields=["state", "sent_at", "fault", "attempts", "due_at"])
        return letter.pk

    def _deliver(self, letter: Letter) -> Exception | None:
        """Hand a letter to the mail server; return what is wrong with this one, if anything is."""
        try:
            message = self._message(letter)
            # What the backend would do itself: a ValueError of it, seen here, is the fault of no server.
            message.message().as_bytes()
            sanitize_address(message.to[0], settings.DEFAULT_CHARSET)
        except (IdentityMapping.DoesNotExist, UnreadableRecord, ValueError) as fault:
            return fault
        try:
            self.mailer.send_messages([message])
        except FAULTS_OF_A_LETTER as fault:
            return fault
        return None

    def _message(self, letter: Letter) -> EmailMultiAlternatives:
        cycle: AdmissionCycle = self.cycle(letter.admission_cycle_id)
        variant, address, person = _reader(letter)
        until = letter.until or _latest(letter, cycle)
        values = values_for(variant, cycle, language=letter.language, until=until, **person)
        text: LetterText = self.text(variant, letter.language, cycle)
        rendered = render(text, values, language=letter.language)
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(">") or "localhost"
        headers = {
            "Message-ID": f"<{letter.kind}.{letter.mail_id.hex}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": letter.language,
        }
        message = EmailMultiAlternatives(rendered.subject, rendered.text, to=[address], headers=headers)
        message.attach_alternative(rendered.html, "text/html")
        return message


def _reader(letter: Letter) -> tuple[str, str, dict[str, str]]:
    """Return which text a letter has, where it goes, and what may be named of the person."""
    if letter.user is not None:
        return letter.kind, letter.user.email, {}
    application = letter.application
    person = IdentityMapping.objects.defer("sealed_texts").get(pk=letter.application_id).identity()
    named = {
        "name": person["name"],
        "reference": application.reference,
        "receipt": application.receipt_ref.hex,
    }
    variant = (application.outcome or NOT_ASSESSED) if letter.kind == Letter.Kind.OUTCOME else letter.kind
    return variant, person["email"], named


def _latest(letter: Letter, cycle: AdmissionCycle) -> datetime | None:
    """Return until when the reader may change the application: by late access perhaps longer than everybody."""
    applicant = letter.application.applicant_id if letter.application else None
    if applicant is None or cycle.closes_at is None or letter.kind == Letter.Kind.OUTCOME:
        return cycle.closes_at
    grants = LateAccess.objects.of(cycle, applicant).filter(ended_at=None, until__gt=cycle.closes_at)
    return grants.values_list("until", flat=True).first() or cycle.closes_at


def _note(letter: Letter, fault: Exception) -> None:
    """Mark a letter that did not go out: failed for good, or put off for a while."""
    letter.fault = type(fault).__name__
    if _is_lasting(fault) or letter.attempts >= ATTEMPTS:
        letter.state = Letter.State.FAILED
    else:
        letter.due_at = timezone.now() + timedelta(minutes=min(2**letter.attempts, LONGEST_PAUSE))
    log.warning("letter %s was not sent: %s", letter.pk, letter.fault)


def _is_lasting(fault: Exception) -> bool:
    """Tell «no» from «not now»: a reply of 4xx asks to try again later (RFC 5321, section 4.2.1)."""
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in fault.recipients.values())
    return not isinstance(fault, smtplib.SMTPDataError) or fault.smtp_code >= 500
