"""A worker that dies at its k-th letter, before the mail server has taken it: ``python -m tests.dying_sender K``."""

import os
import sys

import django
from django.core.mail.backends.filebased import EmailBackend
from django.core.management import call_command

KILLED = 9


def die_at(letter: int) -> None:
    """Let the process end without a word when that letter is about to be delivered."""
    deliver = EmailBackend.send_messages
    left = letter

    def send_messages(backend, messages):
        nonlocal left
        left -= 1
        if not left:
            os._exit(KILLED)
        return deliver(backend, messages)

    EmailBackend.send_messages = send_messages


if __name__ == "__main__":
    django.setup()
    die_at(int(sys.argv[1]))
    call_command("run_worker", "--once")
