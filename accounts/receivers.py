"""Notes in the audit log what the pages of allauth do with passwords, codes and second factors."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.db import transaction

from accounts.browser import actor_of
from accounts.failures import note_failure
from accounts.models import User
from audit.log import record

DONE = {
    account.password_changed: "password.change",
    account.password_set: "password.set",
    account.password_reset: "password.reset",
    mfa.authenticator_added: "second_factor.enrol",
    mfa.authenticator_removed: "second_factor.remove",
    mfa.authenticator_reset: "second_factor.renew",  # new recovery codes in place of the old
}
REJECTED = {account.login_code_rejected: "code", account.password_reset_code_rejected: "reset_code"}


def note_deed(signal: Any, user: User, **about: Any) -> None:
    """Note what somebody changed about their own way in."""
    kind = {"type": str(about["authenticator"].type)} if "authenticator" in about else {}
    with transaction.atomic():
        record(DONE[signal], actor=actor_of(user), entity=("user", str(user.pk)), door="pages", **kind)


def note_wrong_code(signal: Any, user: User, **about: Any) -> None:
    """Note a wrong code from a letter."""
    note_failure(REJECTED[signal], user=user, door="pages")


def connect() -> None:
    """Listen to allauth; accounts.urls does so where its pages are served."""
    for signals, receiver in ((DONE, note_deed), (REJECTED, note_wrong_code)):
        for signal in signals:
            signal.connect(receiver, dispatch_uid="enigma.audit")
