"""Read what mail servers send back about letters of ours: delivery status notifications (RFC 3464), whatever comes.

Of a report only two things are kept: which message it is about, and the status code. Addresses are not looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import IO
from uuid import UUID

LONGEST = 5_000_000  # bytes; a report with a whole letter of ours in it is far smaller
PARTS = 200  # parts of one message that are looked at

_FROM = b"From "  # begins a message in an mbox
_MESSAGE_ID = re.compile(r"<[a-z_]{1,20}\.([0-9a-f]{32})@[^<>\s]{1,255}>")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_UNKNOWN_STATUS = "5.0.0"  # RFC 3463: permanent, and nothing else is known
_FORWARDED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}


@dataclass(frozen=True, slots=True)
class Bounce:
    """A letter did not arrive: the name of the message, and the status code of RFC 3463."""

    mail_id: UUID
    status: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that tells nothing about a letter of ours; ``reason`` is one of a few words."""

    reason: str


def read_reports(stream: IO[bytes]) -> Iterator[Bounce | Unread]:
    """Yield what each message of a file says: one message (.eml), or many of them (mbox). Raises nothing."""
    for message in _messages(stream):
        yield Unread("too_long") if message is None else read_report(message)


def read_report(content: bytes) -> Bounce | Unread:
    """Return what one message says."""
    try:
        message = message_from_bytes(content)
        parts = list(_parts(message))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The parser of the standard library meant to take anything; what it has stumbled over was not a report.
        return Unread("unreadable")
    statuses = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    if not statuses:
        return Unread("no_report")
    status = _failure(statuses)
    if status is None:
        return Unread("no_failure")
    mail_id = _about(message, parts)
    return Bounce(mail_id, status) if mail_id else Unread("no_letter")


def _messages(stream: IO[bytes]) -> Iterator[bytes | None]:
    """Yield each message of a file, or None for one that is too long; in memory is one at a time."""
    lines: list[bytes] = []
    size, is_empty = 0, True
    while line := stream.readline(LONGEST):
        if line.startswith(_FROM) and (is_empty or lines[-1] in (b"\n", b"\r\n")):
            if not is_empty:
                yield _joined(lines, size)
            lines, size, is_empty = [], 0, True
            continue
        is_empty = is_empty and not line.strip()
        size += len(line)
        lines = _with(lines, line, size)
    if not is_empty:
        yield _joined(lines, size)


def _with(lines: list[bytes], line: bytes, size: int) -> list[bytes]:
    """Add a line, or keep only the last one of what is too long: it shows where the next message begins."""
    if size > LONGEST:
        return [line]
    lines.append(line)
    return lines


def _joined(lines: list[bytes], size: int) -> bytes | None:
    return None if size > LONGEST else b"".join(lines)


def _parts(message: Message) -> Iterator[Message]:
    """Yield a message and what is in it, first what is outside; not more than so many."""
    waiting, seen = [message], 0
    while waiting and seen < PARTS:
        part = waiting.pop(0)
        seen += 1
        yield part
        waiting += _messages_in(part.get_payload())


def _messages_in(content: object) -> list[Message]:
    return [one for one in content if isinstance(one, Message)] if isinstance(content, list) else []


def _failure(statuses: list[Message]) -> str | None:
    """Return the status code of the first recipient whom the letter did not reach for good, if there is one."""
    for part in statuses:
        fields = part.get_payload()
        for block in _messages_in(fields):
            if str(block.get("Action", "")).strip().lower() == "failed":
                code = _STATUS.search(str(block.get("Status", "")))
                return code[0] if code else _UNKNOWN_STATUS
    return None


def _about(message: Message, parts: list[Message]) -> UUID | None:
    """Find the Message-ID of the letter: in the letter or its head that came along, else in what this is a reply to."""
    for part in parts:
        if part.get_content_type() in _FORWARDED and (found := _MESSAGE_ID.search(_head_in(part))):
            return UUID(hex=found[1])
    for name in ("In-Reply-To", "References"):
        if found := _MESSAGE_ID.search(str(message.get(name, ""))):
            return UUID(hex=found[1])
    return None


def _head_in(part: Message) -> str:
    """Return the Message-ID of a message within a part, or else the lines of a head that name one."""
    content = part.get_payload()
    if inner := _messages_in(content):
        return " ".join(str(one.get("Message-ID", "")) for one in inner)
    lines = str(content).splitlines()
    return " ".join(line for line in lines if line.lower().startswith("message-id:"))
