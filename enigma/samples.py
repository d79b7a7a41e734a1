"""Keys that everybody knows: they stand in for missing ones in DEBUG, and start-up refuses them everywhere else."""

SAMPLE_SECRET_KEY = "change-me-" + "sample-secret-key-for-debug-only-" * 2
SAMPLE_FERNET_KEY = "Y2hhbmdlLW1lLXNhbXBsZS1mZXJuZXQta2V5LTAwMDE="  # base64 of "change-me-sample-fernet-key-0001"
SAMPLE_INDEX_KEY = "change-me-sample-blind-index-key-for-debug-only"
SAMPLE_TOKEN_KEY = "change-me-sample-token-key-for-debug-only-0001"  # noqa: S105  a stand-in, and refused

SAMPLES = frozenset({SAMPLE_SECRET_KEY, SAMPLE_FERNET_KEY, SAMPLE_INDEX_KEY, SAMPLE_TOKEN_KEY})
SAMPLE_MARK = "change-me"
