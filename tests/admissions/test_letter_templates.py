"""Texts that staff write in place of ours: by whom, for which cycle, from when, and what the log holds of it."""

import json

import pytest

from accounts.actors import operator
from accounts.roles import Role
from admissions import letter_templates
from admissions.letter_templates import (
    WrongText,
    default_text,
    digest,
    edit,
    restore,
    text_for,
    version_of,
    written_for,
)
from admissions.letter_texts import LetterText
from admissions.letters import send_letters
from admissions.models.letters import LetterTemplate
from audit.models import LogOutbox
from enigma.errors import Conflict, Denied
from tests.factories import applicants, apply, cycle, lead, omar

pytestmark = pytest.mark.django_db

OURS = LetterText("Hello {name}", "Dear {name},\n\nyou have a place in {cycle}.")


def write(text=OURS, *, variant="selected", language="en", cycle=None, version=0, actor=None):
    return edit(variant, language, text, cycle=cycle, version=version, actor=actor or operator())


def test_without_one_of_theirs_it_is_ours():
    one = cycle()
    assert text_for("selected", "en", one) == default_text("selected", "en")
    assert (version_of("selected", "en", one), written_for("selected", "en", one)) == (0, None)


def test_what_staff_write_counts_from_then_on_for_all_cycles_or_for_one():
    one, other = cycle(), cycle("other")
    write()
    assert [text_for("selected", "en", which) for which in (one, other, None)] == [OURS] * 3
    own = LetterText("Only here", "{link}")
    write(own, cycle=one)
    assert [text_for("selected", "en", which) for which in (one, other, None)] == [own, OURS, OURS]
    assert text_for("selected", "ur", one) == default_text("selected", "ur")
    assert text_for("not_selected", "en", one) == default_text("not_selected", "en")


def test_the_newest_version_counts_and_the_others_stay():
    for version in range(3):
        write(LetterText(f"Version {version}", "Hello"), version=version)
    assert text_for("selected", "en", None).subject == "Version 2"
    assert list(LetterTemplate.objects.order_by("version").values_list("version", "subject")) == [
        (1, "Version 0"),
        (2, "Version 1"),
        (3, "Version 2"),
    ]


def test_what_was_written_is_taken_back_and_then_written_again():
    one = cycle()
    write()
    write(LetterText("Here", "Hello"), cycle=one)
    restore("selected", "en", cycle=one, version=1, actor=operator())
    assert (text_for("selected", "en", one), written_for("selected", "en", one)) == (OURS, None)
    restore("selected", "en", cycle=None, version=1, actor=operator())
    assert text_for("selected", "en", one) == default_text("selected", "en")
    write(cycle=one, version=2)
    assert written_for("selected", "en", one).version == 3


def test_a_text_is_kept_tidied():
    kept = write(LetterText(" Hello ", "one\r\ntwo\r\n"))
    assert (kept.subject, kept.body) == ("Hello", "one\ntwo")


def test_who_has_read_an_older_version_changes_nothing():
    write()
    with pytest.raises(Conflict, match=r"^Somebody else has changed this text meanwhile"):
        write(LetterText("Mine", "Hello"), version=0)
    assert text_for("selected", "en", None) == OURS


def test_two_who_write_at_the_same_moment_keep_one(monkeypatch):
    write()
    monkeypatch.setattr(letter_templates, "version_of", lambda *args: 0)  # both have asked before either wrote
    with pytest.raises(Conflict):
        write(LetterText("Mine", "Hello"), version=0)
    assert LetterTemplate.objects.count() == 1


def test_a_faulty_text_is_not_kept():
    with pytest.raises(WrongText) as refusal:
        write(LetterText("Hello", "Dear {nmae}"))
    assert refusal.value.returncode == 2
    assert (len(refusal.value.faults), LetterTemplate.objects.count()) == (1, 0)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_only_who_may_edit_letters_does(role):
    actor = omar(role)
    with pytest.raises(Denied):
        write(actor=actor)
    with pytest.raises(Denied):
        restore("selected", "en", cycle=None, version=0, actor=actor)


def test_the_log_holds_who_and_which_by_hash_and_not_the_text():
    one, actor = cycle(), omar()
    LogOutbox.objects.all().delete()
    kept = write(cycle=one, actor=actor)
    restore("selected", "en", cycle=one, version=1, actor=actor)
    bodies = list(LogOutbox.objects.filter(kind="letters.edit").order_by("pk").values_list("body", flat=True))
    assert [json.loads(body)["details"] for body in bodies] == [
        {"cycle": "fall-2026", "version": 1, "sha256": digest(OURS)},
        {"cycle": "fall-2026", "version": 2, "sha256": ""},
    ]
    assert json.loads(bodies[0])["entity_id"] == "selected/en"
    assert not any("you have a place" in body for body in bodies)
    assert (kept.actor_type, kept.actor_id) == ("staff", actor.id)


def test_a_letter_goes_out_with_the_text_of_its_cycle(mailoutbox):
    one = cycle(seats=1)
    apply(one, applicants(1))
    write(cycle=one)
    send_letters(lead(one, to="published"))
    assert [(mail.subject, mail.body) for mail in mailoutbox] == [
        ("Hello Amina Qureshiaa", "Dear Amina Qureshiaa,\n\nyou have a place in Fall 2026.\n")
    ]
