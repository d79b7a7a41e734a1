"""Who may do what: one table of roles and permissions. Nothing here touches Django or the database."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody, or a machine, is here for; the last two hold no staff record."""

    REVIEWER = "reviewer"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"
    AUDITOR = "auditor"
    SERVICE = "service"
    APPLICANT = "applicant"
    NOBODY = "nobody"


STAFF = (Role.REVIEWER, Role.ADMIN, Role.SUPER_ADMIN, Role.AUDITOR)
# What an AdminUser may be; a machine's token needs no staff record, but 1.x kept some.
RECORDED = (*STAFF, Role.SERVICE)

STEPS = (
    "freeze",
    "start_preprocessing",
    "start_batch_prep",
    "start_processing",
    "mark_scored",
    "perform_selection",
    "publish_results",
    "complete",
)

# What anybody may do: read what is public, and ask to be let in.
_PUBLIC = frozenset({"public.view", "session.begin"})
_APPLICANT = _PUBLIC | {
    "applicant.session",  # one's own session: refresh, log out
    "application.submit",
    "application.view",  # one's own, as far as the phase
    "application.change",  # one's own, until the deadline
    "application.withdraw",
    "result.view",  # one's own, once it is published
    "review.ask",  # of one's own result
    "own.export",  # all that is held of oneself
    "own.erase",
}
_STAFF = _PUBLIC | {"staff.session", "cycle.view"}
_AUDIT = frozenset({"audit.view", "audit.verify"})
_LEAD = (
    _STAFF
    | {f"cycle.{step}" for step in STEPS}
    | {
        "cycle.create",
        "cycle.change",
        "applications.import",
        "applications.view",
        "applications.grant_late",
        "blind.view",
        "batches.view",
        "batches.export",
        "batches.import",
        "scores.decide",
        "outcomes.export",
        "reviews.answer",
        "tokens.manage",
        "letters.edit",
    }
)

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.NOBODY: _PUBLIC,
    Role.APPLICANT: _APPLICANT,
    Role.REVIEWER: _STAFF | {"blind.view", "scores.decide"},
    Role.ADMIN: _LEAD,
    Role.SUPER_ADMIN: _LEAD | _AUDIT | {"people.manage", "identity.view", "keys.rotate"},
    Role.AUDITOR: _STAFF | _AUDIT,
    # A machine's reach is narrowed further to one of these by the scope of its token, and to one cycle.
    Role.SERVICE: _PUBLIC | {"batches.export", "batches.import"},
}

ALL_PERMISSIONS = frozenset().union(*PERMISSIONS.values())
# What a machine's token can be made for.
VERBS = PERMISSIONS[Role.SERVICE] - _PUBLIC


def permits(role: str, permission: str) -> bool:
    """Tell whether ``role`` includes ``permission``; raise KeyError for a permission that does not exist."""
    if permission not in ALL_PERMISSIONS:
        raise KeyError(permission)
    return permission in PERMISSIONS.get(role, frozenset())
