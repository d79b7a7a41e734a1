"""What somebody takes along: all of theirs, nothing of others, and nothing that is under embargo."""

import json
from datetime import timedelta

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts.actors import operator
from accounts.newcomers import confirm_address
from admissions.decisions import acknowledge_failure
from admissions.drafts import Save, save_section
from admissions.late_access import grant
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.personal_data import NOT_OPEN, export_own
from admissions.phases import Phase
from admissions.reviews import answer_review, ask_review
from audit.chain import commitment
from audit.models import AuditLog, HashChain
from audit.sequencer import sequence_all
from enigma.errors import Denied
from tests.factories import AMINA, applicant, cycle, damage, lead, omar, score, submitted

pytestmark = pytest.mark.django_db

CANARY = {"name": "Zoe Canary", "phone": "+92 300 7770099", "address": "7 Canary Wharf", "essay": "Canary essay, mine."}


@pytest.fixture
def amina():
    """Amina, and Zoe who must not be in what Amina takes along."""
    one = cycle(seats=1)
    mine = submitted(one)
    submitted(one, "zoe@example.org", **CANARY)
    return mine


def taken(email="amina@example.org"):
    user, actor = applicant(email)
    return json.loads(json.dumps(export_own(user, actor=actor), cls=DjangoJSONEncoder))


def led(phase):
    return lead(AdmissionCycle.objects.get(code="fall-2026"), phase)


def begun(officer):
    """Both write for another cycle, into which an officer has let them beyond the closing time."""
    other = cycle("spring-2027")
    for email, essay, reason in (
        ("amina@example.org", "Half a thought.", "the office was closed"),
        ("zoe@example.org", "Canary thought.", "the canary was ill"),
    ):
        user, actor = applicant(email)
        confirm_address(user)
        grant(other, email, until=timezone.now() + timedelta(days=1), reason=reason, actor=officer)
        save_section(other, {"essay": essay}, section="essay", save=Save(0, ""), user=user, actor=actor)


def test_everything_of_ones_own_is_there_and_nothing_of_anybody_else(amina):
    officer = omar(email="canary-officer@example.org")
    begun(officer)
    led("published")
    zoe = Application.objects.exclude(pk=amina.pk).get()
    ask_review(zoe, "Canary request.", actor=applicant("zoe@example.org")[1])
    request = ask_review(
        Application.objects.select_related("admission_cycle").get(pk=amina.pk),
        "Please look again.",
        actor=applicant()[1],
    )
    answer_review(request, "It stands.", "upheld", actor=officer)
    sequence_all()
    told = taken()
    (one,) = told["applications"]
    assert one["identity"]["name"] == AMINA["name"]
    assert one["texts"]["essay"] == AMINA["essay"]
    assert "[NAME]" in one["read_by_the_evaluators"]["essay"]
    assert one["result"]["outcome"] in {"selected", "not_selected"}
    assert (one["review"]["request"], one["review"]["answer"]) == ("Please look again.", "It stands.")
    assert [letter["kind"] for letter in one["letters"]] == ["submitted", "outcome", "review_answered"]
    (draft,), (late,) = told["drafts"], told["late_access"]
    assert (draft["cycle"], draft["values"]) == ("spring-2027", {"essay": "Half a thought."})
    assert (late["cycle"], late["reason"]) == ("spring-2027", "the office was closed")
    assert [letter["kind"] for letter in told["letters"]] == ["late_access"]
    text = json.dumps(told).lower()
    theirs = (zoe.reference.lower(), zoe.receipt_ref.hex, f"user:{zoe.applicant_id}", officer.id)
    assert [word for word in ("canary", "zoe", *theirs) if word in text] == []


def test_the_log_tells_what_one_did_and_what_was_done_to_one(amina):
    led("published")
    told = taken()
    assert [(entry["action"], entry["by"]) for entry in told["log"]] == [("application.submit", "you")]
    sequence_all()
    assert [entry["action"] for entry in taken()["log"]] == ["application.submit", "own.export"]
    assert AuditLog.objects.filter(action="own.export", actor_id=f"user:{amina.applicant_id}").count() == 1


def test_with_the_salt_the_commitment_can_be_opened(amina):
    led("frozen")
    (one,) = taken()["applications"]
    person, texts = one["identity"], one["texts"]
    fields = {
        **{name: person[name] for name in ("name", "email", "phone", "address")},
        "gpa_e4": 38_000,
        "test_scores": [["SAT", "1450"]],
        **texts,
        "version": 1,
    }
    leaf = HashChain.objects.get(subject_ref=one["receipt"], decision_type="submission")
    assert leaf.data_json[11:75] == commitment("submission", fields, salt=bytes.fromhex(person["salt"])).hex()


@pytest.mark.parametrize("phase", [one for one in Phase if one not in {Phase.PUBLISHED, Phase.COMPLETED}])
def test_before_publication_the_selected_and_the_rejected_take_along_the_same(amina, phase):
    if phase in {Phase.SCORED, Phase.SELECTION}:
        one = led("processing")
        score(one, [90, 10])
    led(phase)
    told = []
    for email in ("amina@example.org", "zoe@example.org"):
        own = taken(email)["applications"][0]
        assert not {"result", "read_by_the_evaluators", "outcome", "rank"} & set(own)
        own["letters"] = [letter["kind"] for letter in own["letters"]]
        assert own["letters"] == ["submitted"]
        told.append({name: value for name, value in own.items() if name not in {"identity", "texts"}})
    mine, theirs = ({**one, "reference": "", "receipt": "", "submitted_at": ""} for one in told)
    assert mine == theirs


def test_what_does_not_open_is_said_so(amina):
    one = led("published")
    damage(amina)
    identity = IdentityMapping.objects.get(pk=amina.pk)
    other = AnonymizedApplication.objects.exclude(pk=identity.anonymized_id).get()
    AnonymizedApplication.objects.filter(pk=identity.anonymized_id).update(sealed_texts=other.sealed_texts)
    request = ask_review(
        Application.objects.select_related("admission_cycle").get(pk=amina.pk), "Look.", actor=applicant()[1]
    )
    type(request).objects.update(wrapped_key=one.wrapped_key)
    draft = begun_and_damaged(one)
    assert (draft["cycle"], draft["values"]) == ("spring-2027", NOT_OPEN)
    (own,) = taken()["applications"]
    assert (own["identity"], own["texts"], own["review"]["request"]) == (NOT_OPEN, NOT_OPEN, NOT_OPEN)
    assert own["read_by_the_evaluators"]["essay"] == NOT_OPEN


def begun_and_damaged(one):
    begun(operator())
    ApplicationDraft.objects.update(wrapped_key=one.wrapped_key)
    return taken()["drafts"][0]


def test_who_never_had_a_blind_copy_has_none(amina):
    one = AdmissionCycle.objects.get()
    damage(amina)
    lead_past_a_failure(one, amina)
    assert taken()["applications"][0]["read_by_the_evaluators"] is None


def lead_past_a_failure(one, application):
    lead(one, "preprocessing")
    acknowledge_failure(one, application.reference, reason="it does not open", actor=operator())
    lead(one, "published")


def test_staff_as_staff_take_nothing_along(amina):
    with pytest.raises(Denied):
        export_own(applicant()[0], actor=omar())
