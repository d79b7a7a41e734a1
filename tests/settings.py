"""The settings of the tests: the real ones, with keys of their own and cheap passwords."""

import os

os.environ["ENIGMA_ENV_FILE"] = os.devnull  # nobody's own .env may decide what the tests see
os.environ["DEBUG"] = "0"
os.environ["SECRET_KEY"] = "test-secret-key-" * 4
os.environ["ENIGMA_FERNET_KEYS"] = "dGVzdC1rZXktbnVtYmVyLW9uZS0xMjM0NTY3ODkwMTI="
os.environ["ENIGMA_BIDX_KEY"] = "test-blind-index-key-" * 2
os.environ["ENIGMA_JWT_KEY"] = "test-token-key-" * 3
os.environ["ALLOWED_HOSTS"] = "testserver"
os.environ["SITE_URL"] = "https://admissions.example.edu"

from enigma.settings import *  # noqa: F403  the environment comes first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Static files come from where they lie: nobody has collected them.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
