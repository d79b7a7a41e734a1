"""Sign-in by a provider that the settings name."""

import json

import pytest

from accounts.models import User
from accounts.newcomers import confirm_address

PROVIDER = {
    "provider_id": "uni",
    "name": "University",
    "client_id": "enigma",
    "secret": "a secret of the provider",
    "server_url": "https://id.example.edu",
}
ASK = """
from django.test import Client
from django.urls import resolve
page = Client().get("/accounts/login/code/", secure=True, headers={"host": "testserver"})
print(page.status_code)
print(page.headers["Content-Security-Policy"])
print(page.content.decode())
print(resolve("/accounts/oidc/uni/login/callback/").url_name)
"""
# What the provider answers, from there on where allauth has checked its signature. Its tables are there for this only.
COME_BACK = """
from allauth.core import context
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import transaction
from django.test import RequestFactory
from accounts.models import User
def come_back(email, verified):
    request = RequestFactory().get("/", secure=True)
    request.session, request.user = SessionStore(), AnonymousUser()
    with context.request_context(request):
        told = {"sub": email, "email": email, "email_verified": verified, "name": "Amina Qureshi"}
        login = get_adapter().get_provider(request, "uni").sociallogin_from_response(request, told)
        complete_social_login(request, login)
    return getattr(request.user, "email", None)
with transaction.atomic():
    call_command("migrate", "socialaccount", verbosity=0)
    print([come_back(email, True) for email in ("New@Example.org", "amina@example.org", "new@example.org")])
    print([come_back(email, False) for email in ("other@example.org", "sam@example.org")], User.objects.count())
    print(list(SocialAccount.objects.values_list("extra_data", flat=True).distinct()))
    transaction.set_rollback(True)
"""


def asked(manage, providers, script=ASK):
    process = manage(
        "shell", "-v0", "-c", script, env={"OIDC_PROVIDERS": json.dumps(providers), "EMAIL_URL": "memorymail://"}
    )
    out, err = process.communicate(timeout=110)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.django_db(transaction=True)
def test_a_provider_is_offered_on_the_sign_in_page(manage):
    code, told, err = asked(manage, [PROVIDER])
    assert (code, err) == (0, "")
    lines = told.splitlines()
    assert (lines[0], lines[-1]) == ("200", "openid_connect_callback")
    assert "form-action 'self' https://id.example.edu" in lines[1]
    assert 'action="/accounts/oidc/uni/login/"' in told
    assert "Sign in with University" in told
    assert PROVIDER["secret"] not in told


@pytest.mark.django_db(transaction=True)
def test_without_one_there_is_no_such_address(manage):
    code, told, _ = asked(manage, [])
    assert (code, "oidc" in told) == (1, False)


@pytest.mark.django_db(transaction=True)
def test_a_verified_address_lets_new_and_known_people_in_and_nothing_else_of_them_is_kept(manage):
    for email in ("amina@example.org", "sam@example.org"):
        confirm_address(User.objects.create_user(email))
    code, told, err = asked(manage, [PROVIDER], COME_BACK)
    assert (code, err) == (0, "")
    known = ["new@example.org", "amina@example.org", "new@example.org"]
    assert told.splitlines() == [str(known), "[None, None] 3", "[{}]"]
