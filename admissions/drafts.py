"""Keep what somebody types until they hand it in: saved section by section, sealed, and forgotten after the freeze."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actors import Actor, system
from accounts.models import User
from admissions.doors import demand_open
from admissions.models.applications import Application, IdentityMapping
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.own import own_in
from admissions.phases import Phase, Status
from admissions.sections import as_typed
from admissions.storing import Door, hold_door
from audit.log import record
from enigma.encryption import UnreadableRecord
from enigma.errors import Conflict, Malformed, Refused

# More than any cycle accepts of everything together; a draft keeps what is too long, but not without end.
LONGEST = 400_000
AUTO, FULL = "auto", "full"


@dataclass(frozen=True, slots=True)
class Save:
    """How a section comes to be saved: from which version on, by which tab, and while typing (AUTO) or not (FULL)."""

    version: int
    tab: str
    how: str = FULL


@dataclass(frozen=True, slots=True)
class Written:
    """A draft as it stands: what was typed by box, and of each saved section its version, time, tab and way."""

    values: dict[str, str]
    edits: dict[str, dict[str, Any]]
    version: int
    saved_at: datetime | None
    application_id: int | None = None

    def version_of(self, section: str) -> int:
        """The version of a section, which counts its saves."""
        return int(self.edits.get(section, {}).get("version", 0))

    def saved_at_of(self, section: str) -> datetime | None:
        """When a section was last saved."""
        at = self.edits.get(section, {}).get("at")
        return datetime.fromisoformat(at) if at else None


NOTHING = Written({}, {}, 0, None)


class Stale(Conflict):
    """Another tab has saved the section since it was read; ``written`` is what stands there now."""

    def __init__(self, written: Written) -> None:
        super().__init__("This section was changed in another tab or on another device.")
        self.written = written


class HandedIn(Conflict):
    """There is no draft, as the application was handed in or taken back meanwhile."""


def draft_of(cycle: AdmissionCycle, user: User) -> Written | None:
    """Return what somebody has typed for a cycle, if they have; raise Refused for a draft that does not open."""
    draft = _mine(cycle, user).first()
    return _written(draft) if draft else None


def drafts_of(user: User) -> list[tuple[AdmissionCycle, Written | None]]:
    """Return what somebody has begun for cycles that are not frozen, by cycle; None for a draft that does not open."""
    mine = ApplicationDraft.objects.filter(user=user, admission_cycle__phase=Phase.SUBMISSION)
    drafts = mine.select_related("admission_cycle").order_by("admission_cycle")
    return [(draft.admission_cycle, _written_or_none(draft)) for draft in drafts]


def save_section(
    cycle: AdmissionCycle, typed: Mapping[str, str], *, section: str, save: Save, user: User, actor: Actor
) -> Written:
    """Keep what was typed into the boxes of a section, whatever it is, and return the whole draft.

    Raises Stale when somebody else than this tab has saved the section since, HandedIn when there is an application
    and no change of it was begun, PhaseError when ``user`` may not hand in now, Malformed for endless text.
    """
    actor.require("application.submit")
    with transaction.atomic():
        door = hold_door(cycle)
        demand_open(cycle, door, user.pk, use=False)
        draft = _held(cycle, user, actor)
        written = _written(draft)
        values = {**written.values, **typed}
        is_new = any(written.values.get(box, "") != text for box, text in typed.items())
        if not is_new and save.how == AUTO and section in written.edits:
            return written
        if is_new:
            _refuse_stale(written, section, save)
            _refuse_endless(values)
            draft.seal(values)
        _note(draft, section, save, door)
        draft.save(update_fields=["sealed_values", "edits", "version", "saved_at"])
    return _written(draft, values)


def begin_change(application: Application, *, user: User, actor: Actor) -> None:
    """Make a draft of what was handed in, which stands until the changed one is handed in; one that is there stays.

    Raises PhaseError when ``user`` may not change now, Conflict for a withdrawn application, Refused for one that does
    not open, Denied by role.
    """
    actor.require("application.change")
    cycle = application.admission_cycle
    with transaction.atomic():
        demand_open(cycle, hold_door(cycle), user.pk, use=False)
        held = Application.objects.select_for_update().get(pk=application.pk)
        if held.status != Status.SUBMITTED:
            raise Conflict("This application is withdrawn and can no longer be changed.")
        mine = _mine(cycle, user)
        if not mine.exists():
            _make(cycle, user, actor, values=_handed_in(held), application=held)
        mine.filter(application=None).update(application=held)


def discard(cycle: AdmissionCycle, *, user: User, actor: Actor) -> bool:
    """Throw a draft away; what was handed in stays. Tell whether there was one."""
    actor.require("application.submit")
    with transaction.atomic():
        thrown, _ = _mine(cycle, user).delete()
        if thrown:
            record("draft.discard", actor=actor, entity=("cycle", cycle.code))
    return bool(thrown)


def purge_frozen() -> int:
    """Forget the drafts of cycles that take no more applications; return how many. The log tells only that number."""
    purged = 0
    left = AdmissionCycle.objects.filter(pk__in=ApplicationDraft.objects.values("admission_cycle"))
    for cycle in left.exclude(phase=Phase.SUBMISSION):
        with transaction.atomic():
            count, _ = ApplicationDraft.objects.filter(admission_cycle=cycle).delete()
            record("draft.purge", actor=system(), entity=("cycle", cycle.code), drafts=count)
        purged += count
    return purged


def held_draft(cycle: AdmissionCycle, user: User) -> ApplicationDraft | None:
    """Return the draft, locked until the end of the transaction."""
    return _mine(cycle, user).select_for_update().first()


def _mine(cycle: AdmissionCycle, user: User) -> Any:
    return ApplicationDraft.objects.filter(admission_cycle=cycle, user=user)


def _held(cycle: AdmissionCycle, user: User, actor: Actor) -> ApplicationDraft:
    if draft := held_draft(cycle, user):
        return draft
    if own_in(cycle, user):
        raise HandedIn("You have handed in this application already; nothing was changed.")
    return _make(cycle, user, actor, values={})


def _make(cycle: AdmissionCycle, user: User, actor: Actor, *, values: dict[str, str], **more: Any) -> ApplicationDraft:
    draft = ApplicationDraft.begun(cycle, user.pk, values, **more)
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:  # two tabs began at the same moment
        return _mine(cycle, user).select_for_update().get()
    record("draft.begin", actor=actor, entity=("cycle", cycle.code))
    return draft


def _handed_in(application: Application) -> dict[str, str]:
    identity = IdentityMapping.objects.get(pk=application.pk)
    merits = {"gpa": application.gpa, "test_scores": application.test_scores}
    try:
        return as_typed(identity.identity(), identity.texts(), **merits)
    except UnreadableRecord:
        raise Refused("This application cannot be changed just now; please write to the admissions office.") from None


def _written(draft: ApplicationDraft, values: dict[str, str] | None = None) -> Written:
    try:
        typed = draft.values() if values is None else values
    except UnreadableRecord:
        raise Refused("Your draft cannot be opened just now; please write to the admissions office.") from None
    return Written(typed, draft.edits, draft.version, draft.saved_at, draft.application_id)


def _written_or_none(draft: ApplicationDraft) -> Written | None:
    try:
        return _written(draft)
    except Refused:
        return None


def _refuse_stale(written: Written, section: str, save: Save) -> None:
    """A tab follows upon itself: its own save may still be under way, or the answer to it was lost.

    Only a save while typing that comes after the same tab has saved by a button is older than what stands there.
    """
    last = written.edits.get(section, {})
    if save.version == written.version_of(section):
        return
    if save.tab and save.tab == last.get("tab") and (save.how == FULL or last["how"] == AUTO):
        return
    raise Stale(written)


def _refuse_endless(values: Mapping[str, str]) -> None:
    if sum(map(len, values.values())) > LONGEST:
        raise Malformed(f"A draft holds at most {LONGEST} characters.")


def _note(draft: ApplicationDraft, section: str, save: Save, door: Door) -> None:
    version = int(draft.edits.get(section, {}).get("version", 0)) + 1
    edit = {"version": version, "tab": save.tab[:16], "how": save.how, "at": door.now.isoformat()}
    draft.edits = {**draft.edits, section: edit}
    draft.version += 1
    draft.saved_at = door.now
