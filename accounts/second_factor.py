"""Second factors beside the pages that allauth has for them: verify a code, enrol, reset, seal anew."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from accounts import lockouts
from accounts.actors import Actor
from accounts.models import AdminUser, User
from accounts.sessions import end_all
from audit.log import record
from enigma.errors import Conflict, Refused
from enigma.keys import keyring

# Factors that one is asked for; recovery codes only stand in for them.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
TYPED = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
# Where allauth keeps what is sealed, by type; a passkey's row holds a public key, which is no secret.
SECRETS = ("secret", "seed")
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What somebody is told once: the address for an authenticator app, the same secret by itself, recovery codes."""

    address: str
    secret: str
    recovery_codes: list[str]


def demanded() -> bool:
    """Tell whether staff must have, and use, a second factor; only a demo lets it be."""
    return not settings.SECOND_FACTOR_OPTIONAL


def has_one(user: User) -> bool:
    """Tell whether the person has enrolled an authenticator app or a passkey."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


def guess(user: User, code: str, *, address: str) -> Authenticator | None:
    """The same as ``use``, for whoever stands at a door: counted before it is looked at, by all doors together.

    It is counted apart from the password: who has that one right must not win new tries by it. Raise Throttled.
    """
    if not code.strip():
        return None
    who = f"factor:{user.pk}"
    lockouts.attempt(who, address)
    used = use(user, code)
    if used:
        lockouts.succeeded(who, address)
    return used


@transaction.atomic
def use(user: User | None, code: str) -> Authenticator | None:
    """Return the authenticator whose code this is, used up, or None; of equal codes at once exactly one is taken."""
    rows = Authenticator.objects.select_for_update().filter(user=user, type__in=TYPED).order_by("pk")
    held = {row.type: row for row in rows}
    totp, recovery = (held.get(kind) for kind in TYPED)
    if totp is not None and _use_step(totp, code):
        return totp
    if recovery is not None and RecoveryCodes(recovery).validate_code(code):
        return recovery
    return None


def enrol(user: User) -> Enrolment:
    """Give the person an authenticator app and recovery codes; raise Conflict when there is a factor already."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if has_one(user):
            raise Conflict("This person has a second factor already.")
        secret = generate_totp_secret()
        TOTP.activate(user, secret)
        codes = RecoveryCodes.activate(user).generate_codes()
    return Enrolment(get_adapter().build_totp_url(user, secret), secret, codes)


def reset(member: AdminUser, actor: Actor) -> None:
    """Take a colleague's second factors away and end all their sessions; they enrol anew at the next sign-in.

    Raise Denied without the permission, Refused for one's own: whoever took over a session must not get rid of the
    factor by it.
    """
    actor.require("people.manage")
    if actor.id == f"user:{member.user_id}":
        raise Refused("Nobody resets their own second factor: ask a colleague.")
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user_id=member.user_id).delete()
        ended = end_all(member.user, actor=actor, reason="second_factor_reset")
        entity = ("user", str(member.user_id))
        record("second_factor.reset", actor=actor, entity=entity, removed=removed, sessions=ended)


def rewrap(actor: Actor, on_progress: Callable[[int], None] = lambda done: None) -> int:
    """Seal every secret that does not stand on the first master key anew, in chunks; return how many rows."""
    actor.require("keys.rotate")
    done = last = 0
    while pks := _rewrap_chunk(actor, after=last):
        last = pks[-1]
        done += len(pks)
        on_progress(done)
    return done


def standing() -> dict[str, int]:
    """Count the rows with a sealed secret by the id of the master key that they stand on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT split_part(coalesce(data->>'secret', data->>'seed'), ':', 1), count(*) FROM mfa_authenticator "
            "WHERE coalesce(data->>'secret', data->>'seed') IS NOT NULL GROUP BY 1"
        )
        return dict(cursor.fetchall())


def _rewrap_chunk(actor: Actor, *, after: int) -> list[int]:
    primary = keyring().primary_id
    old = Q()
    for name in SECRETS:
        old |= Q(**{f"data__{name}__isnull": False}) & ~Q(**{f"data__{name}__startswith": f"{primary}:"})
    with transaction.atomic():
        found = Authenticator.objects.select_for_update(skip_locked=True).filter(old, pk__gt=after)
        rows = list(found.order_by("pk")[:CHUNK])
        for row in rows:
            row.data |= {name: keyring().rewrap_secret(row.data[name]) for name in SECRETS if name in row.data}
        if rows:
            Authenticator.objects.bulk_update(rows, ["data"])
            record("keys.rotate", actor=actor, entity=("table", "mfa_authenticator"), rows=len(rows), key=primary)
    return [row.pk for row in rows]


def _use_step(row: Any, code: str) -> bool:
    """Take the code of a time step later than the last one that was taken: each step counts once (RFC 6238, 5.2)."""
    secret = decrypt(row.data["secret"])
    fits = [
        step
        for step in yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
    ]
    if not fits or max(fits) <= row.data.get("last_step", -1):
        return False
    row.data["last_step"] = max(fits)
    row.save(update_fields=["data"])
    return True
