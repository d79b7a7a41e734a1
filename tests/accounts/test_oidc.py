"""Sign-in by a provider that the settings name."""

import json

import pytest

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


def asked(manage, providers):
    process = manage("shell", "-v0", "-c", ASK, env={"OIDC_PROVIDERS": json.dumps(providers)})
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.django_db(transaction=True)
def test_a_provider_is_offered_on_the_sign_in_page(manage):
    code, told, err = asked(manage, [PROVIDER])
    assert (code, err) == (0, "")
    lines = told.splitlines()
    assert (lines[0], lines[-1]) == ("200", "openid_connect_callback")
    assert "form-action 'self' https://id.example.edu;" in lines[1]
    assert 'action="/accounts/oidc/uni/login/"' in told
    assert "Sign in with University" in told
    assert PROVIDER["secret"] not in told


@pytest.mark.django_db(transaction=True)
def test_without_one_there_is_no_such_address(manage):
    code, told, _ = asked(manage, [])
    assert (code, "oidc" in told) == (1, False)
