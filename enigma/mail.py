"""Whether a mail server is named at all: the one question that everybody who sends a letter asks first."""

from django.core.mail.backends import console, dummy
from django.core.mail.backends.base import BaseEmailBackend


def hands_on_nothing(mailer: BaseEmailBackend) -> bool:
    """Tell whether this takes every letter and sends none.

    By the exact type: the backend that writes files is a kind of console to Django.
    """
    return type(mailer) in {console.EmailBackend, dummy.EmailBackend}
