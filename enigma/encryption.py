"""Seal and open personal data: a data key per record, wrapped by the master keys, and a keyed index for equality."""

# A sealed value is ``Fernet(data key).encrypt(JSON of {"aid", "t", "v", "d"})``. Fernet binds a token to nothing, so
# the record's id (``aid``) and the kind of value (``t``) travel inside and are compared on opening: a token, or a
# whole (key, token) pair, that was moved to another row is refused.

import hashlib
import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

FORMAT_VERSION = 1


class UnreadableRecord(Exception):
    """A sealed value does not open, or belongs to another record. Carries no content."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored: encrypted by the master key whose id is ``key_id`` (8 hex digits)."""

    token: str
    key_id: str


class DataKey:
    """The key of one record (an applicant, or a cycle's blind texts), in the clear and only in memory."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, data: dict[str, Any], *, record: str, kind: str) -> str:
        """Return the token of ``data`` (JSON values), bound to ``record`` and ``kind``."""
        body = orjson.dumps({"aid": record, "t": kind, "v": FORMAT_VERSION, "d": data})
        return self._fernet.encrypt(body).decode("ascii")

    def open(self, token: str, *, record: str, kind: str) -> dict[str, Any]:
        """Return what was sealed; raise UnreadableRecord for a wrong key, a changed token, or a moved one."""
        try:
            body = orjson.loads(self._fernet.decrypt(token))
            bound_to, data = (body["aid"], body["t"], body["v"]), body["d"]
        except (InvalidToken, orjson.JSONDecodeError, KeyError, TypeError):
            raise UnreadableRecord(f"the {kind} of record {record} does not open") from None
        if bound_to != (record, kind, FORMAT_VERSION):
            raise UnreadableRecord(f"the {kind} of record {record} belongs to another record")
        opened: dict[str, Any] = data
        return opened


class Keyring:
    """The master keys (first one encrypts) and the index key."""

    def __init__(self, fernet_keys: Sequence[str], index_key: str) -> None:
        self._master = MultiFernet([Fernet(key) for key in fernet_keys])
        self._index_key = index_key.encode()
        self.primary_id = key_id(fernet_keys[0])

    def new_key(self) -> tuple[DataKey, WrappedKey]:
        """Make a data key, and what to store of it."""
        key = Fernet.generate_key()
        return DataKey(key), WrappedKey(self._master.encrypt(key).decode("ascii"), self.primary_id)

    def unwrap(self, token: str) -> DataKey:
        """Open a stored data key; raise UnreadableRecord when no master key fits."""
        try:
            return DataKey(self._master.decrypt(token))
        except InvalidToken:
            raise UnreadableRecord("no master key opens this data key") from None

    def rewrap(self, token: str) -> WrappedKey:
        """Wrap a stored data key anew by the first master key."""
        try:
            return WrappedKey(self._master.rotate(token).decode("ascii"), self.primary_id)
        except InvalidToken:
            raise UnreadableRecord("no master key opens this data key") from None

    def seal_secret(self, text: str, *, kind: str) -> str:
        """Return a short text sealed by the first master key, bound to ``kind``, with the id of that key before it."""
        body = orjson.dumps({"t": kind, "v": FORMAT_VERSION, "d": text})
        return f"{self.primary_id}:{self._master.encrypt(body).decode('ascii')}"

    def open_secret(self, sealed: str, *, kind: str) -> str:
        """Return what ``seal_secret`` sealed; raise UnreadableRecord for a wrong key or another kind."""
        try:
            body = orjson.loads(self._master.decrypt(sealed.partition(":")[2]))
            bound_to, text = (body["t"], body["v"]), body["d"]
        except (InvalidToken, orjson.JSONDecodeError, KeyError, TypeError):
            raise UnreadableRecord(f"a {kind} does not open") from None
        if bound_to != (kind, FORMAT_VERSION):
            raise UnreadableRecord(f"a {kind} is something else")
        opened: str = text
        return opened

    def rewrap_secret(self, sealed: str) -> str:
        """Seal what ``seal_secret`` sealed anew by the first master key."""
        fresh = self.rewrap(sealed.partition(":")[2])
        return f"{fresh.key_id}:{fresh.token}"

    def email_index(self, email: str, *, cycle_id: int) -> bytes:
        """HMAC-SHA-256 of the folded address within one cycle: equal addresses meet, and only inside the cycle."""
        folded = unicodedata.normalize("NFKC", email.strip()).casefold()
        return self._mac("enigma/bidx/email/v1", str(cycle_id), folded.encode())

    def fingerprint(self, content: bytes, *, cycle_id: int) -> bytes:
        """HMAC-SHA-256 of a whole submission, to tell «the same row again» from «another row of the same person»."""
        return self._mac("enigma/submission/v1", str(cycle_id), content)

    def _mac(self, purpose: str, scope: str, content: bytes) -> bytes:
        return hmac.new(self._index_key, f"{purpose}\n{scope}\n".encode() + content, hashlib.sha256).digest()


def key_id(key: str) -> str:
    """Name a master key without telling it: the first 8 hex digits of SHA-256("enigma/kek/v1" LF key)."""
    return hashlib.sha256(b"enigma/kek/v1\n" + key.encode()).hexdigest()[:8]
