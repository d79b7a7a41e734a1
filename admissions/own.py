"""What applicants may see of their own applications: before publication nothing that depends on how it went."""

from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Max

from accounts.models import User
from admissions.letters import NOT_ASSESSED
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle, SelectionLog
from admissions.models.outcomes import may_see_result
from admissions.phases import Outcome, Phase, Status, has_reached
from admissions.rubrics import rubric
from admissions.selection import PARTS
from enigma.keys import keyring

# Among fewer people a figure about all of them tells too much about each.
CROWD = 20

MESSAGES = {
    Outcome.SELECTED: "We are glad to offer you a place. The admissions office will write to you about the next steps.",
    Outcome.NOT_SELECTED: (
        "We are sorry that we cannot offer you a place this time: there were more good applications than places. If "
        "you think that something went wrong, write to the admissions office and give your reference; a person "
        "will look at it."
    ),
    NOT_ASSESSED: (
        "Your application could not be assessed in this round, so it was neither selected nor turned down. The "
        "admissions office can tell you why: please write to them and give your reference. We are sorry for the "
        "trouble."
    ),
}

_BY_ADDRESS = """
    SELECT identity.application_id
      FROM unnest(%s::bigint[], %s::bytea[]) AS own (cycle_id, bidx)
      JOIN identity_mapping AS identity ON identity.admission_cycle_id = own.cycle_id AND identity.email_bidx = own.bidx
"""


# -- whose it is ----------------------------------------------


def own_applications(user: User) -> list[Application]:
    """Return somebody's applications by cycle, then by time: those they sent, and those imported under their address.

    An application that was sent through an account belongs to that account, whoever holds its address later.
    """
    mine = Application.objects.filter(applicant=user) | Application.objects.filter(
        applicant=None, pk__in=_imported_under(user.email)
    )
    return list(mine.select_related("admission_cycle").order_by("admission_cycle_id", "submitted_at", "pk"))


def own_application(user: User, reference: str) -> Application:
    """Return one of somebody's applications; raise Application.DoesNotExist for that of anybody else, or of nobody."""
    found = Application.objects.select_related("admission_cycle").get(reference=reference)
    if found.applicant_id == user.pk:
        return found
    if found.applicant_id is None and found.pk == _imported_into(found.admission_cycle, user):
        return found
    raise Application.DoesNotExist


def own_in(cycle: AdmissionCycle, user: User) -> Application | None:
    """Return the application that keeps this person from handing in another: theirs, or their address's."""
    mine = Application.objects.of(cycle).filter(applicant=user).first()
    return mine or Application.objects.filter(pk=_imported_into(cycle, user)).first()


def _imported_under(email: str) -> list[int]:
    cycles = list(AdmissionCycle.objects.order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_BY_ADDRESS, [cycles, [keyring().email_index(email, cycle_id=cycle) for cycle in cycles]])
        return [pk for (pk,) in cursor.fetchall()]


def _imported_into(cycle: AdmissionCycle, user: User) -> int | None:
    bidx = keyring().email_index(user.email, cycle_id=cycle.pk)
    return IdentityMapping.objects.filter(admission_cycle=cycle, email_bidx=bidx).values_list("pk", flat=True).first()


# -- where it stands ----------------------------------------------


def standing(application: Application) -> dict[str, Any]:
    """Say where an application stands, from the cycle's phase and what the applicant did, and from nothing else."""
    cycle = application.admission_cycle
    return {
        "reference": application.reference,
        "receipt": application.receipt_ref.hex,
        "cycle": {"code": cycle.code, "name": cycle.name},
        "submitted_at": application.submitted_at,
        "status": _status(application),
        "phase": str(cycle.phase),
        "phase_since": cycle.phase_since,
        "results_at": cycle.results_at,
        "may_withdraw": cycle.phase == Phase.SUBMISSION and not _is_withdrawn(application),
        "has_result": may_see_result(cycle) and not _is_withdrawn(application),
    }


def _is_withdrawn(application: Application) -> bool:
    return application.status == Status.WITHDRAWN


def _status(application: Application) -> str:
    """One word for where it stands; of the stored status only «withdrawn» is read, which the applicant knows."""
    if _is_withdrawn(application):
        return "withdrawn"
    phase = application.admission_cycle.phase
    if has_reached(phase, Phase.PUBLISHED):
        return "decided"
    return "in_review" if has_reached(phase, Phase.FROZEN) else "submitted"


# -- what came of it ----------------------------------------------


def result_of(application: Application) -> dict[str, Any] | None:
    """Return outcome, scores and how they came about; None before publication, and for a withdrawn application."""
    cycle = application.admission_cycle
    if not may_see_result(cycle) or _is_withdrawn(application):
        return None
    log = cycle.selection()
    outcome = application.outcome or NOT_ASSESSED
    return {
        "reference": application.reference,
        "cycle": {"code": cycle.code, "name": cycle.name},
        "outcome": outcome,
        "message": MESSAGES[outcome],
        **_scores(application, log),
        "seats": cycle.seats,
        "cutoff": log.cutoff,
        "ranked": log.selected + log.not_selected,
        "weights": cycle.weights,
        "rubric": _rubric(cycle),
        "ties": _ties(log),
        "verify": {"receipt": application.receipt_ref.hex, "ranking_sha256": log.ranking_sha256},
    }


def _scores(application: Application, log: SelectionLog) -> dict[str, Any]:
    """The scores behind a rank; all empty for who was not ranked."""
    if application.rank is None:
        return dict.fromkeys(("rank", "total", "scores", "percentile", "explanation", "model"))
    copy = IdentityMapping.objects.filter(pk=application.pk).values("anonymized")
    score = FinalScore.objects.get(pk__in=copy)
    return {
        "rank": application.rank,
        "total": score.total,
        "scores": {part: getattr(score, part) for part in PARTS},
        "percentile": _percentile(score, log),
        "explanation": score.explanation,
        "model": score.engine or None,
    }


def _percentile(score: FinalScore, log: SelectionLog) -> Decimal | None:
    """The share of the ranked with a lower total, in percent.

    Ranks go down by total, so all behind the last one with the same total are lower: nobody has to be counted.
    """
    ranked = log.selected + log.not_selected
    if ranked < CROWD:
        return None
    equals = FinalScore.objects.filter(admission_cycle=log.admission_cycle_id, status="scored", total=score.total)
    behind = Application.objects.filter(
        pk__in=IdentityMapping.objects.filter(anonymized__in=equals.values("pk")).values("pk")
    )
    last: int = behind.aggregate(last=Max("rank"))["last"]
    return Decimal(100 * (ranked - last)) / ranked


def _rubric(cycle: AdmissionCycle) -> dict[str, str]:
    return {"version": cycle.rubric_version, "sha256": rubric(cycle.rubric_version).sha256}


def _ties(log: SelectionLog) -> dict[str, Any]:
    return {
        "criteria": log.criteria["tie_break"],
        "seed": log.criteria["tie_seed"],
        "at_cutoff": log.tied_at_cutoff,
        "at_cutoff_selected": log.tied_and_selected,
    }
