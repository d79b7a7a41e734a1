"""The settings of the server that browsers visit: as in production, but over plain http and without limits."""

import os

from tests.fuzz.settings import *  # noqa: F403

ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
# A passkey belongs to a name, not to a number, and http is trusted on this machine only.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
# Collected, compressed and named by their hash: a page weighs what it weighs for readers.
STORAGES["staticfiles"] = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}  # noqa: F405
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = False
STATIC_ROOT = os.environ["ENIGMA_TEST_STATIC"]
