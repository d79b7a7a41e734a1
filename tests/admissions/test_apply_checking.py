"""Checking and handing in: what evaluators will see, the declaration, once is once, and the deadline in between."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.actors import operator
from admissions.applying import hand_in
from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication, text_reader
from admissions.models.cycles import AdmissionCycle
from admissions.models.drafts import ApplicationDraft
from admissions.pages.checking import preview
from admissions.preprocessing import preprocess_chunk
from audit.models import LogOutbox
from audit.sequencer import sequence_all
from enigma.errors import Conflict
from tests.factories import AMINA, cycle, submitted
from tests.racing import together
from tests.writers import TYPED, Writer, closing, hidden, reference_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    return cycle()


@pytest.fixture
def amina(one):
    return Writer()


def text_of(answer):
    return " ".join(answer.content.decode().split())


# -- what is shown ----------------------------------------------


def test_all_answers_are_shown_with_a_way_to_change_each(amina):
    amina.write_all()
    page = text_of(amina.look("apply-check"))
    shown = [AMINA["name"], AMINA["phone"], AMINA["address"], "3.8", "1450", "Led a club of 12 members."]
    assert [words for words in shown if words not in page] == []
    ways = [amina.place("apply-section", section=section) for section in TYPED]
    assert [way for way in ways if f'href="{way}"' not in page] == []


def test_what_is_missing_is_listed_and_nothing_can_be_submitted(amina):
    amina.tab("academic").save({"gpa": "5"})
    page = text_of(amina.look("apply-check"))
    for told in (
        "Enter your full name.",
        "Enter your essay.",
        "Grade point average must be from 0 to 4.",
        "at least one test",
    ):
        assert told in page
    assert 'name="declared"' not in page
    assert "Submit my application" not in page


def test_evaluators_see_marked_placeholders_and_nothing_that_was_typed_is_run(amina):
    essay = "I am Amina Qureshi-Holt & wrote [NAME] <b>myself</b>. Call +92 300 5550142."
    amina.write_all(essay={"essay": essay})
    page = amina.look("apply-check").content.decode()
    seen = page.partition('id="seen"')[2]
    assert "I am <mark>[NAME]</mark> &amp; wrote [NAME] &lt;b&gt;myself&lt;/b&gt;. Call <mark>[PHONE]</mark>." in seen
    assert "Qureshi" not in seen


def test_the_preview_is_what_the_blind_copy_becomes(amina, one):
    amina.apply()
    values = {box: text for typed in TYPED.values() for box, text in typed.items()}
    shown = preview(values, amina.user.email)
    sequence_all()
    one.freeze(actor=operator())
    one.start_preprocessing(actor=operator())
    preprocess_chunk(one)
    copy, cycle_now = AnonymizedApplication.objects.get(), AdmissionCycle.objects.get()
    texts = text_reader(cycle_now)(copy.pk, copy.sealed_texts)
    assert "".join(text for text, _ in shown["essay"]) == texts.essay
    assert "".join(text for text, _ in shown["achievements"]) == texts.achievements


def test_after_the_closing_time_answers_can_be_read_and_not_sent(amina):
    amina.write_all()
    closing(opens_at=timezone.now() - timedelta(2), closes_at=timezone.now() - timedelta(1))
    page = text_of(amina.look("apply-check"))
    assert "Applications closed on" in page
    assert AMINA["name"] in page
    assert "<button" not in page.partition("<main")[2].partition("</main>")[0]


# -- handing in ----------------------------------------------


def test_the_declaration_must_be_ticked(amina):
    amina.write_all()
    answer = amina.hand_in(declared="")
    page = text_of(answer)
    assert (answer.status_code, page.count("Tick the declaration to hand in your application.")) == (422, 2)
    assert "<title>Error:" in page
    assert not Application.objects.exists()


def test_what_is_handed_in_is_what_was_written_and_the_draft_is_gone(amina):
    reference = amina.apply()
    stored = IdentityMapping.objects.get()
    person = stored.identity()
    assert (person["name"], person["email"]) == (AMINA["name"], "amina@example.org")
    assert stored.texts() == {name: AMINA[name] for name in ("essay", "achievements")}
    assert (Application.objects.get().reference, Application.objects.get().applicant) == (reference, amina.user)
    assert not ApplicationDraft.objects.exists()


def test_a_second_click_the_back_button_and_a_lost_connection_lead_to_the_same_confirmation(amina):
    reference = amina.apply()
    assert reference_in(amina.send("apply-check", {"version": "5", "declared": "yes"})) == reference
    assert reference_in(amina.look("apply-check")) == reference
    assert reference_in(amina.look("apply")) == reference
    assert LogOutbox.objects.filter(kind="submission").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_clicks_at_once_one_application_comes_and_all_get_its_reference(one):
    for number in range(4):
        writer = Writer(f"amina{number}@example.org")
        writer.write_all()
        draft = ApplicationDraft.objects.get()
        deed = {"version": draft.version, "user": writer.user, "actor": writer.actor}
        references = together(*[lambda deed=deed: hand_in(one, **deed)] * 4)
        assert references == [Application.objects.get(applicant=writer.user).reference] * 4
    assert LogOutbox.objects.filter(kind="submission").count() == 4


def test_what_changed_in_another_tab_is_shown_before_it_is_handed_in(amina):
    amina.write_all()
    version = hidden(amina.look("apply-check").content.decode(), "version")
    amina.tab("essay").save({"essay": "Another essay."})
    answer = amina.send("apply-check", {"version": version, "declared": "yes"})
    page = text_of(answer)
    assert (answer.status_code, "changed in another tab" in page, "Another essay." in page) == (409, True, True)
    assert not Application.objects.exists()


def test_rules_that_changed_meanwhile_are_told(amina):
    amina.write_all()
    version = hidden(amina.look("apply-check").content.decode(), "version")
    closing(gpa_scale="3")
    answer = amina.send("apply-check", {"version": version, "declared": "yes"})
    assert (answer.status_code, "does not fit the rules of this cycle" in text_of(answer)) == (422, True)
    assert ApplicationDraft.objects.exists()


def test_the_deadline_between_the_check_and_the_click_keeps_the_draft_and_is_told(amina):
    amina.write_all()
    version = hidden(amina.look("apply-check").content.decode(), "version")
    closing(opens_at=timezone.now() - timedelta(2), closes_at=timezone.now() - timedelta(seconds=1))
    answer = amina.send("apply-check", {"version": version, "declared": "yes"})
    assert (answer.status_code, "Applications closed before this arrived." in text_of(answer)) == (409, True)
    assert (Application.objects.count(), ApplicationDraft.objects.count()) == (0, 1)


def test_nothing_written_is_nothing_to_hand_in(one, amina):
    answer = amina.send("apply-check", {"version": "0", "declared": "yes"})
    assert (answer.status_code, "Still missing" in text_of(answer)) == (200, True)
    with pytest.raises(Conflict, match="nothing to hand in"):
        hand_in(one, version=0, user=amina.user, actor=amina.actor)


def test_too_many_tries_are_told_to_wait(amina, settings):
    settings.RATES = {"submission": (0, 60)}
    amina.write_all()
    assert amina.hand_in().status_code == 429


def test_a_draft_beside_an_application_that_came_by_another_way_is_left_alone(one, amina):
    amina.write_all()
    application = submitted(one, gpa="2.0")
    assert reference_in(amina.hand_in()) == application.reference
    assert float(Application.objects.get().gpa) == 2.0
    assert ApplicationDraft.objects.exists()
