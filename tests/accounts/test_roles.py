"""The table of roles and permissions."""

import pytest

from accounts.roles import ALL_PERMISSIONS, PERMISSIONS, STEPS, Role, permits


def test_every_role_has_its_permissions():
    assert set(PERMISSIONS) == set(Role)


@pytest.mark.parametrize("step", STEPS)
def test_only_admins_lead_a_cycle(step):
    allowed = {role for role in Role if permits(role, f"cycle.{step}")}
    assert allowed == {Role.ADMIN, Role.SUPER_ADMIN}


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("audit.verify", {Role.SUPER_ADMIN, Role.AUDITOR}),
        ("people.manage", {Role.SUPER_ADMIN}),
        ("keys.rotate", {Role.SUPER_ADMIN}),
        ("scores.decide", {Role.REVIEWER, Role.ADMIN, Role.SUPER_ADMIN}),
        ("outcomes.export", {Role.ADMIN, Role.SUPER_ADMIN}),
        ("batches.import", {Role.ADMIN, Role.SUPER_ADMIN, Role.SERVICE}),
    ],
)
def test_who_may(permission, roles):
    assert {role for role in Role if permits(role, permission)} == roles


def test_a_stranger_may_nothing():
    assert [permission for permission in ALL_PERMISSIONS if permits("stranger", permission)] == []


def test_a_permission_that_does_not_exist_is_an_error_not_a_no():
    with pytest.raises(KeyError):
        permits(Role.ADMIN, "cycle.rewind")
