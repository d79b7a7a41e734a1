"""The task list and the pages of sections: what they show, what they keep, how two tabs and the deadline are told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import operator
from accounts.roles import Role
from admissions.drafts import begin_change, draft_of
from admissions.late_access import grant
from admissions.models.applications import Application
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from tests.factories import AMINA, applicants, apply, cycle, lead, omar, submitted, taken_back
from tests.writers import TYPED, Tab, Writer, closing, hidden

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def one():
    return cycle(closes_at=timezone.now() + timedelta(days=30))


@pytest.fixture
def amina(one):
    return Writer()


def values():
    """What is stored of the one draft there is."""
    return ApplicationDraft.objects.get().values()


def text_of(answer):
    return " ".join(answer.content.decode().split("<footer")[0].split())


def close(one, ago=HOUR):
    closing(opens_at=timezone.now() - timedelta(days=9), closes_at=timezone.now() - ago)
    one.refresh_from_db()


# -- the task list ----------------------------------------------


def test_the_task_list_begins_empty_and_looking_writes_nothing(one, amina):
    page = text_of(amina.look("apply"))
    assert "0 of 5 sections complete" in page
    assert (page.count("Not started"), page.count(">Optional<"), page.count("Cannot submit yet")) == (3, 2, 1)
    assert f"{one.closes_at:%-d %B %Y, %H:%M} UTC" in page
    assert not ApplicationDraft.objects.exists()


def test_the_task_list_says_how_far_each_section_is(amina):
    amina.tab("about").save(TYPED["about"])
    amina.tab("academic").save({"gpa": "5", "test-SAT": "1450"})
    page = text_of(amina.look("apply"))
    assert "1 of 5 sections complete" in page
    assert (page.count("✓ Completed"), page.count("In progress"), page.count("Not started")) == (1, 1, 1)
    assert "Last saved" in page


def test_the_task_list_leads_to_the_check_once_all_that_must_be_is_there(amina):
    for section in ("about", "academic", "essay"):
        amina.tab(section).save(TYPED[section])
    page = text_of(amina.look("apply"))
    assert "3 of 5 sections complete" in page
    assert ">Ready<" in page
    assert amina.place("apply-check") in page


@pytest.mark.parametrize(("left", "is_told"), [(timedelta(hours=23), True), (timedelta(hours=25), False)])
def test_the_last_day_is_told(one, amina, left, is_told):
    closing(closes_at=timezone.now() + left)
    assert ("Less than a day is left." in text_of(amina.look("apply"))) is is_told


def test_a_cycle_without_a_closing_time_says_so(amina):
    closing(closes_at=None)
    assert "None is set yet" in text_of(amina.look("apply"))


def test_after_the_closing_time_it_is_read_only_and_says_why(one, amina):
    amina.write_all()
    close(one)
    page = text_of(amina.look("apply"))
    assert "Applications closed on" in page
    assert amina.place("apply-section", section="about") not in page
    assert "What you wrote was not handed in." in page
    assert amina.look("apply-section", section="about").headers["Location"] == amina.place("apply")


def test_before_the_opening_time_it_says_when(one, amina):
    closing(opens_at=timezone.now() + HOUR)
    assert "Applications open on" in text_of(amina.look("apply"))


def test_after_the_freeze_it_is_read_only_and_says_why(one, amina):
    amina.write_all()
    apply(one, applicants(1))
    lead(one, "frozen")
    assert "Applications are frozen." in text_of(amina.look("apply"))
    for name in ("apply-section", "apply-autosave"):
        amina.send(name, {"essay": "Late."}, section="essay")
    assert values()["essay"] == AMINA["essay"]


def test_late_access_is_told_and_opens_the_pages(one, amina):
    close(one)
    grant(one, "amina@example.org", until=timezone.now() + HOUR, reason="the office was closed", actor=operator())
    assert "The admissions office lets you in late." in text_of(amina.look("apply"))
    amina.tab("about").save(TYPED["about"])
    assert values() == TYPED["about"]


def test_a_draft_is_thrown_away_after_asking(amina):
    amina.write_all()
    assert "Discard what you have written?" in text_of(amina.look("apply-discard"))
    assert ApplicationDraft.objects.exists()
    assert amina.send("apply-discard").headers["Location"] == amina.place("apply")
    assert not ApplicationDraft.objects.exists()
    assert amina.send("apply-discard").status_code == 302


def test_a_withdrawn_application_cannot_be_written_again(one, amina):
    taken_back(submitted(one))
    assert amina.look("apply").headers["Location"].endswith("/receipt/")


# -- sections ----------------------------------------------


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("about", ["Identity.", "Full name", "never shown to evaluators"]),
        ("contact", ["<bdi>amina@example.org</bdi>", "Telephone (optional)", "Postal address (optional)"]),
        ("academic", ["Scored.", "On a scale from 0 to 4", "From 400 to 1600.", "From 1 to 36."]),
        ("essay", ["At most 20,000 characters.", "0 words, 0 characters"]),
        ("achievements", ["At most 10,000 characters.", "One on each line"]),
    ],
)
def test_a_section_says_what_is_asked_and_who_sees_it(amina, section, told):
    page = text_of(amina.look("apply-section", section=section))
    assert [words for words in told if words not in page] == []


def test_limits_and_tests_are_those_of_the_cycle(amina):
    closing(gpa_scale="100", tests={"ECAT": [0, 400]}, essay_max=50)
    page = text_of(amina.look("apply-section", section="academic"))
    assert ("from 0 to 100" in page, "ECAT" in page, "SAT" in page) == (True, True, False)
    answer = amina.tab("essay").save({"essay": "x" * 51})
    assert "Your essay is too long: it has 51 characters, and at most 50 are accepted." in text_of(answer)


def test_saving_leads_from_section_to_section_and_at_last_to_the_check(amina):
    places = [amina.tab(section).save(typed).headers["Location"] for section, typed in TYPED.items()]
    sections = [amina.place("apply-section", section=section) for section in list(TYPED)[1:]]
    assert places == [*sections, amina.place("apply-check")]
    assert values() == {box: text for typed in TYPED.values() for box, text in typed.items()}


def test_who_comes_back_later_may_leave_it_wrong(amina):
    answer = amina.tab("about").save({"name": ""}, then="later")
    assert (answer.status_code, answer.headers["Location"]) == (302, amina.place("apply"))
    assert "Saved. You can come back until the deadline." in text_of(amina.look("apply"))


def test_what_is_wrong_is_told_on_top_and_beside_it_and_kept(amina):
    answer = amina.tab("academic").save({"gpa": "5", "test-SAT": "1450", "test-ACT": "99"})
    page = text_of(answer)
    assert answer.status_code == 422
    assert "<title>Error: Academic record" in page
    for told in ("Grade point average must be from 0 to 4.", "ACT must be from 1 to 36."):
        assert page.count(told) == 2
    assert 'href="#id_gpa"' in page
    assert 'aria-describedby="id_gpa_helptext id_gpa_error"' in page
    assert 'value="5"' in page
    assert values() == {"gpa": "5", "test-SAT": "1450", "test-ACT": "99"}


def test_line_breaks_of_browsers_count_once(amina):
    amina.tab("essay").save({"essay": "one\r\ntwo"})
    assert values()["essay"] == "one\ntwo"
    assert "2 words, 7 characters" in text_of(amina.look("apply-section", section="essay"))


def test_digits_of_other_scripts_are_understood(amina):
    amina.write_all(academic={"gpa": "۳٫۸", "test-SAT": "١٤٥٠"})
    amina.hand_in()
    stored = Application.objects.get()
    assert (float(stored.gpa), stored.test_scores) == (3.8, {"SAT": 1450})


def test_what_is_typed_is_never_run(amina):
    amina.tab("essay").save({"essay": "</textarea><script>alert(1)</script>"})
    for name, where in (("apply-section", {"section": "essay"}), ("apply-check", {})):
        assert "<script>alert" not in amina.look(name, **where).content.decode()


def test_unknown_sections_and_cycles_are_not_there(amina):
    assert amina.look("apply-section", section="grades").status_code == 404
    assert amina.send("apply-autosave", section="grades").status_code == 404
    assert Writer(code="nowhere").look("apply").status_code == 404


def test_staff_are_told_kindly_that_they_do_not_apply(one):
    omar(Role.ADMIN)
    answer = Writer("omar@example.org").look("apply")
    assert (answer.status_code, "staff do not apply" in text_of(answer)) == (403, True)


def test_pages_are_kept_by_no_cache(amina):
    assert "no-store" in amina.look("apply-section", section="essay").headers["Cache-Control"]


def test_htmx_is_loaded_by_pages_where_somebody_types_and_by_no_other(amina):
    assert "htmx" in amina.look("apply-section", section="essay").content.decode()
    for name in ("apply", "apply-check"):
        assert "htmx" not in amina.look(name).content.decode()


def test_a_page_asks_no_more_of_the_database_when_there_are_more_drafts(amina):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            amina.look("apply")
        return len(queries)

    amina.write_all()
    few = asked()
    for number in range(20):
        Writer(f"other{number}@example.org").tab("about").save(TYPED["about"])
    assert asked() == few


# -- saved while typing ----------------------------------------------


def test_what_is_typed_is_saved_and_the_time_told(amina):
    tab = amina.tab("essay")
    answer = tab.type({"essay": "One two"})
    page = text_of(answer)
    assert (answer.status_code, tab.version, values()) == (200, "1", {"essay": "One two"})
    assert f'Saved <time dir="auto" datetime="{timezone.now():%Y-%m-%d}' in page
    assert "2 words, 7 characters" in page
    assert "<html" not in page


def test_what_is_wrong_is_saved_while_typing_too(amina):
    assert amina.tab("academic").type({"gpa": "abc"}).status_code == 200
    assert values() == {"gpa": "abc"}


def test_a_tab_may_press_its_button_while_a_saving_is_under_way(amina):
    tab = amina.tab("essay")
    version = tab.version
    tab.type({"essay": "One"})
    tab.version = version  # the answer has not come yet
    assert tab.save({"essay": "One two"}).status_code == 302
    assert values() == {"essay": "One two"}


def test_two_tabs_are_shown_both_versions_and_may_choose(amina):
    first, second = amina.tab("essay"), amina.tab("essay")
    first.save({"essay": "From the first."})
    answer = second.save({"essay": "From the second."})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "This section was changed somewhere else" in page
    assert ("From the first." in page, "From the second." in page, "hx-post" in page) == (True, True, False)
    assert values() == {"essay": "From the first."}
    assert second.save({"essay": "From the second."}).status_code == 302
    assert values() == {"essay": "From the second."}


def test_saving_while_typing_in_a_stale_tab_overwrites_nothing_and_says_so(amina):
    first, second = amina.tab("essay"), amina.tab("essay")
    first.type({"essay": "From the first."})
    answer = second.type({"essay": "From the second."})
    assert (answer.status_code, values()) == (409, {"essay": "From the first."})
    assert "changed in another tab" in text_of(answer)


def test_an_old_tab_of_what_is_handed_in_changes_nothing(amina):
    tab = amina.tab("essay")
    amina.apply()
    answer = tab.type({"essay": "Too late."})
    assert (answer.status_code, "handed in already" in text_of(answer)) == (409, True)
    assert tab.save({"essay": "Too late."}).headers["Location"] == amina.place("apply")
    assert not ApplicationDraft.objects.exists()


def test_who_is_signed_out_is_told_in_place(amina):
    tab = amina.tab("essay")
    amina.logout()
    told = amina.post(amina.place("apply-autosave", section="essay"), secure=True, headers={"HX-Request": "true"})
    assert (told.status_code, "you are signed out" in text_of(told)) == (401, True)
    assert tab.type({"essay": "x"}).status_code == 302  # without htmx: to the door


def test_saving_too_often_is_put_off_and_the_button_still_works(amina, settings):
    settings.RATES = {"draft": (1, 60)}
    tab = amina.tab("essay")
    tab.type({"essay": "One"})
    answer = tab.type({"essay": "One two"})
    assert (answer.status_code, "Press one of the buttons" in text_of(answer)) == (429, True)
    assert tab.save({"essay": "One two"}).status_code == 302


def test_an_endless_text_is_told_while_typing_and_by_the_button(amina):
    tab = amina.tab("essay")
    answer = tab.type({"essay": "x" * 400_001})
    assert (answer.status_code, "longer than a draft can be" in text_of(answer)) == (409, True)
    assert "A draft holds at most 400000 characters." in text_of(
        amina.send("apply-section", {"essay": "x" * 400_001, "version": "0"}, section="essay")
    )


@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 30, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_version_that_is_none_is_a_stale_one(amina, version):
    amina.tab("essay").save({"essay": "First."})
    data = {"version": version, "tab": "<b>", "essay": "Second."}
    expected = 302 if version == "\N{ARABIC-INDIC DIGIT ONE}" else 409
    answer = amina.send("apply-section", data, section="essay")
    assert answer.status_code == expected


# -- the deadline ----------------------------------------------


def test_the_deadline_between_opening_a_page_and_sending_it_keeps_the_draft_and_is_told(one, amina):
    tab = amina.tab("essay")
    tab.type({"essay": "In time."})
    close(one, ago=timedelta(seconds=1))
    answer = tab.save({"essay": "In time. And a word too late."})
    page = text_of(answer)
    assert answer.status_code == 409
    assert ("This was not saved" in page, "And a word too late." in page, "<button" in page) == (True, True, False)
    assert values() == {"essay": "In time."}
    assert "applications are closed" in text_of(tab.type({"essay": "Still typing."}))


def test_a_change_is_written_on_the_same_pages(one, amina):
    application = submitted(one)
    begin_change(application, user=amina.user, actor=amina.actor)
    page = text_of(amina.look("apply"))
    assert "Change your application" in page
    assert "5 of 5 sections complete" in page
    tab = amina.tab("essay")
    assert isinstance(tab, Tab)
    tab.save({"essay": "A better essay."})
    assert draft_of(AdmissionCycle.objects.get(), amina.user).values["essay"] == "A better essay."
    assert "Discard these changes?" in text_of(amina.look("apply-discard"))
    assert hidden(amina.look("apply-check").content.decode(), "version") == "1"
