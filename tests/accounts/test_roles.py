"""The table of roles and permissions."""

import pytest

from accounts.roles import ALL_PERMISSIONS, PERMISSIONS, VERBS, Role, permits


def test_every_role_has_its_permissions():
    assert set(PERMISSIONS) == set(Role)


# Who may do what, written out: N nobody, A applicant, R reviewer, L admin (who leads a cycle), S super_admin,
# U auditor, M machine.
LETTERS = {
    "N": Role.NOBODY,
    "A": Role.APPLICANT,
    "R": Role.REVIEWER,
    "L": Role.ADMIN,
    "S": Role.SUPER_ADMIN,
    "U": Role.AUDITOR,
    "M": Role.SERVICE,
}
MATRIX = {
    "public.view": "NARLSUM",
    "session.begin": "NARLSUM",
    "applicant.session": "A",
    "application.submit": "A",
    "application.view": "A",
    "application.change": "A",
    "application.withdraw": "A",
    "result.view": "A",
    "review.ask": "A",
    "own.export": "A",
    "own.erase": "A",
    "staff.session": "RLSU",
    "cycle.view": "RLSU",
    "cycle.create": "LS",
    "cycle.change": "LS",
    "cycle.freeze": "LS",
    "cycle.start_preprocessing": "LS",
    "cycle.start_batch_prep": "LS",
    "cycle.start_processing": "LS",
    "cycle.mark_scored": "LS",
    "cycle.perform_selection": "LS",
    "cycle.publish_results": "LS",
    "cycle.complete": "LS",
    "applications.import": "LS",
    "applications.view": "LS",
    "applications.grant_late": "LS",
    "blind.view": "RLS",
    "identity.view": "S",
    "batches.view": "LS",
    "batches.export": "LSM",
    "batches.import": "LSM",
    "scores.decide": "RLS",
    "outcomes.export": "LS",
    "reviews.answer": "LS",
    "tokens.manage": "LS",
    "letters.edit": "LS",
    "people.manage": "S",
    "keys.rotate": "S",
    "audit.view": "SU",
    "audit.verify": "SU",
}


def test_the_matrix_names_every_permission():
    assert set(MATRIX) == ALL_PERMISSIONS


@pytest.mark.parametrize("permission", MATRIX)
def test_who_may(permission):
    assert {role for role in Role if permits(role, permission)} == {LETTERS[one] for one in MATRIX[permission]}


def test_a_machines_token_is_for_what_machines_may_and_strangers_may_not():
    assert {"batches.export", "batches.import"} == VERBS


def test_a_stranger_may_nothing():
    assert [permission for permission in ALL_PERMISSIONS if permits("stranger", permission)] == []


def test_a_permission_that_does_not_exist_is_an_error_not_a_no():
    with pytest.raises(KeyError):
        permits(Role.ADMIN, "cycle.rewind")
