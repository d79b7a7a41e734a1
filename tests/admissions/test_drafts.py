"""What somebody types is kept sealed, version by version, and forgotten when it is handed in or the cycle is frozen."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import operator
from admissions import drafts
from admissions.drafts import (
    AUTO,
    FULL,
    HandedIn,
    Save,
    Stale,
    begin_change,
    discard,
    draft_of,
    purge_frozen,
    save_section,
)
from admissions.models.applications import Application
from admissions.models.drafts import ApplicationDraft
from admissions.phases import PhaseError
from admissions.rotation import rotate_keys, standing
from admissions.tasks import forget_drafts
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.encryption import key_id
from enigma.errors import Conflict, Denied, Malformed, Refused
from tests.factories import AMINA, applicant, applicants, apply, cycle, damage, lead, omar, submitted, taken_back
from tests.racing import together
from tests.writers import closing

pytestmark = pytest.mark.django_db

NEW = "bmV3LW1hc3Rlci1rZXktZm9yLWEtdGVzdC0wMDAwMDE="
CANARY = "zorvexlanternfish"


def typed(one, text, version=0, *, tab="", how=FULL, section="essay", box="essay", email="amina@example.org"):
    user, actor = applicant(email)
    save = Save(version, tab, how)
    return save_section(one, {box: text}, section=section, save=save, user=user, actor=actor)


def mine(one):
    return draft_of(one, applicant()[0])


def stored():
    return ApplicationDraft.objects.get()


def test_what_is_typed_is_kept_as_it_was_typed_however_wrong_it_is():
    one = cycle(essay_max=10)
    text = "=1+1\0 too long for this cycle, and with a NUL \N{PILE OF POO}"
    typed(one, text)
    assert mine(one).values == {"essay": text}


def test_sections_are_kept_beside_each_other_with_versions_of_their_own():
    one = cycle()
    typed(one, "First.")
    typed(one, "Second.", 1)
    written = typed(one, "Amina", section="about", box="name")
    assert written == mine(one)
    assert (written.values, written.version) == ({"essay": "Second.", "name": "Amina"}, 3)
    assert [written.version_of(section) for section in ("about", "essay", "contact")] == [1, 2, 0]
    assert (written.saved_at_of("about"), written.saved_at_of("contact")) == (written.saved_at, None)


def test_nobody_has_a_draft_before_they_have_written():
    assert mine(cycle()) is None


def test_a_draft_is_of_one_person_and_one_cycle():
    one, other = cycle(), cycle("spring-2027")
    typed(one, "Aminas.")
    typed(one, "Sams.", email="sam@example.org")
    typed(other, "Elsewhere.")
    assert (mine(one).values, mine(other).values) == ({"essay": "Aminas."}, {"essay": "Elsewhere."})


# -- two tabs ----------------------------------------------


def test_a_stale_version_is_refused_with_what_stands_there():
    one = cycle()
    typed(one, "From the first tab.", tab="a")
    with pytest.raises(Stale) as refusal:
        typed(one, "From the second tab.", tab="b")
    assert refusal.value.written.values == {"essay": "From the first tab."}
    assert mine(one).values == {"essay": "From the first tab."}


def test_what_is_the_same_in_both_tabs_is_no_conflict():
    one = cycle()
    typed(one, "The same.", tab="a")
    assert typed(one, "The same.", tab="b").version_of("essay") == 2


def test_another_section_is_no_conflict():
    one = cycle()
    typed(one, "An essay.", tab="a")
    assert typed(one, "Amina", section="about", box="name", tab="b").version == 2


def test_a_tab_follows_upon_its_own_saving_while_typing_whose_answer_was_lost():
    one = cycle()
    typed(one, "One", tab="a", how=AUTO)
    typed(one, "One two", tab="a", how=AUTO)
    assert typed(one, "One two three", tab="a").values == {"essay": "One two three"}


def test_a_saving_while_typing_that_comes_after_the_button_of_its_tab_is_older_and_changes_nothing():
    one = cycle()
    typed(one, "One two three", tab="a")
    with pytest.raises(Stale):
        typed(one, "One two", tab="a", how=AUTO)
    assert mine(one).values == {"essay": "One two three"}


def test_a_tab_that_another_one_has_overtaken_is_told():
    one = cycle()
    typed(one, "One", tab="a", how=AUTO)
    typed(one, "Two", 1, tab="b", how=AUTO)
    with pytest.raises(Stale):
        typed(one, "One more", 1, tab="a", how=AUTO)


def test_tabs_without_a_name_never_follow_upon_each_other():
    one = cycle()
    typed(one, "One")
    with pytest.raises(Stale):
        typed(one, "Two")


def test_saving_while_typing_what_stands_there_already_writes_nothing():
    one = cycle()
    typed(one, "One", tab="a", how=AUTO)
    before = ApplicationDraft.objects.values().get()
    typed(one, "One", 1, tab="a", how=AUTO)
    assert ApplicationDraft.objects.values().get() == before


@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_at_once_one_is_kept_and_the_other_told():
    for number in range(5):
        one = cycle(f"cycle-{number}")
        applicant()
        came = together(lambda one=one: typed(one, "A", tab="a"), lambda one=one: typed(one, "B", tab="b"))
        (stale,) = [one for one in came if isinstance(one, Stale)]
        (kept,) = [one for one in came if not isinstance(one, Exception)]
        assert stale.written == mine(one) == kept


# -- who, when ----------------------------------------------


@pytest.mark.parametrize("actor", [operator, omar])
def test_only_applicants_write(actor):
    one, by = cycle(), actor()
    with pytest.raises(Denied):
        save_section(one, {}, section="about", save=Save(0, ""), user=applicant()[0], actor=by)
    with pytest.raises(Denied):
        discard(one, user=applicant()[0], actor=by)
    with pytest.raises(Denied):
        begin_change(submitted(one), user=applicant()[0], actor=by)


def test_nothing_is_written_before_or_after_the_time():
    one, now = cycle(), timezone.now()
    typed(one, "In time.")
    for opens, closes in ((1, 2), (-2, -1)):
        closing(opens_at=now + timedelta(hours=opens), closes_at=now + timedelta(hours=closes))
        with pytest.raises(PhaseError):
            typed(one, "Out of time.", 1)
    assert mine(one).values == {"essay": "In time."}


def test_there_is_nothing_to_write_once_it_is_handed_in():
    one = cycle()
    submitted(one)
    with pytest.raises(HandedIn):
        typed(one, "An old tab.")
    assert not ApplicationDraft.objects.exists()


def test_an_endless_draft_is_refused(monkeypatch):
    monkeypatch.setattr(drafts, "LONGEST", 10)
    one = cycle()
    typed(one, "0123456789")
    with pytest.raises(Malformed, match="at most 10 characters"):
        typed(one, "x", section="about", box="name")


def test_a_draft_that_was_moved_to_somebody_else_does_not_open():
    one = cycle()
    typed(one, "Aminas.")
    ApplicationDraft.objects.update(user=applicant("sam@example.org")[0])
    with pytest.raises(Refused, match="cannot be opened"):
        draft_of(one, applicant("sam@example.org")[0])


# -- changes ----------------------------------------------


def test_a_change_begins_with_what_was_handed_in():
    one = cycle()
    application = submitted(one, test_scores={"SAT": 1450}, gpa="3.80")
    user, actor = applicant()
    begin_change(application, user=user, actor=actor)
    expected = {"gpa": "3.8", "test-SAT": "1450"}
    expected |= {name: AMINA[name] for name in ("name", "phone", "address", "essay", "achievements")}
    assert (mine(one).values, mine(one).application_id) == (expected, application.pk)


def test_a_change_that_was_begun_goes_on():
    one = cycle()
    application = submitted(one)
    user, actor = applicant()
    begin_change(application, user=user, actor=actor)
    typed(one, "A better essay.")
    begin_change(application, user=user, actor=actor)
    assert mine(one).values["essay"] == "A better essay."


def test_no_change_of_what_is_withdrawn_or_does_not_open():
    one = cycle()
    application, other = submitted(one), submitted(one, "sam@example.org")
    user, actor = applicant()
    damage(application)
    with pytest.raises(Refused, match="write to the admissions office"):
        begin_change(application, user=user, actor=actor)
    sam, by = applicant("sam@example.org")
    taken_back(other)
    with pytest.raises(Conflict, match="withdrawn"):
        begin_change(other, user=sam, actor=by)


# -- gone ----------------------------------------------


def test_a_draft_is_thrown_away_once():
    one = cycle()
    typed(one, "An essay.")
    user, actor = applicant()
    assert [discard(one, user=user, actor=actor) for _ in range(2)] == [True, False]
    sequence_all()
    assert AuditLog.objects.filter(action="draft.discard").count() == 1


def test_drafts_of_frozen_cycles_are_forgotten_and_only_counted():
    one, other = cycle(), cycle("spring-2027")
    for email in ("amina@example.org", "sam@example.org"):
        typed(one, "Never handed in.", email=email)
    typed(other, "Still open.")
    apply(one, applicants(1))
    lead(one, "frozen")
    forget_drafts(0)
    assert (stored().admission_cycle, purge_frozen()) == (other, 0)
    sequence_all()
    entry = AuditLog.objects.get(action="draft.purge")
    assert (entry.actor_type, entry.entity_id, entry.details) == ("system", "fall-2026", {"drafts": 2})


# -- privacy ----------------------------------------------


def test_nothing_that_is_typed_stands_in_the_clear_in_the_table_or_in_the_log(caplog):
    one = cycle()
    for section, box in (("about", "name"), ("contact", "address"), ("academic", "gpa"), ("essay", "essay")):
        typed(one, f"{CANARY} in {box}", section=section, box=box)
    with pytest.raises(Stale):
        typed(one, f"{CANARY} again", 0)
    sequence_all()
    with connection.cursor() as cursor:
        rows = [
            cursor.execute(f"SELECT t::text FROM {table} AS t").fetchall()
            for table in ("application_drafts", "audit_logs", "log_outbox", "hash_chain")
        ]
    assert CANARY in " ".join(mine(one).values.values())
    assert CANARY not in f"{rows}{caplog.text}".casefold()
    assert "amina" not in f"{rows}{stored()!r}".casefold()


def test_a_draft_is_audited_once_when_it_is_begun():
    one = cycle()
    for version in range(3):
        typed(one, f"Version {version}", version)
    sequence_all()
    (entry,) = AuditLog.objects.filter(action__startswith="draft.")
    user, _ = applicant()
    assert (entry.action, entry.actor_id, entry.entity_id, entry.details) == (
        "draft.begin", f"user:{user.pk}", "fall-2026", {},
    )  # fmt: skip


def test_a_new_master_key_covers_drafts(settings):
    one = cycle()
    typed(one, "An essay.")
    settings.ENIGMA_FERNET_KEYS = [NEW, *settings.ENIGMA_FERNET_KEYS]
    rotate_keys(actor=operator())
    settings.ENIGMA_FERNET_KEYS = [NEW]
    assert (stored().key_id, mine(one).values) == (key_id(NEW), {"essay": "An essay."})
    assert list(standing()) == [key_id(NEW)]


def test_each_draft_has_a_key_of_its_own():
    one = cycle()
    typed(one, "The same.")
    typed(one, "The same.", email="sam@example.org")
    assert len(set(ApplicationDraft.objects.values_list("wrapped_key", flat=True))) == 2


def test_a_draft_goes_with_its_person_and_an_application_with_nobody():
    one = cycle()
    typed(one, "An essay.")
    applicant()[0].delete()
    assert (ApplicationDraft.objects.count(), Application.objects.count()) == (0, 0)
