"""Browser sessions in the database, for the keys that Django itself makes and for no others."""

import re

from django.contrib.sessions.backends import db

KEY = re.compile("[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    """A cookie may hold anything, also what PostgreSQL takes for no text; only a key that could be one is looked up."""

    def _validate_session_key(self, key: str) -> bool:
        return bool(KEY.fullmatch(key or ""))
