"""New people: whoever asks for a code has an account from then on, and loses it when the code is never used."""

import unicodedata
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.actors import system
from accounts.models import AdminUser, ApplicantSession, User
from audit.log import record
from enigma.errors import Malformed

UNCONFIRMED_FOR = timedelta(days=1)
CHUNK = 1_000


def person_for(email: str) -> User:
    """Return the user of an address, made now when there is none.

    Known and unknown addresses take the same statements, so that neither the answer nor its time tells them apart;
    of two requests at once both get the same user. Raise Malformed where no mail could go.
    """
    email = email.strip().lower()
    _demand_mailable(email)
    with transaction.atomic():
        User.objects.bulk_create([User(email=email, password=make_password(None))], ignore_conflicts=True)
        user = User.objects.get(email=email)
        address = EmailAddress(user=user, email=email, primary=True, verified=False)
        EmailAddress.objects.bulk_create([address], ignore_conflicts=True)
        # Whoever never came waits anew, so that a code that is on its way now finds its person.
        waiting = EmailAddress.objects.filter(email=email, verified=False).values("user")
        User.objects.filter(pk=user.pk, pk__in=waiting, last_login=None).update(date_joined=timezone.now())
    return user


def _demand_mailable(email: str) -> None:
    """Refuse what Django's validator lets pass and no mail server takes."""
    local, _, domain = email.rpartition("@")
    if not local.isascii():  # such as «İ»
        raise Malformed(gettext("The part of the address before the @ holds letters that mail does not take."))
    try:
        domain.encode("idna")
    except UnicodeError:
        raise Malformed(gettext("The part of the address after the @ cannot be the name of a mail server.")) from None
    if unicodedata.normalize("NFKC", domain).lower() != domain:  # full-width letters, say: one mailbox, one account
        raise Malformed(gettext("The part of the address after the @ is not written as mail servers write it."))
    # The database may know letters that Python does not yet, and see a capital where Python sees nothing.
    if any(unicodedata.category(letter) == "Cn" for letter in domain):
        raise Malformed(gettext("The part of the address after the @ holds letters that nobody knows yet."))


def confirm_address(user: User) -> None:
    """Note that the address is the person's own: they used a code, or whoever made the account vouches for it."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def purge_unconfirmed(now: datetime) -> int:
    """Delete the users who asked for a code more than a day ago and never used one; return how many."""
    done = 0
    while count := _purge_chunk(now - UNCONFIRMED_FOR):
        done += count
    return done


def unconfirmed() -> QuerySet[User]:
    """Whoever asked for a code and never used one: without a sign-in by any door, a staff record or a session."""
    mine = {"user": OuterRef("pk")}
    return (
        User.objects.filter(last_login=None)
        .exclude(Exists(EmailAddress.objects.filter(verified=True, **mine)))
        .exclude(Exists(AdminUser.objects.filter(**mine)))
        .exclude(Exists(ApplicantSession.objects.filter(**mine)))
    )


def _purge_chunk(before: datetime) -> int:
    """Delete some of them."""
    with transaction.atomic():
        gone = list(
            unconfirmed()
            .filter(date_joined__lt=before)
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:CHUNK]
        )
        if gone:
            User.objects.filter(pk__in=gone).delete()
            record("people.purge", actor=system(), entity=("table", User._meta.db_table), rows=len(gone))
    return len(gone)
