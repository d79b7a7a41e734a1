"""What of the logs wants a person: they lie, or nobody has looked for too long."""

from collections.abc import Iterator
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit import verifications
from audit.models import LogHead
from enigma.console.registry import Alarm, Level, alarm

LOOKED_AT_WITHIN = timedelta(hours=48)


@alarm(needs="staff.session")
def logs(request: HttpRequest) -> Iterator[Alarm]:
    """Say that the logs do not hold, or that it is not known; everybody may know, who may verify is led there."""
    if not LogHead.objects.exists():
        return
    may = request.user.has_perm("accounts.audit.verify")
    last, page = verifications.latest(), ("admin:audit_proofs",) if may else ()
    if last is None:
        yield Alarm(
            Level.WARN, _("Nobody has verified the logs yet; a running worker does it daily."), _("Verify"), page
        )
    elif not last.ok:
        verdict = ("admin:audit_verification", last.pk) if may else ()
        yield Alarm(Level.BAD, _("The logs do not verify: an entry lies."), _("See which"), verdict)
    elif last.finished_at is not None and last.finished_at < timezone.now() - LOOKED_AT_WITHIN:
        yield Alarm(Level.WARN, _("The logs were last verified more than two days ago."), _("Verify"), page)
