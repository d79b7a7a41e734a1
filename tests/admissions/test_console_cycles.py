"""The cycles in the console: the list, the page of one, its work, downloads, and late access."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import operator
from accounts.newcomers import confirm_address
from accounts.roles import Role
from admissions.disclosure import export_outcomes
from admissions.models.applications import Application
from admissions.models.late_access import LateAccess
from admissions.models.letters import Letter
from admissions.models.runs import StepRun
from admissions.preprocessing import preprocess_chunk
from audit.models import LogOutbox
from audit.sequencer import sequence_all
from tests.factories import applicant, applicants, apply, cycle, everything, led_to, waiting
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db
HERE = "/console/cycles/fall-2026/"


def text(page):
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


@pytest.fixture
def officer():
    return staff_browser()[0]


@pytest.fixture
def reviewer():
    return staff_browser(Role.REVIEWER, email="reza@example.org")[0]


# -- the list ---------------------------------------------------------------


def test_an_empty_list_says_what_to_do(officer):
    assert "No cycles yet. Open the first one to take applications." in text(officer.get("/console/cycles/"))


def test_the_list_shows_where_each_cycle_stands(officer):
    led_to("frozen", 3, seats=7)
    said = text(officer.get("/console/cycles/"))
    assert "Fall 2026 fall-2026 Demo Frozen 2/9 7 3 –" in said


def test_the_list_goes_on_page_by_page(officer):
    for number in range(27):
        cycle(f"c-{number}")
    page = officer.get("/console/cycles/").content.decode()
    place = re.search(r'rel="next" href="([^"]+)"', page)[1]
    older = text(officer.get(f"/console/cycles/{place}"))
    assert ("c-26" in page, "c-1 " in page, "c-1 " in older, "c-2 " in older) == (True, False, True, False)
    assert "There are no older cycles." in text(officer.get("/console/cycles/?before=0"))
    assert officer.get("/console/cycles/?before=99999999999999999999").status_code == 200


def test_only_who_may_open_a_cycle_is_offered_it(officer, reviewer):
    assert "Open a cycle" in text(officer.get("/console/cycles/"))
    assert "Open a cycle" not in text(reviewer.get("/console/cycles/"))


# -- the page of one ----------------------------------------------------------


@pytest.mark.parametrize(
    "phase", ["submission", "frozen", "preprocessing", "batch_prep", "processing", "scored", "selection", "published"]
)
def test_a_page_costs_as_many_queries_for_300_as_for_3(officer, phase):
    few = led_to(phase, 3)
    with CaptureQueriesContext(connection) as at_few:
        officer.get(f"/console/cycles/{few.code}/")
    many = cycle("many")
    apply(many, applicants(300))
    type(many).objects.filter(pk=many.pk).update(phase="submission")
    by_force(f"UPDATE applications SET admission_cycle_id = {few.pk} WHERE admission_cycle_id = {many.pk}")
    with CaptureQueriesContext(connection) as at_many:
        officer.get(f"/console/cycles/{few.code}/")
    assert len(at_few) == len(at_many)
    assert len(at_many) < 30


def by_force(statement):
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = replica; {statement}")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_the_stepper_says_what_is_done_and_where_one_is(officer):
    led_to("preprocessing")
    said = text(officer.get(HERE))
    assert "Submission , done" in said
    assert "Preprocessing , now" in said
    assert "Completed , to come" in said


def test_a_check_that_does_not_hold_takes_the_button_away_and_says_what_to_do(officer):
    cycle()
    sequence_all()
    page = officer.get(HERE)
    assert "Freeze the cycle…" not in text(page)
    assert "Not yet: first mend what is marked ✕." in text(page)
    assert "Wait for the first application, or import a file of them." in text(page)


def test_the_next_step_leads_to_its_own_page(officer):
    led_to("submission")
    assert '<a class="button" id="take" href="/console/cycles/fall-2026/freeze/">' in officer.get(HERE).content.decode()


def test_who_may_not_take_the_step_is_told_so(reviewer):
    led_to("submission")
    assert "Your role does not take this step." in text(reviewer.get(HERE))


def test_the_counts_of_outcomes_stay_hidden_from_who_may_not_see_them(officer, reviewer):
    led_to("selection", 5, seats=2)
    assert re.search(r"Selected 2 .*Not selected 3", text(officer.get(HERE)))
    said = text(reviewer.get(HERE))
    assert "Decided, under embargo 5" in said
    assert "Not selected" not in said


def test_the_audit_tail_is_for_who_reads_the_log_and_the_steps_are_for_all(officer):
    auditor = staff_browser(Role.AUDITOR, email="aiza@example.org")[0]
    one = led_to("submission")
    one.freeze(actor=operator(), reason="The deadline has passed.")
    sequence_all()
    assert "Freeze the cycle uid:" in text(auditor.get(HERE))
    assert "The deadline has passed." in text(auditor.get(HERE))
    assert "Last entries in the audit log" in text(auditor.get(HERE))
    said = text(officer.get(HERE))
    assert "Steps so far" in said
    assert "The deadline has passed." not in said


def test_there_is_no_page_of_a_cycle_that_is_not_there(officer):
    assert officer.get("/console/cycles/none/").status_code == 404
    assert officer.get("/console/cycles/none/freeze/").status_code == 404


# -- work ---------------------------------------------------------------------


def test_preprocessing_is_followed_with_a_rate_and_without_reloading(officer):
    one = led_to("frozen", 4)
    one.start_preprocessing(actor=operator())
    preprocess_chunk(one, limit=1)
    page = officer.get(HERE).content.decode()
    place = re.search(r'hx-get="([^"]+)" hx-trigger="every 2s"', page)[1].replace("&amp;", "&")
    assert "1 of 4, 25 %" in page
    preprocess_chunk(one, limit=1)
    earlier = re.sub(r"at=(\d+)", lambda at: f"at={int(at[1]) - 60}", place)
    part = text(officer.get(earlier))
    assert "2 of 4, 50 %" in part
    assert re.search(r"per minute: 1 · time left: \d+ (seconds|minutes)", part)
    preprocess_chunk(one)
    done = officer.get(earlier).content.decode()
    assert "hx-trigger" not in done
    assert "The work is finished." in done


def test_without_a_second_look_there_is_no_rate(officer):
    one = led_to("frozen", 2)
    one.start_preprocessing(actor=operator())
    assert "per minute: – · time left: –" in text(officer.get(HERE))


@pytest.mark.parametrize("phase", ["batch_prep", "processing"])
def test_what_waits_for_others_is_looked_at_less_often(officer, phase):
    one = led_to(phase)
    if phase == "processing":
        waiting(one)
    page = officer.get(HERE).content.decode()
    assert 'hx-trigger="every 10s"' in page
    assert "0 of 3, 0 %" in page


def test_letters_are_counted_with_those_that_failed(officer):
    led_to("published", 3)
    Letter.objects.filter(pk=Letter.objects.outcomes().first().pk).update(
        state="failed", fault="SMTPRecipientsRefused", attempts=1
    )
    said = text(officer.get(HERE))
    assert "1 of 3, 33 %, 1 failed" in said


def test_a_silent_worker_is_told(officer):
    led_to("frozen")
    assert "No worker has given a sign of life" in text(officer.get(HERE))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert "No worker has given a sign of life" not in text(officer.get(HERE))


def run_of(one, **fields):
    asked = {"step": "freeze", "actor_type": "staff", "actor_id": "user:1"}
    return StepRun.objects.create(admission_cycle=one, **{**asked, **fields})


def test_a_step_that_runs_as_a_job_is_shown_and_no_other_is_offered(officer):
    one = led_to("submission")
    run_of(one)
    page = officer.get(HERE)
    assert "waits for a worker since" in text(page)
    assert "A step of this cycle waits or runs already" in text(page)
    assert "Freeze the cycle…" not in text(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    StepRun.objects.update(state="running", started_at=timezone.now())
    assert "runs since" in text(officer.get(HERE))


@pytest.mark.parametrize(("step", "told"), [("publish_results", False), ("freeze", True)])
def test_why_a_run_was_refused_is_told_unless_it_is_about_outcomes(reviewer, step, told):
    one = led_to("selection")
    run_of(one, step=step, state="refused", finished_at=timezone.now(), detail="3 outcomes are odd.")
    assert ("3 outcomes are odd." in text(reviewer.get(HERE))) is told


# -- downloads ----------------------------------------------------------------


def body(answer):
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_outcomes_are_streamed_and_noted(officer, tmp_path, format):
    one = led_to("published", 3)
    answer = officer.post(f"{HERE}outcomes/", {"format": format})
    with (tmp_path / "outcomes").open("w+b") as file:
        export_outcomes(one, file, format=format, actor=operator())
    assert body(answer) == (tmp_path / "outcomes").read_bytes()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="fall-2026-outcomes.{format}"'
    assert LogOutbox.objects.filter(kind="outcomes.export").count() == 2


def test_the_ranking_is_for_everybody_of_the_staff_after_publication(reviewer):
    led_to("published", 3)
    assert len(body(reviewer.post(f"{HERE}ranking/")).splitlines()) == 3
    assert reviewer.post(f"{HERE}outcomes/").status_code == 403


@pytest.mark.parametrize("file", ["outcomes", "ranking"])
def test_nothing_is_handed_out_before_publication(officer, file):
    led_to("selection")
    before = everything()
    answer = officer.post(f"{HERE}{file}/")
    assert "are under embargo until publication" in text(answer)
    assert LogOutbox.objects.filter(kind__endswith=".export").count() == 0
    assert everything()["applications"] == before["applications"]
    assert officer.get(f"{HERE}{file}/").status_code == 405


# -- late access --------------------------------------------------------------


def granted(officer, **changes):
    until = timezone.localtime() + timedelta(days=1)
    given = {"email": "amina@example.org", "until": f"{until:%Y-%m-%dT%H:%M}", "reason": "The post was late."}
    return officer.post(f"{HERE}late/", {**given, **changes})


def test_one_applicant_is_let_in_late_and_no_more(officer):
    cycle()
    user, _ = applicant()
    confirm_address(user)
    page = text(granted(officer))
    [late] = LateAccess.objects.all()
    assert (late.user_id, late.reason) == (user.pk, "The post was late.")
    assert f"user:{user.pk}" in page
    assert "amina@example.org" not in page
    assert "The late access has ended." in text(officer.post(f"{HERE}late/", {"end": late.pk}))
    assert officer.post(f"{HERE}late/", {"end": late.pk}).status_code == 409
    assert officer.post(f"{HERE}late/", {"end": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"email": "nobody@example.org"}, "Nobody has an account with this address"),
        ({"until": "2020-01-01T00:00"}, "Late access needs a time that is still to come"),
        ({"reason": ""}, "Reason: This field is required."),
    ],
)
def test_wrong_terms_of_late_access_are_told_and_kept(officer, changes, told):
    cycle()
    confirm_address(applicant()[0])
    answer = granted(officer, **changes)
    assert answer.status_code == 422
    assert told in text(answer)
    assert 'value="amina@example.org"' in answer.content.decode() or "email" in changes
    assert not LateAccess.objects.exists()


def test_after_the_freeze_nobody_is_let_in(officer):
    led_to("frozen")
    applicant()
    assert "nobody can be let in any more" in text(officer.get(f"{HERE}late/"))
    assert granted(officer).status_code == 422
    assert not Application.objects.filter(applicant__isnull=False).exists()
