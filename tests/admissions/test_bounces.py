"""Letters that came back: marked once, by a file of reports, and nothing else of the reports is kept."""

import io
import json
import logging
from types import SimpleNamespace

import pytest
from django.db import connection

from accounts.actors import operator
from accounts.roles import Role
from admissions import bounces
from admissions.bounce_reports import Bounce, Unread
from admissions.bounces import note_bounces
from admissions.letters import send_singles
from admissions.models.letters import Letter
from admissions.posting import resend
from audit.models import LogOutbox
from enigma.errors import Denied
from tests.bounced_mail import MAIL_ID, POSTFIX, report
from tests.factories import cycle, omar, run, submitted, tables

pytestmark = pytest.mark.django_db


def sent(count=1):
    """That many confirmations on their way."""
    one = cycle()
    for number in range(count):
        submitted(one, f"amina{number}@example.org", name=f"Amina Qureshi{chr(97 + number)}")
    send_singles()
    return list(Letter.objects.order_by("pk"))


def about(letter, **replaced):
    return report(**replaced).replace(MAIL_ID.hex.encode(), letter.mail_id.hex.encode())


def states():
    return list(Letter.objects.order_by("pk").values_list("state", "bounce"))


def test_a_letter_that_came_back_is_marked_with_the_code():
    first, _ = sent(2)
    tally = note_bounces([Bounce(first.mail_id, "5.1.1"), Unread("no_report")], actor=operator())
    assert tally.facts() == {"bounced": 1, "known": 0, "foreign": 0, "no_report": 1}
    assert states() == [("bounced", "5.1.1"), ("sent", "")]
    assert Letter.objects.get(pk=first.pk).sent_at == first.sent_at


def test_a_report_may_come_twice_and_about_nobodys_letter():
    [letter] = sent()
    note_bounces([Bounce(letter.mail_id, "5.1.1")], actor=operator())
    again = [Bounce(letter.mail_id, "5.2.2"), Bounce(MAIL_ID, "5.1.1")]
    assert note_bounces(again, actor=operator()).facts() == {"bounced": 0, "known": 1, "foreign": 1}
    assert states() == [("bounced", "5.1.1")]


def test_a_late_report_says_nothing_about_a_letter_that_was_sent_again():
    [letter] = sent()
    note_bounces([Bounce(letter.mail_id, "5.1.1")], actor=operator())
    resend(letter, actor=operator())
    send_singles()
    assert note_bounces([Bounce(letter.mail_id, "5.1.1")], actor=operator()).facts()["foreign"] == 1
    assert states() == [("sent", "")]


def test_many_reports_are_one_statement_for_each_chunk(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(bounces, "CHUNK", 2)
    letters = sent(3)
    with django_assert_num_queries(2 * 2 + 3):  # counted and marked; the log, and the savepoint around all
        note_bounces([Bounce(letter.mail_id, "5.1.1") for letter in letters], actor=operator())
    assert states() == [("bounced", "5.1.1")] * 3


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_only_who_may_edit_letters_imports_reports(role):
    with pytest.raises(Denied):
        note_bounces([], actor=omar(role))


def test_the_command_reads_messages_and_boxes_and_tells_counts(tmp_path, monkeypatch):
    first, second, third = sent(3)
    (tmp_path / "one.eml").write_bytes(about(first))
    (tmp_path / "box").write_bytes(b"From a\n" + about(second) + b"\nFrom b\nSubject: hello\n\nhello\n")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(about(third, status="Status: 5.2.2"))))
    code, out, err = run("import_bounces", str(tmp_path / "one.eml"), str(tmp_path / "box"), "-", "--json")
    assert (code, json.loads(out), err) == (0, {"bounced": 3, "known": 0, "foreign": 0, "no_report": 1}, "")
    assert states() == [("bounced", "5.1.1"), ("bounced", "5.1.1"), ("bounced", "5.2.2")]


def test_the_command_tells_a_person_in_one_line(tmp_path):
    (tmp_path / "one.eml").write_bytes(report())
    assert run("import_bounces", str(tmp_path / "one.eml")) == (0, "bounced 0, known 0, foreign 1\n", "")


def test_a_file_that_is_not_there_is_told_and_nothing_is_kept(tmp_path):
    [letter] = sent()
    (tmp_path / "one.eml").write_bytes(about(letter))
    code, out, err = run("import_bounces", str(tmp_path / "one.eml"), str(tmp_path / "two.eml"))
    assert (code, out, err.endswith("two.eml cannot be read: No such file or directory.\n")) == (2, "", True)
    assert states() == [("sent", "")]


def test_no_address_of_a_report_is_kept_logged_or_told(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    [letter] = sent()
    assert POSTFIX.count("canary.example") == 5
    (tmp_path / "one.eml").write_bytes(about(letter))
    told = run("import_bounces", str(tmp_path / "one.eml"), "--actor", "omar@example.org" if omar() else "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = tables(*(name for (name,) in cursor.fetchall()))
    assert states() == [("bounced", "5.1.1")]
    assert "canary" not in f"{told}{rows}{caplog.text}"
    entry = json.loads(LogOutbox.objects.get(kind="letters.bounces").body)
    assert (entry["details"], entry["actor_type"]) == ({"bounced": 1, "known": 0, "foreign": 0}, "staff")
