"""Who may do what: one table of roles and permissions. Nothing here touches Django or the database."""

from enum import StrEnum


class Role(StrEnum):
    """What a member of staff, or a machine, is here for."""

    REVIEWER = "reviewer"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"
    AUDITOR = "auditor"
    SERVICE = "service"


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

_READ = frozenset({"cycle.view"})
_AUDIT = frozenset({"audit.view", "audit.verify"})
_LEAD = (
    _READ
    | {f"cycle.{step}" for step in STEPS}
    | {
        "cycle.create",
        "applications.import",
        "batches.export",
        "batches.import",
        "scores.decide",
        "outcomes.export",
    }
)

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.REVIEWER: _READ | {"scores.decide"},
    Role.ADMIN: _LEAD,
    Role.SUPER_ADMIN: _LEAD | _AUDIT | {"people.manage", "keys.rotate"},
    Role.AUDITOR: _READ | _AUDIT,
    # A machine's reach is narrowed further by the scope of its token.
    Role.SERVICE: frozenset({"batches.export", "batches.import"}),
}

ALL_PERMISSIONS = frozenset().union(*PERMISSIONS.values())


def permits(role: str, permission: str) -> bool:
    """Tell whether ``role`` includes ``permission``; raise KeyError for a permission that does not exist."""
    if permission not in ALL_PERMISSIONS:
        raise KeyError(permission)
    return permission in PERMISSIONS.get(role, frozenset())
