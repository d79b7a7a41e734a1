"""A token lets in exactly as long as its row is live, and gives the role that the row's owner has now."""

import pytest
from django.test import override_settings
from django.urls import path
from rest_framework.response import Response

from accounts.models import AdminUser
from accounts.roles import Role
from enigma.rest.views import ApiView
from tests.clients import api, applicant_client, service_client, staff_client

pytestmark = pytest.mark.django_db


class Whoami(ApiView):
    needs = {"get": "public.view", "post": "tokens.manage"}

    def get(self, request):
        return Response([request.auth.kind, request.auth.role, request.auth.scope])

    def post(self, request):
        return Response({})


urlpatterns = [path("whoami", Whoami.as_view())]


@pytest.fixture(autouse=True)
def _route():
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.mark.parametrize(
    ("make", "who"),
    [
        (api, ["nobody", "nobody", None]),
        (applicant_client, ["applicant", "applicant", None]),
        (lambda: staff_client(Role.AUDITOR), ["staff", "auditor", None]),
        (service_client, ["service", "service", ["batches.export", "fall-2026"]]),
    ],
)
def test_a_request_is_of_whoever_the_row_says(make, who):
    assert make().get("/whoami").json() == who


def test_a_demotion_counts_from_the_next_request_on():
    client = staff_client(Role.ADMIN)
    assert client.post("/whoami").status_code == 200
    AdminUser.objects.update(role=Role.REVIEWER)
    assert client.post("/whoami").status_code == 403
