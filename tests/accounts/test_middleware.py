"""The status of a page whose form has faults."""

import pytest

from tests.visitors import Browser

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("page", "sent"),
    [
        ("account_request_login_code", {"email": "no address"}),
        ("account_login", {"login": "omar@example.org", "password": "wrong"}),
        ("account_login", {}),
    ],
)
def test_a_form_with_faults_is_shown_again_with_422(page, sent):
    answer = Browser().post(page, sent)
    assert (answer.status_code, bool(answer.context["form"].errors)) == (422, True)


def test_a_page_that_is_only_looked_at_is_200():
    assert Browser().get("account_login").status_code == 200
