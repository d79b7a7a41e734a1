"""Whose an application is, what its owner is told before publication, and what after."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from admissions.decisions import acknowledge_failure, set_aside
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, FinalScore
from admissions.own import MESSAGES, own_application, own_applications, result_of, standing
from admissions.phases import Phase
from admissions.preprocessing import preprocess_chunk
from admissions.rubrics import rubric
from tests.factories import (
    amina,
    applicant,
    applicants,
    apply,
    cycle,
    damage,
    lead,
    led_to,
    score,
    submitted,
    taken_back,
    waiting,
)

pytestmark = pytest.mark.django_db

EMAIL = "amina@example.org"


def person(email=EMAIL):
    return applicant(email)[0]


def is_own(user, application):
    try:
        return own_application(user, application.reference) == application
    except Application.DoesNotExist:
        return False


def scored(*totals, seats=1, **rules):
    """A cycle in selection whose applications have these totals, in the order of their primary keys."""
    one = cycle(seats=seats, **rules)
    apply(one, applicants(len(totals)))
    lead(one, "processing")
    copies = [IdentityMapping.objects.get(pk=application.pk).anonymized_id for application in in_order(one)]
    score(one, totals)
    for copy, total in zip(copies, totals, strict=True):
        parts = dict.fromkeys(("academic", "test", "achievement", "essay", "total"), Decimal(total))
        FinalScore.objects.filter(pk=copy).update(explanation=f"It is {total}.", **parts)
    return lead(one, "published")


def in_order(one):
    return list(Application.objects.of(one).select_related("admission_cycle").order_by("pk"))


# -- whose it is ----------------------------------------------


def test_what_somebody_sent_is_theirs_and_nobody_elses():
    mine = submitted(cycle(), EMAIL)
    assert (is_own(person(), mine), is_own(person("sam@example.org"), mine)) == (True, False)


def test_what_was_imported_under_an_address_is_its_owners_in_any_spelling():
    apply(cycle(), [amina(email="Amina@Example.org"), amina(email="sam@example.org")])
    mine, other = Application.objects.order_by("pk")
    assert [is_own(person(), one) for one in (mine, other)] == [True, False]
    assert own_applications(person()) == [mine]


def test_what_was_sent_through_an_account_stays_its_own_when_the_address_changes_hands():
    mine = submitted(cycle(), EMAIL)
    former = person()
    former.email = "amina.new@example.org"
    former.save()
    assert (is_own(former, mine), is_own(person(EMAIL), mine)) == (True, False)
    assert (own_applications(former), own_applications(person(EMAIL))) == ([mine], [])


def test_an_unknown_reference_is_nobodys():
    with pytest.raises(Application.DoesNotExist):
        own_application(person(), "0000-0000-0000")


def test_ones_own_are_listed_by_cycle_whichever_way_they_came():
    first, second, third = cycle("first"), cycle("second"), cycle("third")
    sent = submitted(third, EMAIL)
    apply(first, [amina(email=EMAIL)])
    submitted(second, "sam@example.org")
    assert own_applications(person()) == [Application.objects.get(admission_cycle=first), sent]


def test_a_list_costs_the_same_for_any_number():
    costs = []
    for number in range(3):
        submitted(cycle(f"cycle-{number}"), EMAIL)
        with CaptureQueriesContext(connection) as queries:
            assert [standing(one)["cycle"]["code"] for one in own_applications(person())][-1] == f"cycle-{number}"
        costs.append(len(queries))
    assert costs[0] == costs[1] == costs[2]


# -- where it stands ----------------------------------------------


@pytest.mark.parametrize(
    ("phase", "status", "may_withdraw", "has_result"),
    [
        ("submission", "submitted", True, False),
        ("frozen", "in_review", False, False),
        ("preprocessing", "in_review", False, False),
        ("batch_prep", "in_review", False, False),
        ("processing", "in_review", False, False),
        ("scored", "in_review", False, False),
        ("selection", "in_review", False, False),
        ("published", "decided", False, True),
        ("completed", "decided", False, True),
    ],
)
def test_the_standing_follows_the_phase_and_is_the_same_for_everybody(phase, status, may_withdraw, has_result):
    one = led_to(phase)
    told = [standing(application) for application in in_order(one)]
    for own in told:
        del own["reference"], own["receipt"], own["submitted_at"]
    expected = {
        "cycle": {"code": "fall-2026", "name": "Fall 2026"},
        "status": status,
        "phase": phase,
        "phase_since": one.phase_since,
        "results_at": None,
        "may_withdraw": may_withdraw,
        "has_result": has_result,
    }
    assert told == [expected] * 3


@pytest.mark.parametrize("phase", list(Phase))
def test_a_withdrawn_application_reads_so_in_every_phase_and_has_no_result(phase):
    one = cycle()
    apply(one, applicants(2))
    gone = submitted(one, EMAIL)
    taken_back(gone)
    gone = own_application(person(), Application.objects.get(applicant=person()).reference)
    gone.admission_cycle = lead(one, phase)
    told = standing(gone)
    assert (told["status"], told["may_withdraw"], told["has_result"]) == ("withdrawn", False, False)
    assert result_of(gone) is None


# -- what came of it ----------------------------------------------


@pytest.mark.parametrize("phase", list(Phase))
def test_there_is_a_result_from_publication_on_and_not_before(phase):
    one = led_to(phase)
    told = [result_of(application) is not None for application in in_order(one)]
    assert told == [phase in {Phase.PUBLISHED, Phase.COMPLETED}] * 3


def test_a_result_tells_the_outcome_and_how_it_came_about():
    one = scored("90.5", "80", "80", seats=2)
    best = result_of(in_order(one)[0])
    log = one.selection()
    assert best == {
        "reference": in_order(one)[0].reference,
        "cycle": {"code": "fall-2026", "name": "Fall 2026"},
        "outcome": "selected",
        "message": MESSAGES["selected"],
        "rank": 1,
        "total": Decimal("90.5"),
        "scores": dict.fromkeys(("academic", "test", "achievement", "essay"), Decimal("90.5")),
        "percentile": None,
        "explanation": "It is 90.5.",
        "model": "model-1",
        "seats": 2,
        "cutoff": Decimal(80),
        "ranked": 3,
        "weights": one.weights,
        "rubric": {"version": "2026-1", "sha256": rubric("2026-1").sha256},
        "ties": {
            "criteria": ["essay", "achievement", "academic", "seed"],
            "seed": bytes(one.tie_seed).hex(),
            "at_cutoff": 2,
            "at_cutoff_selected": 1,
        },
        "verify": {"receipt": in_order(one)[0].receipt_ref.hex, "ranking_sha256": log.ranking_sha256},
    }


def test_the_percentile_is_the_share_with_a_lower_total():
    one = scored(*range(41, 60), 50, seats=3)  # 20 ranked; the last is an equal of the tenth
    told = {result_of(application)["total"]: result_of(application)["percentile"] for application in in_order(one)}
    totals = [*range(41, 60), 50]
    assert told == {total: Decimal(100 * sum(other < total for other in totals)) / 20 for total in totals}


def test_who_was_not_assessed_is_told_so_and_gets_no_scores():
    one = cycle(seats=1)
    apply(one, applicants(4))
    unreadable, *_ = Application.objects.order_by("pk")
    damage(unreadable)
    lead(one, "frozen").start_preprocessing(actor=operator())
    preprocess_chunk(one)
    acknowledge_failure(one, unreadable.reference, reason="it does not open", actor=operator())
    score(lead(one, "processing"), [90, 80])
    set_aside(one, waiting(one).pk, reason="an essay of somebody else", actor=operator())
    lead(one, "published")
    told = [result for application in in_order(one) if (result := result_of(application))["rank"] is None]
    kept = ("outcome", "message", "total", "scores", "percentile", "explanation", "model", "ranked")
    nothing = [None] * 5
    assert [[result[name] for name in kept] for result in told] == [
        ["not_assessed", MESSAGES["not_assessed"], *nothing, 2]
    ] * 2
    assert "an essay of somebody else" not in str(told)
    assert AnonymizedApplication.objects.count() == 3
