"""From scores to outcomes: closed scoring, the embargo, and publication that leaves nobody out."""

import hmac
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.actors import operator
from admissions.decisions import acknowledge_failure, set_aside
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import FinalScore
from admissions.models.checks import rehearsed
from admissions.models.cycles import SelectionLog
from admissions.models.letters import Letter
from admissions.models.outcomes import may_see_result, unread_salt
from admissions.phases import Phase
from admissions.preprocessing import preprocess_chunk
from admissions.queue import SEND_LETTERS
from admissions.rubrics import rubric
from audit.chain import commitment
from audit.models import HashChain
from audit.sequencer import sequence_all
from tests.factories import applicants, apply, cycle, damage, lead, led_to, score, statuses, taken_back, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def mixed():
    """Eight applications in processing: one withdrawn, one that does not open, one that waits, and five with scores."""
    one = cycle(seats=2)
    apply(one, applicants(8))
    withdrawn, unreadable, *_ = Application.objects.order_by("pk")
    taken_back(withdrawn)
    damage(unreadable)
    lead(one, "frozen").start_preprocessing(actor=operator())
    preprocess_chunk(one)
    acknowledge_failure(one, unreadable.reference, reason="the record does not open", actor=operator())
    score(lead(one, "processing"), [90, 80, 70, 60, 50])
    set_aside(one, waiting(one).pk, reason="an essay of somebody else", actor=operator())
    return one


# -- the embargo ----------------------------------------------


@pytest.mark.parametrize("phase", list(Phase))
def test_a_result_may_be_seen_from_publication_on_and_not_before(phase):
    assert may_see_result(led_to(phase)) is (phase in {Phase.PUBLISHED, Phase.COMPLETED})


# -- heads ----------------------------------------------


def test_closing_the_scores_carries_the_reason_of_a_setting_aside_to_the_application(mixed):
    facts = mixed.mark_scored(actor=operator())
    assert (facts["scored"], facts["set_aside"]) == (5, 2)
    aside = Application.objects.filter(status="failed").order_by("pk").values_list("set_aside_by", "set_aside_reason")
    operator_id = operator().id
    assert list(aside) == [(operator_id, "the record does not open"), (operator_id, "an essay of somebody else")]
    assert not Application.objects.filter(status="scored").exclude(set_aside_at=None).exists()


def test_set_aside_failed_and_withdrawn_add_up_with_all_others_to_the_end(mixed):
    seen = {"processing": statuses(mixed)}
    while mixed.phase != "completed":
        getattr(mixed, mixed.next_step())(actor=operator())
        seen[mixed.phase] = statuses(mixed)
        sequence_all()
    assert seen == {
        "processing": {"processing": 6, "failed": 1, "withdrawn": 1},
        "scored": {"scored": 5, "failed": 2, "withdrawn": 1},
        "selection": {"selected": 2, "not_selected": 3, "failed": 2, "withdrawn": 1},
        "published": {"published": 5, "failed": 2, "withdrawn": 1},
        "completed": {"published": 5, "failed": 2, "withdrawn": 1},
    }


def test_every_count_of_selection_and_publication_adds_up_to_all(mixed):
    mixed.mark_scored(actor=operator())
    mixed.perform_selection(actor=operator())
    facts = mixed.publish_results(actor=operator())
    log = SelectionLog.objects.get()
    assert (log.selected, log.not_selected, log.excluded) == (2, 3, 3)
    assert (facts["decisions"], facts["published"], facts["letters"]) == (8, 5, 7)


def test_everybody_but_who_has_withdrawn_gets_one_letter(mixed):
    lead(mixed, "published")
    unwritten = Application.objects.exclude(pk__in=Letter.objects.outcomes().values("application"))
    assert list(unwritten.values_list("status", flat=True)) == ["withdrawn"]
    assert set(Letter.objects.outcomes().values_list("state", "attempts")) == {("queued", 0)}


def test_whoever_is_not_ranked_has_neither_outcome_nor_rank(mixed):
    lead(mixed, "published")
    out = Application.objects.exclude(status="published").values_list("outcome", "rank")
    assert list(out) == [(None, None)] * 3


# -- publication ----------------------------------------------


def test_the_letters_are_sent_by_one_job(mixed):
    lead(mixed, "published")
    jobs = ProcrastinateJob.objects.filter(task_name=SEND_LETTERS, args={"cycle_id": mixed.pk})
    assert list(jobs.values_list("status", flat=True)) == ["todo"]


def test_every_decision_is_a_commitment_that_its_applicant_can_open():
    one = led_to("published")
    selection = SelectionLog.objects.get()
    for application in Application.objects.all():
        identity = IdentityMapping.objects.select_related("anonymized").get(pk=application.pk)
        final = FinalScore.objects.get(pk=identity.anonymized_id)
        fields = {
            "cutoff_e4": int(selection.cutoff * 10_000),
            "evidence_sha256": bytes(final.evidence_sha256).hex(),
            "model": final.engine,
            "outcome": application.outcome,
            "rank": application.rank,
            "rubric_sha256": rubric(one.rubric_version).sha256,
            "score_e4": int(final.total * 10_000),
            "scrubbed_sha256": bytes(identity.anonymized.texts_sha256).hex(),
            "seats": 2,
            "selection": selection.ranking_sha256,
        }
        salt = bytes.fromhex(identity.identity()["salt"])
        assert committed(application) == commitment("decision", fields, salt=salt).hex()


def test_whoever_was_not_assessed_has_a_decision_too(mixed):
    lead(mixed, "published")
    withdrawn, unreadable, *_ = Application.objects.order_by("pk")
    aside = Application.objects.get(set_aside_reason="an essay of somebody else")
    copy = IdentityMapping.objects.select_related("anonymized").get(pk=aside.pk)
    scrubbed = {"scrubbed_sha256": bytes(copy.anonymized.texts_sha256).hex(), "model": ""}
    expected = {
        withdrawn: undecided(mixed, unread_salt(mixed, withdrawn.receipt_ref.hex), outcome="withdrawn"),
        unreadable: undecided(mixed, unread_salt(mixed, unreadable.receipt_ref.hex), outcome="not_assessed"),
        aside: undecided(mixed, own_salt(aside), outcome="not_assessed", **scrubbed),
    }
    assert {application: committed(application) for application in expected} == expected
    assert HashChain.objects.filter(decision_type="decision").count() == 8


def test_the_salt_of_the_unread_is_the_documented_bytes():
    one, ref = cycle(), "0123456789abcdef" * 2
    message = b"enigma/unread-salt/v1\n" + bytes.fromhex(ref)
    assert unread_salt(one, ref) == hmac.new(one.log_salt, message, "sha256").digest()


def undecided(one, salt, **fields):
    selection = SelectionLog.objects.get()
    nothing = dict.fromkeys(("rank", "score_e4", "model", "scrubbed_sha256", "evidence_sha256"))
    shared = {"cutoff_e4": int(selection.cutoff * 10_000), "seats": 2, "selection": selection.ranking_sha256}
    rules = {"rubric_sha256": rubric(one.rubric_version).sha256}
    return commitment("decision", {**nothing, **shared, **rules, **fields}, salt=salt).hex()


def own_salt(application):
    return bytes.fromhex(IdentityMapping.objects.get(pk=application.pk).identity()["salt"])


def committed(application):
    entry = HashChain.objects.get(decision_type="decision", subject_ref=application.receipt_ref.hex)
    return json.loads(entry.data_json)["commit"]


def test_the_order_of_the_decisions_in_the_log_tells_nothing():
    led_to("published", 9)
    entries = HashChain.objects.filter(decision_type="decision").order_by("chain_id")
    references = list(entries.values_list("subject_ref", flat=True))
    assert references == sorted(references)
    assert len(references) == 9


def test_publication_costs_the_same_for_any_number():
    costs = []
    for count in (1, 3):
        one = led_to("selection", count, code=f"cycle-of-{count}")
        with CaptureQueriesContext(connection) as queries:
            one.publish_results(actor=operator())
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_rehearsed_scores_are_counted_by_cycle():
    one, other = led_to("scored"), led_to("processing", code="other")
    score(other, [1, 2, 3])
    assert (rehearsed(one), rehearsed(other)) == (3, 0)
