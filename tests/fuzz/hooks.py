"""Signs every request of schemathesis in anew as FUZZ_ROLE, as a request may have ended the last session."""

import os

import django

django.setup()

import schemathesis

from accounts.models import AdminUser, User
from accounts.roles import VERBS
from tests.clients import api, applicant_client, service_client, sessions_actor
from tests.factories import omar

ROLE = os.environ["FUZZ_ROLE"]


def token() -> str:
    """A fresh access token of the role; the rows are committed, so that the server sees them."""

    if ROLE == "applicant":
        tokens = applicant_client(email="fuzz-applicant@example.org").tokens
    else:
        email = f"fuzz-{ROLE.replace('_', '-')}@example.org"
        member = AdminUser.objects.filter(user__email=email).first()
        if member is not None:  # a request may have disabled or demoted it
            User.objects.filter(pk=member.user_id).update(is_active=True)
            AdminUser.objects.filter(pk=member.pk).update(is_active=True, role=ROLE)
        tokens = api(sessions_actor(member) if member else omar(ROLE, email=email)).tokens
    return tokens.access


@schemathesis.auth(refresh_interval=None)
class Fresh:
    """Gives each request its own session."""

    def get(self, case, context):
        if ROLE == "nobody":
            return None
        if ROLE in VERBS:
            return service_client(ROLE)._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        return token()

    def set(self, case, data, context):
        if data:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
