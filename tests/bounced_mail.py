"""What a mail server sends back about a letter that it could not deliver."""

from uuid import UUID

MAIL_ID = UUID("0123456789abcdef0123456789abcdef")
OURS = f"<submitted.{MAIL_ID.hex}@uni.example>"

# As Postfix sends it, shortened.
POSTFIX = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.uni.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: admissions@uni.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Yq1.1764/mx.uni.example"

This is a MIME-encapsulated message.

--4Yq1.1764/mx.uni.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered to one or more recipients.

--4Yq1.1764/mx.uni.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.uni.example
X-Postfix-Queue-ID: 4Yq1
Arrival-Date: Sat, 28 Nov 2026 08:00:00 +0000 (UTC)

Final-Recipient: rfc822; amina@canary.example
Original-Recipient: rfc822;amina@canary.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.canary.example
Diagnostic-Code: smtp; 550 5.1.1 <amina@canary.example>: User unknown

--4Yq1.1764/mx.uni.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: admissions@uni.example
To: amina@canary.example
Subject: We have your application
Message-ID: {OURS}
Content-Type: text/plain

Dear Amina,

--4Yq1.1764/mx.uni.example--
"""


def report(**replaced):
    """The report, with other lines in some of its spots."""
    text = POSTFIX
    for old, new in replaced.items():
        assert SPOTS[old] in text
        text = text.replace(SPOTS[old], new)
    return text.encode()


SPOTS = {
    "action": "Action: failed",
    "status": "Status: 5.1.1",
    "name": f"Message-ID: {OURS}",
    "kind": "Content-Type: message/rfc822",
    "delivery": "Content-Type: message/delivery-status",
    "returned": "Return-Path: <>",
}
