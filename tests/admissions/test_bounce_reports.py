"""Reports of mail servers: what is read from them, whatever comes."""

import io
import mailbox
from email.message import EmailMessage, Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admissions import bounce_reports
from admissions.bounce_reports import Bounce, Unread, read_report, read_reports
from tests.bounced_mail import MAIL_ID, OURS, report


def test_a_report_of_postfix_is_read():
    assert read_report(report()) == Bounce(MAIL_ID, "5.1.1")


def test_line_ends_of_mail_are_read_too():
    assert read_report(report().replace(b"\n", b"\r\n")) == Bounce(MAIL_ID, "5.1.1")


def test_the_head_alone_of_our_letter_is_enough():
    assert read_report(report(kind="Content-Type: text/rfc822-headers")) == Bounce(MAIL_ID, "5.1.1")


def test_where_our_letter_did_not_come_along_the_reply_says_which_it_was():
    said = report(name="X-Nothing: here", returned=f"In-Reply-To: {OURS}")
    assert read_report(said) == Bounce(MAIL_ID, "5.1.1")
    assert read_report(report(name="X-Nothing: here", returned=f"References: <a@b> {OURS}")) == Bounce(MAIL_ID, "5.1.1")


@pytest.mark.parametrize(
    ("replaced", "found"),
    [
        ({"status": "Status: 4.4.7 (delivery time expired)"}, Bounce(MAIL_ID, "4.4.7")),
        ({"status": "Status: unknown"}, Bounce(MAIL_ID, "5.0.0")),
        ({"status": "X-Status: none"}, Bounce(MAIL_ID, "5.0.0")),
        ({"status": "Status: 5.1.1234567890"}, Bounce(MAIL_ID, "5.1.123")),
        ({"action": "action:  FAILED "}, Bounce(MAIL_ID, "5.1.1")),
        ({"action": "Action: delayed"}, Unread("no_failure")),
        ({"action": "Action: delivered"}, Unread("no_failure")),
        ({"delivery": "Content-Type: text/plain"}, Unread("no_report")),
        ({"name": "Message-ID: <other@uni.example>"}, Unread("no_letter")),
        ({"name": f"Message-ID: <submitted.{MAIL_ID.hex}>"}, Unread("no_letter")),
        ({"name": "X-No-Message-ID: at all"}, Unread("no_letter")),
    ],
)
def test_of_a_report_two_things_are_read(replaced, found):
    assert read_report(report(**replaced)) == found


def test_an_answer_of_somebody_on_holiday_is_no_report():
    reply = EmailMessage()
    reply["Subject"], reply["In-Reply-To"] = "I am away", OURS
    reply.set_content("Back in May.")
    assert read_report(reply.as_bytes()) == Unread("no_report")


def test_an_mbox_is_many_messages(tmp_path):
    box = mailbox.mbox(tmp_path / "mbox")
    box.add(report())
    box.add(report(action="Action: delayed"))
    box.add(b"Subject: hello\n\nFrom now on this is quoted.\n")
    box.add(report(status="Status: 5.2.2"))
    box.close()
    with (tmp_path / "mbox").open("rb") as stream:
        assert list(read_reports(stream)) == [
            Bounce(MAIL_ID, "5.1.1"),
            Unread("no_failure"),
            Unread("no_report"),
            Bounce(MAIL_ID, "5.2.2"),
        ]


def test_a_line_that_begins_with_from_begins_no_message_within_a_paragraph():
    said = report().replace(b"Dear Amina,", b"Dear Amina,\nFrom here on")
    assert list(read_reports(io.BytesIO(said))) == [Bounce(MAIL_ID, "5.1.1")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"From x\n", b"From x\n\n\nFrom y\n"])
def test_a_file_without_a_message_has_none(content):
    assert list(read_reports(io.BytesIO(content))) == []


def test_a_message_that_is_too_long_is_told_and_the_next_one_read(monkeypatch):
    monkeypatch.setattr(bounce_reports, "LONGEST", 4_000)
    large = b"Subject: large\n\n" + b"x" * 80 + b"\n" + b"y\n" * 4_000 + b"\n"
    found = list(read_reports(io.BytesIO(b"From a\n" + large + b"From b\n" + report())))
    assert found == [Unread("too_long"), Bounce(MAIL_ID, "5.1.1")]


def nested(depth):
    """A report inside so many multiparts."""
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n' for level in range(depth))
    return head.encode() + report()


def test_a_message_in_a_message_in_a_message_ends_nothing():
    assert read_report(nested(3)) == Bounce(MAIL_ID, "5.1.1")
    assert isinstance(read_report(nested(5_000)), Unread)


def test_a_message_of_very_many_parts_is_read_to_a_point():
    parts = b"".join(b"--b\nContent-Type: text/plain\n\nx\n" for _ in range(5_000))
    assert read_report(b'Content-Type: multipart/report; boundary="b"\n\n' + parts) == Unread("no_report")


def test_what_the_parser_stumbles_over_is_told(monkeypatch):
    def stumble(content: bytes) -> Message:
        raise ValueError

    monkeypatch.setattr(bounce_reports, "message_from_bytes", stumble)
    assert read_report(b"x") == Unread("unreadable")


REASONS = {"too_long", "unreadable", "no_report", "no_failure", "no_letter"}


def is_an_answer(found):
    return (isinstance(found, Unread) and found.reason in REASONS) or (
        isinstance(found, Bounce) and len(found.status) <= 12
    )


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_without_an_error(content):
    assert all(is_an_answer(found) for found in read_reports(io.BytesIO(content)))


@given(
    st.lists(
        st.sampled_from([*report().splitlines(keepends=True), b"\n", b"From x\n", b"\xff\xfe\n", b"=?utf-8?b?//?=\n"]),
        max_size=60,
    )
)
def test_the_lines_of_a_report_in_any_order_are_read_without_an_error(lines):
    assert all(is_an_answer(found) for found in read_reports(io.BytesIO(b"".join(lines))))


@given(st.integers(0, len(report())), st.integers(0, len(report())), st.binary(max_size=20))
def test_a_report_with_anything_put_in_place_of_a_part_is_read_without_an_error(start, length, instead):
    said = report()
    assert is_an_answer(read_report(said[:start] + instead + said[start + length :]))
