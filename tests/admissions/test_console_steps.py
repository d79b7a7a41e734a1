"""The steps by clicks: through all nine phases, what is told before, and what happens when two click at once."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import operator
from accounts.roles import STEPS, Role
from admissions import step_runs
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import FinalScore
from admissions.models.cycles import AdmissionCycle
from admissions.models.ranking import look_ahead
from admissions.models.runs import StepRun
from admissions.preprocessing import preprocess_chunk
from audit.models import AuditLog, Verification
from tests.admissions.test_console_cycles import text
from tests.factories import AMINA, applicants, apply, cycle, everything, lead, led_to, score, work_before
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db
FINAL = ["freeze", "mark_scored", "perform_selection", "publish_results", "complete"]


def at(step):
    return f"/console/cycles/fall-2026/{step}/"


def sent(one, step, **changes):
    """What the form of a step sends."""
    code = {"code": one.code} if step in FINAL else {}
    return {"phase": str(one.phase), "reason": "", **code, **changes}


@pytest.fixture
def officer():
    return staff_browser()[0]


def test_a_cycle_is_led_through_nine_phases_by_clicks(officer):
    one = led_to("submission", 4)
    for step in STEPS:
        work_before(one)
        page = officer.get("/console/cycles/fall-2026/").content.decode()
        assert f'<a class="button" id="take" href="{at(step)}">' in page
        assert '<button class="button">' in officer.get(at(step)).content.decode()
        answer = officer.post(at(step), sent(one, step, reason=f"Why {step}."))
        assert answer.redirect_chain == [("/console/cycles/fall-2026/", 302)]
        one.refresh_from_db()
        assert one.phase == getattr(AdmissionCycle, step).target
        while one.phase == "preprocessing" and preprocess_chunk(one):
            pass
    taken = AuditLog.objects.filter(action__in=[f"cycle.{step}" for step in STEPS]).order_by("log_id")
    assert [entry.details["reason"] for entry in taken] == [f"Why {step}." for step in STEPS]
    assert "This cycle is completed." in text(officer.get("/console/cycles/fall-2026/"))


@pytest.mark.parametrize("step", STEPS)
def test_looking_at_a_step_changes_nothing_and_locks_nothing(officer, step):
    one = led_to(getattr(AdmissionCycle, step).source)
    work_before(one)
    before = everything()
    with CaptureQueriesContext(connection) as queries:
        assert officer.get(at(step)).status_code == 200
    assert everything() == before
    mine = [one["sql"] for one in queries if "django_session" not in one["sql"]]
    assert [sql for sql in mine if re.search(r"FOR (NO KEY )?(UPDATE|SHARE)|^(INSERT|UPDATE|DELETE|CREATE)", sql)] == []


@pytest.mark.parametrize("step", STEPS)
def test_the_page_of_a_step_says_what_will_happen_whatever_the_phase(officer, step):
    led_to("frozen")
    page = text(officer.get(at(step)))
    assert "What will happen" in page
    assert ("This step leads on from" in page) is (step != "start_preprocessing")


@pytest.mark.parametrize("step", STEPS)
def test_who_may_not_take_a_step_reads_the_page_without_its_form_and_previews(step):
    reviewer = staff_browser(Role.REVIEWER)[0]
    one = led_to(getattr(AdmissionCycle, step).source)
    page = reviewer.get(at(step)).content.decode()
    assert "Your role does not take this step." in page
    assert 'name="reason"' not in page
    assert "What the selection will give" not in page
    assert "What goes out" not in page
    assert reviewer.post(at(step), sent(one, step)).status_code == 403
    one.refresh_from_db()
    assert one.phase == getattr(AdmissionCycle, step).source


@pytest.mark.parametrize("step", FINAL)
@pytest.mark.parametrize("typed", ["", "fall", "FALL-2026"])
def test_a_step_that_cannot_be_undone_asks_for_the_code(officer, step, typed):
    one = led_to(getattr(AdmissionCycle, step).source)
    before = everything()["admission_cycles"]
    answer = officer.post(at(step), sent(one, step, code=typed, reason="Because."))
    assert answer.status_code == 422
    assert '<li><a href="#id_code">Code of the cycle: ' in answer.content.decode()
    assert "Because." in answer.content.decode()
    assert everything()["admission_cycles"] == before


def test_whoever_read_an_older_phase_is_told_and_nothing_happens(officer):
    one = led_to("frozen")
    answer = officer.post(at("start_preprocessing"), {"phase": "submission", "reason": ""})
    assert answer.status_code == 409
    assert "fall-2026 has moved on: it was in «Submission» when you opened this page" in text(answer)
    one.refresh_from_db()
    assert one.phase == "frozen"


def test_of_two_clicks_one_acts_and_the_other_is_told(officer):
    other = staff_browser(email="olga@example.org")[0]
    one = led_to("submission")
    form = sent(one, "freeze")
    assert officer.post(at("freeze"), form).redirect_chain
    answer = other.post(at("freeze"), form)
    assert answer.status_code == 409
    assert "and is in «Frozen» now" in text(answer)
    assert AuditLog.objects.filter(action="cycle.freeze").count() == 1


def test_a_refusal_is_told_in_its_own_words(officer):
    one = cycle()
    answer = officer.post(at("freeze"), sent(one, "freeze"))
    assert answer.status_code == 409
    assert "fall-2026 has no application to freeze." in text(answer)


def test_a_reason_with_an_address_is_refused(officer):
    one = led_to("submission")
    answer = officer.post(at("freeze"), sent(one, "freeze", reason="amina@example.org asked for it"))
    assert answer.status_code == 409
    one.refresh_from_db()
    assert one.phase == "submission"


def test_a_blocked_step_has_no_button(officer):
    cycle()
    page = officer.get(at("freeze")).content.decode()
    assert "This step is blocked until every check holds." in page
    assert '<button class="button">' not in page


def test_everything_can_be_checked_without_doing_it(officer):
    one = led_to("submission")
    form = sent(one, "freeze", code="")
    answer = officer.post(at("freeze"), {**form, "try": "1"})
    assert "Every check holds: the step could be taken now. Nothing was changed." in text(answer)
    one.refresh_from_db()
    assert one.phase == "submission"
    Application.objects.filter(pk=Application.objects.first().pk).update(gpa=9)
    assert "1 applications of fall-2026 lie outside its rules" in text(officer.post(at("freeze"), {**form, "try": "1"}))


def test_a_large_cycle_leaves_the_step_to_a_worker(officer, monkeypatch):
    monkeypatch.setattr(step_runs, "INLINE_MAX", 2)
    one = led_to("submission")
    assert "A worker takes this step" in text(officer.post(at("freeze"), sent(one, "freeze")))
    run = StepRun.objects.get()
    assert (run.step, run.state, run.dry_run) == ("freeze", "queued", False)
    assert "A step of this cycle waits or runs already." in text(officer.get(at("freeze")))
    answer = officer.post(at("freeze"), sent(one, "freeze"))
    assert (answer.status_code, "Another step of fall-2026 waits or runs." in text(answer)) == (409, True)


# -- what a selection will give -------------------------------------------------


def scored(*totals, seats=2, **rules):
    one = led_to("processing", len(totals), seats=seats, **rules)
    score(one, totals)
    one.mark_scored(actor=operator())
    return one


@pytest.mark.parametrize("totals", [(90, 80, 70, 60), (80, 80, 80, 80), (50,), (90, 70, 70, 70, 10)])
def test_the_preview_is_what_the_selection_then_does(totals):
    one = scored(*totals)
    ahead = look_ahead(one, around=10)
    facts = one.perform_selection(actor=operator())
    stored = list(
        IdentityMapping.objects.filter(admission_cycle=one)
        .order_by("application__rank")
        .values_list("application__rank", "anonymized_id", "application__outcome")
    )
    outcome = {True: "selected", False: "not_selected"}
    assert [(one.rank, one.anonymized_id, outcome[one.rank <= 2]) for one in ahead.places] == stored
    told = ("selected", "not_selected", "tied_at_cutoff", "tied_and_selected")
    assert [getattr(ahead, name) for name in told] == [facts[name] for name in told]
    assert ahead.cutoff == Decimal(facts["cutoff"])


def test_the_preview_holds_the_places_around_the_cut():
    one = scored(*range(90, 60, -2), seats=7)
    assert [place.rank for place in look_ahead(one, around=3).places] == [5, 6, 7, 8, 9, 10]


def test_where_nobody_has_a_score_the_preview_is_empty(officer):
    one = scored(90)
    FinalScore.objects.update(
        status="set_aside",
        total=None,
        academic=None,
        test=None,
        achievement=None,
        essay=None,
        decided_at="2026-11-01T00:00Z",
        decided_by="user:1",
        decided_reason="odd",
    )
    ahead = look_ahead(one, around=3)
    assert (ahead.cutoff, ahead.selected, ahead.places) == (None, 0, [])
    assert "Nobody has a score, so nobody is ranked." in text(officer.get(at("perform_selection")))


def test_the_page_tells_the_tie_and_what_a_seat_would_change(officer):
    one = scored(80, 80, 80, 40)
    places = look_ahead(one, around=10).places
    said = text(officer.get(at("perform_selection")))
    assert "3 applications have the cut-off score, and 2 of them get a seat." in said
    assert "The last seat is decided by lot" in said
    assert f"With one seat more, {places[2].anonymized_id.hex} would be selected too" in said
    assert f"With one seat less, {places[1].anonymized_id.hex} would not be selected" in said


def test_a_tie_that_a_part_breaks_names_the_part(officer):
    one = led_to("processing", 3)
    first, *_ = score(one, [80, 80, 80])
    FinalScore.objects.filter(pk=first.pk).update(essay=60, academic=Decimal("93.3333"))
    one.mark_scored(actor=operator())
    said = text(officer.get(at("perform_selection")))
    assert "The last seat is decided by: Essay, 80.0000 before 60.0000." in said


def test_the_preview_names_nobody(officer):
    one = scored(90, 80, 70)
    page = officer.get(at("perform_selection")).content.decode()
    leaks = [AMINA["email"], "Qureshi", *Application.objects.of(one).values_list("reference", flat=True)]
    leaks += [ref.hex for ref in Application.objects.of(one).values_list("receipt_ref", flat=True)]
    assert [leak for leak in leaks if leak in page] == []


def test_seats_for_all_leave_nothing_to_cut(officer):
    scored(90, 80, seats=5)
    said = text(officer.get(at("perform_selection")))
    assert "One seat more would change nothing" in said
    assert "One seat less would change nothing." in said


# -- what a publication sends ---------------------------------------------------


def test_the_preview_of_a_publication_shows_letters_and_counts(officer):
    led_to("selection", 5, seats=2)
    page = officer.get(at("publish_results")).content.decode()
    assert re.findall(r"<dt>([^<]+)</dt><dd>(\d+)</dd></div>", page)[-4:] == [
        ("Letters", "5"),
        ("Selected", "2"),
        ("Not selected", "3"),
        ("Could not be assessed", "0"),
    ]
    assert page.count("<pre") == 3
    assert AMINA["email"] not in page


def test_counts_by_outcome_are_for_who_may_see_them(officer, monkeypatch):
    led_to("selection", 5, seats=2)
    monkeypatch.setattr("admissions.letter_rendering.may_see_figures", lambda cycle, actor: False)
    page = officer.get(at("publish_results")).content.decode()
    assert "<dt>Letters</dt><dd>5</dd>" in page
    assert "<dt>Not selected</dt>" not in page


def test_the_last_step_tells_what_the_last_verification_found(officer):
    led_to("published")
    assert "Reads everything, so it will be checked when the step is taken." in text(officer.get(at("complete")))
    assert "The last verification" not in text(officer.get(at("complete")))
    one = AdmissionCycle.objects.get()
    officer.post(at("complete"), sent(one, "complete"))
    assert Verification.objects.get().ok
    assert "found nothing wrong" not in text(officer.get(at("complete")))


@pytest.mark.parametrize("phase", ["scored", "selection"])
def test_a_preview_costs_as_many_queries_for_many_as_for_few(officer, phase):
    step = {"scored": "perform_selection", "selection": "publish_results"}[phase]
    led_to(phase, 3)
    with CaptureQueriesContext(connection) as few:
        officer.get(at(step))
    other = cycle("many")
    apply(other, applicants(40))
    lead(other, phase)
    with CaptureQueriesContext(connection) as many:
        officer.get(f"/console/cycles/many/{step}/")
    assert len(few) == len(many)
