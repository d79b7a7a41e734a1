"""What a person decides: scores, setting aside, and what could not be read; always with a reason, always logged."""

import hashlib
import uuid
from decimal import Decimal

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from accounts.roles import Role
from admissions.decisions import acknowledge_failure, retry_failed, score_by_person, set_aside
from admissions.models.applications import Application
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.phases import PhaseError
from audit.canonical import encode
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Conflict, Denied, Malformed
from tests.factories import applicants, apply, cycle, everything, lead, led_to, omar, waiting

pytestmark = pytest.mark.django_db

SCORES = {"academic": Decimal(80), "test": Decimal(70), "achievement": Decimal("60.5"), "essay": Decimal("33.3333")}
TOTAL = Decimal("63.2917")  # 0.30 * 80 + 0.25 * 70 + 0.25 * 60.5 + 0.20 * 33.3333
REASON = "The judge objected to the handwriting."


@pytest.fixture
def one():
    processing = cycle()
    apply(processing, applicants(2))
    return lead(processing, "processing")


def scored(one, final, *, scores=None, reason=REASON, actor=None):
    return score_by_person(one, final.pk, scores=scores or SCORES, reason=reason, actor=actor or operator())


def logged():
    sequence_all()
    entry = AuditLog.objects.order_by("log_id").filter(action__startswith="scores.").get()
    return entry.action, entry.actor_id, entry.entity_type, entry.entity_id, entry.details


def test_scores_by_a_person_are_weighted_like_all_others(one):
    final = waiting(one)
    reviewer = omar(Role.REVIEWER)
    scored(one, final, actor=reviewer)
    stored = FinalScore.objects.get()
    assert {part: getattr(stored, part) for part in SCORES} == SCORES
    assert (stored.status, stored.total, stored.engine, stored.explanation) == ("scored", TOTAL, "", REASON)
    assert (stored.decided_by, stored.decided_reason, stored.decided_at is None) == (reviewer.id, REASON, False)
    details = {"cycle": "fall-2026", "total": "63.2917"}
    assert logged() == ("scores.decide", reviewer.id, "blind", final.pk.hex, details)


def test_the_evidence_is_the_hash_of_the_canonical_scores(one):
    scored(one, waiting(one))
    evidence = {
        "academic": "80.0000", "achievement": "60.5000", "actor": operator().id, "essay": "33.3333", "reason": REASON,
        "test": "70.0000",
    }  # fmt: skip
    assert bytes(FinalScore.objects.get().evidence_sha256) == hashlib.sha256(encode(evidence)).digest()


def test_setting_aside_takes_the_blind_copy_out_of_the_ranking(one):
    final = waiting(one)
    set_aside(one, final.pk, reason=REASON, actor=operator())
    stored = FinalScore.objects.get()
    assert (stored.status, stored.total, stored.decided_by, stored.decided_reason) == (
        "set_aside", None, operator().id, REASON,
    )  # fmt: skip
    details = {"cycle": "fall-2026"}
    assert logged() == ("scores.set_aside", operator().id, "blind", final.pk.hex, details)


@pytest.mark.parametrize(
    "scores",
    [
        {**SCORES, "essay": Decimal("100.0001")},
        {**SCORES, "essay": Decimal(-5)},
        {**SCORES, "essay": Decimal(9999)},
        {**SCORES, "essay": Decimal("NaN")},
        {**SCORES, "essay": Decimal("sNaN")},
        {**SCORES, "essay": Decimal("Infinity")},
        {**SCORES, "essay": Decimal("33.33333")},
        {**SCORES, "luck": Decimal(1)},
        {part: score for part, score in SCORES.items() if part != "test"},
    ],
)
def test_scores_that_are_none_change_nothing(one, scores):
    final = waiting(one)
    before = everything()
    with pytest.raises(Malformed, match=r"^Scores are four numbers from 0 to 100 with up to four decimals: academic, "):
        scored(one, final, scores=scores)
    assert everything() == before


@pytest.mark.parametrize("reason", ["", "  \n"])
@pytest.mark.parametrize(
    "decide", [scored, lambda one, final, reason: set_aside(one, final.pk, reason=reason, actor=operator())]
)
def test_a_decision_needs_a_reason(one, decide, reason):
    final = waiting(one)
    with pytest.raises(Malformed, match=r"^A decision by a person needs a reason\.$"):
        decide(one, final, reason=reason)
    assert FinalScore.objects.get().status == "waiting"


def test_nobody_is_decided_twice(one):
    final = waiting(one)
    scored(one, final)
    before = everything()
    with pytest.raises(Conflict, match=f"^{final.pk.hex} does not wait for a person"):
        set_aside(one, final.pk, reason=REASON, actor=operator())
    assert everything() == before


def test_who_has_no_answers_yet_is_not_decided_over_the_engines_head(one):
    copy = AnonymizedApplication.objects.first()
    with pytest.raises(Conflict, match="does not wait for a person"):
        set_aside(one, copy.pk, reason=REASON, actor=operator())


@pytest.mark.parametrize("blind", [uuid.UUID(int=0), "other"])
def test_a_blind_copy_of_another_cycle_is_none_of_this(one, blind):
    other = cycle("other")
    apply(other, applicants(1))
    lead(other, "processing")
    pk = waiting(other).pk if blind == "other" else blind
    with pytest.raises(Malformed, match=f"^fall-2026 has no blind copy {pk.hex}"):
        set_aside(one, pk, reason=REASON, actor=operator())


def test_scores_are_decided_while_they_are_asked_for_and_not_after(one):
    final = waiting(one)
    scored(one, final)
    lead(one, "scored")
    with pytest.raises(PhaseError, match=r"^Scores are decided in processing; fall-2026 is in scored\.$"):
        set_aside(one, final.pk, reason=REASON, actor=operator())


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SERVICE])
def test_not_everybody_decides(one, role):
    final, other = waiting(one), omar(role)
    for deed in (lambda: scored(one, final, actor=other), lambda: set_aside(one, final.pk, reason=REASON, actor=other)):
        with pytest.raises(Denied, match=r"does not include scores\.decide"):
            deed()


# -- records that do not open ----------------------------------------------


@pytest.fixture
def failed(one):
    application = Application.objects.order_by("pk").first()
    Application.objects.filter(pk=application.pk).update(status="failed")
    return application


def acknowledged(one, reference, *, reason=REASON, actor=None):
    return acknowledge_failure(one, reference, reason=reason, actor=actor or operator())


def test_what_could_not_be_read_is_set_aside_with_who_and_why(one, failed):
    acknowledged(one, failed.reference)
    stored = Application.objects.get(pk=failed.pk)
    assert (stored.status, stored.set_aside_by, stored.set_aside_reason) == ("failed", operator().id, REASON)
    sequence_all()
    entry = AuditLog.objects.get(action="application.set_aside")
    assert (entry.entity_id, entry.details) == (failed.receipt_ref.hex, {"cycle": "fall-2026"})


def test_what_is_set_aside_waits_no_more(one, failed):
    acknowledged(one, failed.reference)
    with pytest.raises(Conflict, match=f"^{failed.reference} does not wait for a decision: it is failed"):
        acknowledged(one, failed.reference)


def test_a_readable_application_is_not_set_aside_so(one):
    application = Application.objects.first()
    with pytest.raises(Conflict, match="does not wait for a decision: it is processing"):
        acknowledged(one, application.reference)


def test_an_unknown_reference_is_named(one, failed):
    with pytest.raises(Malformed, match=r"^fall-2026 has no application 0000-0000-0000\.$"):
        acknowledged(one, "0000-0000-0000")


def test_it_takes_a_reason_and_the_permission(one, failed):
    with pytest.raises(Malformed, match="needs a reason"):
        acknowledged(one, failed.reference, reason=" ")
    with pytest.raises(Denied):
        acknowledged(one, failed.reference, actor=omar(Role.AUDITOR))
    assert Application.objects.get(pk=failed.pk).set_aside_at is None


# -- trying again ------------------------------------------------------------


@pytest.fixture
def unlucky():
    """A cycle in preprocessing, in which two of three failed and one of the two was set aside."""
    preprocessing = led_to("preprocessing")
    failed = Application.objects.of(preprocessing).order_by("pk")[:2]
    Application.objects.filter(pk__in=[one.pk for one in failed]).update(status="failed")
    acknowledged(preprocessing, failed[0].reference)
    return preprocessing


def again(one, *, reason="the old key is back", actor=None):
    return retry_failed(one, reason=reason, actor=actor or operator())


def test_who_failed_and_is_not_set_aside_is_tried_again(unlucky):
    ProcrastinateJob.objects.all()._raw_delete("default")
    assert (again(unlucky), again(unlucky)) == (1, 0)
    assert Application.objects.of(unlucky).heads() == {"preprocessing": 1, "batch_ready": 1, "failed": 1}
    [job] = ProcrastinateJob.objects.filter(task_name="admissions.preprocess")
    assert (job.status, job.args) == ("todo", {"cycle_id": unlucky.pk})
    sequence_all()
    [entry] = AuditLog.objects.filter(action="applications.retry")
    details = {"applications": 1, "cycle": "fall-2026", "reason": "the old key is back"}
    assert (entry.actor_id, entry.entity_type, entry.entity_id, entry.details) == (
        operator().id, "cycle", "fall-2026", details,
    )  # fmt: skip


def test_failures_are_retried_while_the_workers_scrub_and_not_later(one, failed):
    with pytest.raises(PhaseError, match=r"^Failures are retried in preprocessing; fall-2026 is in processing\.$"):
        again(one)
    assert Application.objects.get(pk=failed.pk).status == "failed"


def test_trying_again_takes_a_reason_and_the_permission(unlucky):
    before = Application.objects.of(unlucky).heads()
    with pytest.raises(Malformed, match="needs a reason"):
        again(unlucky, reason=" ")
    with pytest.raises(Denied):
        again(unlucky, actor=omar(Role.AUDITOR))
    assert Application.objects.of(unlucky).heads() == before
