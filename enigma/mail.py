"""What everybody who sends a letter asks first: whether a mail server is named, and where the site is reached."""

from django.conf import settings
from django.core.mail.backends import console, dummy
from django.core.mail.backends.base import BaseEmailBackend

LOCAL_SITE = "http://127.0.0.1:8000"


def hands_on_nothing(mailer: BaseEmailBackend) -> bool:
    """Tell whether this takes every letter and sends none.

    By the exact type: the backend that writes files is a kind of console to Django.
    """
    return type(mailer) in {console.EmailBackend, dummy.EmailBackend}


def site_url() -> str:
    """Return where the site is reached, without a slash at the end; a demo without SITE_URL is on this machine."""
    return str(settings.SITE_URL or LOCAL_SITE)
