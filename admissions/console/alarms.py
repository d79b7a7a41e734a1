"""What of the cycles wants a person: a deadline that is near or past, a step that was not taken."""

from collections.abc import Iterator
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import Letter
from admissions.models.runs import StepRun
from admissions.phases import Phase
from enigma.console.registry import Alarm, Level, alarm

NEAR = timedelta(hours=24)
LATELY = timedelta(hours=24)
LETTERS_COUNT_FOR = timedelta(days=7)
TO_THE_CYCLE = gettext_lazy("Open the cycle")


@alarm(needs="cycle.view")
def deadlines(request: HttpRequest) -> Iterator[Alarm]:
    """Say which cycles close within a day, and which are closed and still wait for their freeze."""
    now = timezone.now()
    closing = AdmissionCycle.objects.filter(phase=Phase.SUBMISSION, closes_at__lte=now + NEAR)
    for code, closes_at in closing.order_by("closes_at").values_list("code", "closes_at"):
        if closes_at <= now:
            told = _("%(code)s has closed, and is not frozen yet.") % {"code": code}
            yield Alarm(Level.BAD, told, TO_THE_CYCLE, ("admin:cycle", code))
        else:
            told = _("%(code)s closes within a day.") % {"code": code}
            yield Alarm(Level.WARN, told, TO_THE_CYCLE, ("admin:cycle", code))


@alarm(needs="cycle.view")
def steps(request: HttpRequest) -> Iterator[Alarm]:
    """Say which step of which cycle ended lately without being taken, unless something was tried since."""
    last = StepRun.objects.order_by("admission_cycle_id", "-created_at").distinct("admission_cycle_id")
    ended = StepRun.objects.filter(
        pk__in=last.values("pk"), state__in=(StepRun.State.REFUSED, StepRun.State.FAILED), dry_run=False
    )
    lately = ended.filter(finished_at__gt=timezone.now() - LATELY).order_by("finished_at")
    for code, step, state in lately.values_list("admission_cycle__code", "step", "state"):
        about = {"code": code, "step": step}
        if state == StepRun.State.FAILED:
            told = _("The step %(step)s of %(code)s met a fault and was not taken.") % about
        else:
            told = _("The step %(step)s of %(code)s was refused.") % about
        yield Alarm(
            Level.BAD if state == StepRun.State.FAILED else Level.WARN, told, TO_THE_CYCLE, ("admin:cycle", code)
        )


@alarm(needs="letters.edit")
def letters(request: HttpRequest) -> Iterator[Alarm]:
    """Say that letters of the last days did not arrive; those of erased people were never to."""
    lost = Letter.objects.filter(state__in=[Letter.State.FAILED, Letter.State.BOUNCED]).exclude(fault=Letter.ERASED)
    if lost.filter(queued_at__gt=timezone.now() - LETTERS_COUNT_FOR).exists():
        told = gettext_lazy("Letters of the last seven days did not arrive.")
        yield Alarm(Level.WARN, told, gettext_lazy("Look at the letters"), ("admin:admissions_letter_changelist",))
