"""Which text a letter has: ours from a file, or what staff wrote in its place for a cycle or for all of them."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts.actors import Actor
from admissions.letter_texts import LANGUAGES, VARIANTS, LetterText, faults_of, tidied
from admissions.models.cycles import AdmissionCycle
from admissions.models.letters import LetterTemplate
from audit.log import record
from enigma.env import BASE_DIR
from enigma.errors import Conflict, Malformed

FOLDER = BASE_DIR / "templates" / "admissions" / "letters"
NOTHING = LetterText("", "")


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose text a letter has: of ``source`` «cycle», «all» or «ours», and of ours whether a machine made it."""

    variant: str
    language: str
    source: str
    version: int
    is_machine_made: bool


class WrongText(Malformed):
    """A text cannot be kept; ``faults`` has a sentence for each reason, with its line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


@lru_cache(maxsize=len(VARIANTS) * len(LANGUAGES))
def _from_file(variant: str, language: str) -> tuple[LetterText, bool]:
    """Read a text of ours: head lines, an empty line, the body; and whether no speaker has read it yet."""
    head, _, body = (FOLDER / language / f"{variant}.txt").read_text(encoding="utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return tidied(LetterText(fields["Subject"], body)), "Note" in fields


def default_text(variant: str, language: str) -> LetterText:
    """Return our own text."""
    return _from_file(variant, language)[0]


def is_machine_made(variant: str, language: str) -> bool:
    """Tell whether our own text was translated by a machine and read by no speaker yet."""
    return _from_file(variant, language)[1]


def text_for(variant: str, language: str, cycle: AdmissionCycle | None) -> LetterText:
    """Return what a letter says now: the text of the cycle, else that of all cycles, else ours."""
    for written in LetterTemplate.newest(variant, language, cycle.pk if cycle else None):
        if written.body:
            return LetterText(written.subject, written.body)
    return default_text(variant, language)


def standings(cycle: AdmissionCycle | None) -> list[Standing]:
    """Return whose text each letter of a cycle has, or of all cycles; by letter, then by language."""
    places = ("variant", "language", "admission_cycle")
    mine = LetterTemplate.objects.filter(Q(admission_cycle=cycle) | Q(admission_cycle=None))
    newest = mine.order_by("variant", "language", F("admission_cycle").asc(nulls_last=True), "-version")
    written: dict[tuple[str, str], LetterTemplate] = {}
    for row in newest.distinct(*places).defer("subject"):
        if row.body:
            written.setdefault((row.variant, row.language), row)
    return [
        _standing(variant, language, written.get((variant, language))) for variant in VARIANTS for language in LANGUAGES
    ]


def _standing(variant: str, language: str, written: LetterTemplate | None) -> Standing:
    if written is None:
        return Standing(variant, language, "ours", 0, is_machine_made(variant, language))
    source = "cycle" if written.admission_cycle_id else "all"
    return Standing(variant, language, source, written.version, is_machine_made=False)


def version_of(variant: str, language: str, cycle: AdmissionCycle | None) -> int:
    """Return the number of the newest version for just this cycle, or just for all; 0 where nobody wrote one."""
    newest = _newest(variant, language, cycle)
    return newest.version if newest else 0


def written_for(variant: str, language: str, cycle: AdmissionCycle | None) -> LetterTemplate | None:
    """Return what staff wrote for just this cycle, or just for all; None where ours, or that of all, is in use."""
    newest = _newest(variant, language, cycle)
    return newest if newest and newest.body else None


def _newest(variant: str, language: str, cycle: AdmissionCycle | None) -> LetterTemplate | None:
    mine = LetterTemplate.objects.filter(variant=variant, language=language, admission_cycle=cycle)
    return mine.order_by("-version").first()


def edit(
    variant: str, language: str, text: LetterText, *, cycle: AdmissionCycle | None, version: int, actor: Actor
) -> LetterTemplate:
    """Put a text in the place of ours, for one cycle or for all, from the next letter on; return the new version.

    ``version`` is the one that the actor has read. Raises WrongText, Conflict when somebody else has written a newer
    version, Denied by role.
    """
    actor.require("letters.edit")
    text = tidied(text)
    if faults := list(faults_of(variant, text)):
        raise WrongText(faults)
    return _keep(variant, language, text, cycle=cycle, version=version, actor=actor)


def restore(variant: str, language: str, *, cycle: AdmissionCycle | None, version: int, actor: Actor) -> LetterTemplate:
    """Take what was written for a cycle, or for all, out of use again; raises like ``edit``."""
    actor.require("letters.edit")
    return _keep(variant, language, NOTHING, cycle=cycle, version=version, actor=actor)


def _keep(
    variant: str, language: str, text: LetterText, *, cycle: AdmissionCycle | None, version: int, actor: Actor
) -> LetterTemplate:
    if version != version_of(variant, language, cycle):
        raise _written_meanwhile()
    by = {"actor_type": actor.kind, "actor_id": actor.id}
    place = {"variant": variant, "language": language, "admission_cycle": cycle, "version": version + 1}
    try:
        with transaction.atomic():
            kept = LetterTemplate.objects.create(**place, subject=text.subject, body=text.body, **by)
            # The hash and not the text: the log is kept for good, and what staff write is theirs to take back.
            record(
                "letters.edit",
                actor=actor,
                entity=("letter_template", f"{variant}/{language}"),
                cycle=cycle.code if cycle else "",
                version=kept.version,
                sha256=digest(text) if text.body else "",
            )
    except IntegrityError:
        raise _written_meanwhile() from None
    return kept


def digest(text: LetterText) -> str:
    """Return what the log holds of a text: SHA-256 of subject, an empty line, body, in hex."""
    return hashlib.sha256(f"{text.subject}\n\n{text.body}".encode()).hexdigest()


def _written_meanwhile() -> Conflict:
    return Conflict("Somebody else has changed this text meanwhile; read theirs, then change it again.")
