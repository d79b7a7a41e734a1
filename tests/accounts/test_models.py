"""Users and sessions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AdminSession, AdminUser, User
from tests.factories import omar

pytestmark = pytest.mark.django_db


def session(**changes):
    omar()
    soon = timezone.now() + timedelta(hours=1)
    fields = {"refresh_sha256": bytes(32), "idle_expires_at": soon, "absolute_expires_at": soon, **changes}
    return AdminSession(admin_user=AdminUser.objects.get(), **fields)


def test_a_session_is_found_by_the_hash_of_its_token():
    stored = session()
    stored.save()
    assert AdminSession.objects.get(refresh_sha256=bytes(32)).pk == stored.pk


def test_a_token_itself_is_never_stored():
    with pytest.raises(ValueError, match="32 bytes"):
        session(refresh_sha256=b"eyJhbGciOiJIUzI1NiJ9.a-token").save()


def test_one_person_has_one_account_whatever_the_case():
    made = User.objects.create_user(" Amina@Example.ORG ")
    assert User.objects.get_by_natural_key("AMINA@example.org") == made


def test_an_account_without_a_password_is_not_entered_by_one():
    assert not User.objects.create_user("amina@example.org").has_usable_password()


def test_what_a_record_says_of_itself_names_nobody():
    stored = session()
    told = [str(User.objects.get()), str(AdminUser.objects.get()), str(stored)]
    assert "omar" not in " ".join(told)
