"""The settings of the server that is fuzzed: those of the tests, over plain http, and without limits on how often."""

import os

os.environ.setdefault("EMAIL_URL", "memorymail://")  # a real server sends no codes where there is no mail

from tests.settings import *  # noqa: F403

ALLOWED_HOSTS = ["127.0.0.1"]
SECURE_SSL_REDIRECT = False
RATES = dict.fromkeys(("default", "login", "code", "token", "refresh", "submission", "mail", "mailbox"), (10**9, 60))
